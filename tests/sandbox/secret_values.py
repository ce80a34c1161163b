"""Values that must not be seen, files that are damaged, and every task of the tool with words that fit."""

from __future__ import annotations

import base64
import secrets

__all__ = ["DAMAGED", "TASKS", "marked_values"]


def marked_values() -> dict[str, str]:
    """Return values for names whose containers start with any; each line of each has a mark of this run in it."""
    run = secrets.token_hex(4)
    m = [f"lk{number:02d}{run}" for number in range(32)]
    key = "\n".join(base64.b64encode(f"{m[14]} of a key ?>~ {number}".encode()).decode() for number in range(3))
    return {
        "NEXT_PUBLIC_APP_NAME": f"{m[0]} 'quoted' \"twice\" $HOME ${{X}} #no comment",
        "JWT_SECRET": f"{m[1]}\nof {m[1]} lines\tand a tab",
        "FIELD_KEY": f"비밀 {m[2]} 열쇠 😀",
        "TABLE_KEY": f'{{"json": "{m[3]}", "and": ["more", 1], "한": null}}',
        "OPENAI_API_KEY": f"https://user:leak%2D{m[4]}@example.org/path?q=a+b&c=/",
        "CLAUDE_API_KEY": f"sk-{m[5]}/+==",
        "SEOUL_METRO_API_KEY": f"{m[6]}AbC/+" * 40,
        "AI_SERVER_INTERNAL_API_KEY": f"{m[7]}\\back\\\\slash'\\end\\",
        "REDIS_URL": f"redis://:p%40{m[8]}@redis:6379/0",
        "OPENAI_MODEL": f"`id` $(touch /tmp/{m[9]}) ; rm & | > <",
        "OPENAI_MAX_TOKENS": f"'{m[10]}",
        "CLAUDE_MODEL": f'"{m[11]}"',
        "REQUEST_LIMIT_PER_HOUR": f" {m[12]} spaces around ",
        "REQUEST_LIMIT_PER_DAY": f"{m[13]}=a=b&c=d?e#f",
        "USE_CACHE": f"-----BEGIN {m[14]}-----\n{key}\n-----END {m[14]}-----\n",
        "CACHE_TTL": f"{m[15]}\r\nfrom {m[15]} Windows\r\n",
        "LOG_LEVEL": f"{m[16]}<a href='x'>&amp;",
        "AI_PROVIDER": f"{m[17]}.*[a-z]+(x|y)^$\\d",
        "NEXT_PUBLIC_API_URL": f"https://user:{m[18]}@example.org/?q=a+b%20c",
        "NEXT_PUBLIC_AI_URL": f"한글{m[19]}",
        "NEXT_PUBLIC_DEV_MODE": f"{m[20]}\x1b[31mred",
        "NEXT_PUBLIC_LOG_LEVEL": f"{m[21]}|~*^%",
        "NEXT_PUBLIC_TOKEN_KEY": m[22].encode().hex(),
        "NEXT_PUBLIC_REFRESH_TOKEN_KEY": base64.b64encode(f"??>>{m[23]}~~??>>".encode()).decode(),
        "NEXT_PUBLIC_APP_VERSION": f"$${m[24]}$$",
        "COOKIE_SAME_SITE": f"export {m[25]}=1",
        "AI_STORY_CRON": f"0 0 {m[26]} * * ?",
        "METRO_ENABLED_LINES": f"{m[27]},{m[27]}b;{m[27]}c",
        "SPRING_PROFILES_ACTIVE": f"{m[28]}\n\n\n{m[28]} end",
        "AI_STORY_BATCH_SIZE": f"👩‍👩‍👧 é ü {m[29]} ñ",
        "NOBODY_READS_IT": f"{m[30]} 'in' no container",
    }


DAMAGED = {
    "a quote that is not closed": b'EXTRA="leakme-1\nMORE=leakme-2\n',
    "a single quote that is not closed": b"EXTRA='leakme-1\nMORE=leakme-2\n",
    "a name with a space": b"leakme 1=leakme-2\n",
    "a template that is not closed": b"EXTRA=${leakme\n",
    "a variable that is required": b"EXTRA=${NONE:?leakme}\n",
    "no name": b"=leakme-1\n",
    "no assignment": b"leakme-1\n",
    "a port that is none": b"BEHINDY_HTTP_PORT=leakme\n",
    "a path that is none": b'BEHINDY_DB_DATA="leakme-1:leakme-2:leakme-3:x"\n',
    "not UTF-8": b"\xff\xfeEXTRA=leakme\n",
    "a NUL": b"EXTRA=leak\x00leakme\n",
    "from Windows": b"EXTRA=leakme\r\nMORE='leakme\r\n",
    "text after a quote": b'EXTRA="x" leakme\n',
    "a dollar": b"EXTRA=le$akme-leakme\n",
    "a key of a certificate": b"EXTRA=-----BEGIN KEY-----\nleakme/base64+==\n-----END KEY-----\n",
}

TASKS: dict[str, tuple[str, ...]] = {
    "completion": ("bash",),
    "db.backup": ("--to", "{new}"),
    "db.fetch": ("--to", "{new}"),
    "db.restore": ("{junk}", "--yes"),
    "deploy.all": ("--tag", "v1", "--dry-run"),
    "deploy.backend": ("--tag", "leaks", "--watch", "0"),
    "deploy.check": (),
    "deploy.frontend": ("--tag", "v1", "--watch", "0", "--force"),
    "deploy.history": (),
    "deploy.llmserver": ("--tag", "leaks", "--watch", "0"),
    "deploy.maintenance": ("frontend", "--off"),
    "deploy.recover": (),
    "deploy.releases": (),
    "deploy.rollback": ("frontend", "--watch", "0"),
    "deploy.status": (),
    "env.check": (),
    "env.diff": ("{candidate}",),
    "env.edit": ("--yes",),
    "env.push": ("{candidate}",),
    "env.set": ("JWT_SECRET", "--yes"),
    "host.adopt": (),
    "host.certs": ("--dry-run",),
    "host.check": (),
    "host.keygen": ("--file", "{new}"),
    "host.nginx": (),
    "host.setup": (),
    "host.sync": ("--dry-run",),
    "host.trust": (),
    "host.up": ("--yes",),
    "init": ("--check",),
    "lock.acquire": ("--message", "looking for values"),
    "lock.release": (),
    "lock.status": (),
    "ops.certs": (),
    "ops.disk": (),
    "ops.doctor": (),
    "ops.env": ("backend",),
    "ops.exec": ("backend", "true"),
    "ops.logs": ("backend", "--tail", "all"),
    "ops.mem": (),
    "ops.network": (),
    "ops.nginx": (),
    "ops.prune": ("--dry-run",),
    "ops.ps": (),
    "ops.restart": ("frontend", "--watch", "0"),
    "ops.run": ("backend", "true"),
    "ops.stats": (),
}
"""In this order; none replaces what cannot be had back. What ``ops.exec`` and ``ops.run`` print, somebody asked for."""
