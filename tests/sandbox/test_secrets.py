"""No value of the host's ``.env`` leaves the host: not by a release that prints it, not by a damaged file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from behindy_ops.project.dotenv import render
from sandbox.host import shell as host
from tests.leaks import leaks
from tests.sandbox.support import environment, inv, on_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

HOME = "/home/ubuntu/behindy-ops"
MARKED = {
    "NEXT_PUBLIC_APP_NAME": "leak-one 'quoted' \"twice\" $HOME ${X} #no comment",
    "JWT_SECRET": "leak-two\nof two lines\tand a tab",
    "FIELD_KEY": "비밀 leak-three 😀",
    "TABLE_KEY": '{"json": "leak-four", "and": ["more", 1]}',
    "OPENAI_API_KEY": "https://user:leak%2Dfive@example.org/path?q=a+b&c=/",
}
FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"


@pytest.fixture
def marked(live_services: None) -> Iterator[dict[str, str]]:
    """The host's file with marked values in it; what its values are. As it was, afterwards."""
    on_host("cp", "-a", f"{HOME}/.env", "/root/env.kept")
    text = host.run(["cat", f"{HOME}/.env"]).stdout.decode()
    kept = [line for line in text.splitlines() if line.partition("=")[0] not in MARKED]
    lines = [*kept, *(render(name, value) for name, value in MARKED.items())]
    host.run(["sh", "-c", f"cat > {HOME}/.env"], stdin="\n".join([*lines, ""]).encode(), user="ubuntu")
    passwords = dict(line.split("=", 1) for line in kept if "PASS" in line.partition("=")[0])
    try:
        yield {**MARKED, **{name: value.strip("'\"") for name, value in passwords.items()}}
    finally:
        on_host("sh", "-c", f"cp -a /root/env.kept {HOME}/.env; rm -rf /root/env.kept")


@pytest.mark.parametrize("mode", ["plain", "--json", "GITHUB_ACTIONS"])
def test_a_release_that_prints_its_environment_is_refused_without_a_value(
    marked: dict[str, str], release: Callable[..., str], mode: str, tmp_path: Path
) -> None:
    summary = tmp_path / "summary"
    summary.touch()
    words = ["--json"] if mode == "--json" else []
    github = {mode: "true", "GITHUB_STEP_SUMMARY": str(summary)} if mode.isupper() else {}
    env = environment(**github)
    ran = inv("deploy.backend", "--tag", release("backend", "leaks", "leaks"), "--watch", "0", *words, env=env)
    logs = on_host("sh", "-c", f"cat {HOME}/state/history.jsonl; cat /tmp/*.log 2>/dev/null; true")
    assert ran.code != 0
    assert any(f"<{name}>" in ran.said for name in marked)
    assert leaks(ran.said + summary.read_text() + logs, marked) == []
    assert on_host("ls", f"{HOME}/state/releases/backend") != ""


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
ALWAYS = ("a quote that is not closed", "a port that is none")
TASKS = (
    ("deploy.check",), ("deploy.frontend", "--tag", "v1", "--watch", "0"), ("ops.doctor",), ("host.up", "--yes"),
    ("host.sync", "--dry-run"), ("env.check",), ("ops.env", "frontend"), ("deploy.status",), ("host.check",),
)  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in DAMAGED if FULL or kind in ALWAYS])
def test_a_damaged_file_is_told_without_a_value(marked: dict[str, str], sandbox: SandboxInfo, kind: str) -> None:
    damage = DAMAGED[kind]
    host.run(
        ["sh", "-c", f"cat - {HOME}/.env > {HOME}/.env.new && mv {HOME}/.env.new {HOME}/.env"],
        stdin=damage,
        user="ubuntu",
    )
    said = ""
    for words in TASKS:
        said += inv(*words, env=environment(GITHUB_ACTIONS="true")).said  # says all that a terminal is told, and more
        said += inv(*words, env=environment()).said if FULL else ""
    said += on_host("cat", f"{HOME}/state/history.jsonl")
    assert "leakme" not in said, [line for line in said.splitlines() if "leakme" in line]
    assert leaks(said, marked) == []
