"""Hosts as they are met: logins, servers and engines, each as what makes one out of the sandbox's host, as data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

__all__ = ["ALL", "ALWAYS", "USUAL", "USUAL_ENGINE", "Variant"]


@dataclass(frozen=True)
class Variant:
    """A host.

    Attributes:
        name: what it is.
        arrange: what makes it one: lines for the shell of root.
        sshd: what its sshd goes by, too.
        refused: the problem, or the remedy, by whose name it is refused; works if empty.
        engine: what gives the engine another place for its data, with nothing in it; empty if it keeps its own.
    """

    name: str
    arrange: str = ""
    sshd: tuple[str, ...] = ()
    refused: str = ""
    engine: str = ""


USUAL = """
usermod -s /bin/bash ubuntu
cd ~ubuntu && rm -rf .zshenv .config .docker
if [ -e /root/kept ]; then cp -a /root/kept/. ~ubuntu/ && rm -rf /root/kept; fi
rm -rf /snap
mount -o remount,hidepid=0 /proc
"""
"""What makes the usual host out of any of them, but for its engine and sshd."""

USUAL_ENGINE = """
if findmnt -n -o FSROOT --target /var/lib/docker | grep -q matrix; then umount -l /var/lib/docker; fi
mv /root/daemon.json /etc/docker/daemon.json
"""

COLLIDING = {
    "LOG_LEVEL": "DEBUG",
    "OPENAI_API_KEY": "old",
    "COMPOSE_PROFILES": "apps",
    "COMPOSE_FILE": "/none",
    "COMPOSE_PROJECT_NAME": "other",
    "DOCKER_HOST": "tcp://127.0.0.1:1",
    "DOCKER_CONTEXT": "none",
    "DOCKER_CONFIG": "/none",
    "DOCKER_API_VERSION": "1.10",
    "TMPDIR": "/none",
    "BASH_ENV": "/none",
    "CDPATH": "/",
    "POSIXLY_CORRECT": "1",
    "BLOCK_SIZE": "human-readable",
    "PGPASSWORD": "wrong",
    "CURL_HOME": "/none",
    "mark": "x",
    "state": "x",
    "engine": "x",
}
"""What a login may export, each of which means something to a program that is run, or to a script of ours."""

READ = {"bash": ".bashrc", "zsh": ".zshenv", "fish": ".config/fish/config.fish", "dash": ".unread"}
"""What a shell that is given a command reads before it; dash reads nothing."""

INSTALLED = "[ -e {0} ] || {{ apt-get update && apt-get install -y --no-install-recommends {1}; }} >/dev/null 2>&1\n"


def shell(name: str, *lines: str) -> str:
    """Give the login a shell, and lines that it reads first."""
    place = f"~ubuntu/{READ[name]}"
    return f"""{INSTALLED.format(f"/usr/bin/{name}", name)}
usermod -s /usr/bin/{name} ubuntu
mkdir -p /root/kept ~ubuntu/.config/fish && cp -a ~ubuntu/.bashrc /root/kept/
touch {place}
{{ printf '%s\\n' {shlex.join(lines)}; cat {place}; }} >{place}.new
mv {place}.new {place}
chown -R ubuntu: ~ubuntu/.config {place}
"""


def exports(name: str) -> tuple[str, ...]:
    word, between = ("set -gx", " ") if name == "fish" else ("export", "=")
    return tuple(f"{word} {key}{between}{shlex.quote(value)}" for key, value in COLLIDING.items())


def set_env(values: dict[str, str]) -> str:
    return "SetEnv " + " ".join(f'{key}="{value}"' for key, value in values.items())


def in_language(name: str) -> str:
    return set_env(dict.fromkeys(("LANG", "LC_ALL", "LANGUAGE"), f"{name}.UTF-8"))


def hidepid(number: int) -> str:
    return f"mount -o remount,hidepid={number} /proc\n"


FORCED = """ForceCommand echo 'Please login as the user "ubuntu" rather than the user "root".';echo;sleep 1;exit 142"""
"""As cloud images have it before root's key, by ``command=``."""

CONTEXT = """
su - ubuntu -s /bin/sh -c 'docker context create other --docker host=tcp://127.0.0.1:1 && docker context use other'
"""
SNAP = "mkdir -p /snap/bin; ln -sf /usr/bin/docker /snap/bin/docker\n"
OTHER_USERS = """
cp -a /etc/docker/daemon.json /root/
sed -i '1a "userns-remap": "ubuntu",' /etc/docker/daemon.json
"""
OTHER_STORE = """
cp -a /etc/docker/daemon.json /root/
mkdir -p /var/lib/docker/matrix && mount --bind /var/lib/docker/matrix /var/lib/docker
sed -i '1a "features": {"containerd-snapshotter": true},' /etc/docker/daemon.json
"""

NOISE = {
    "quiet": (),
    "noisy on stdout": ("echo Welcome; printf '{1}'",),
    "noisy on stderr": ("echo noise >&2",),
}
ALWAYS = (
    Variant(
        "fish, noisy on both, colliding variables, Korean, MaxSessions 2, hidepid=2, a docker context",
        CONTEXT + shell("fish", "echo Welcome; echo noise >&2", *exports("fish")) + hidepid(2),
        ("MaxSessions 2", in_language("ko_KR")),
    ),
    Variant("a login that says which is the right one", sshd=(FORCED,), refused="BEHINDY_USER=ubuntu"),
)
ALL = (
    *ALWAYS,
    Variant("images kept by containerd", engine=OTHER_STORE),
    Variant("userns-remap", engine=OTHER_USERS, refused="docker remaps users"),
    *(
        Variant(
            f"locale {name}",
            INSTALLED.format("/usr/share/i18n/locales", "locales") + f"localedef -i {name} -f UTF-8 {name}.UTF-8\n",
            (in_language(name),),
        )
        for name in ("ko_KR", "de_DE")
    ),
    *(Variant(f"hidepid={number}", hidepid(number)) for number in (1, 2)),
    Variant("a docker context that leads elsewhere", CONTEXT),
    Variant("Docker from snap", SNAP, (set_env({"PATH": "/snap/bin:/usr/bin:/bin"}),), "docker from snap"),
    *(
        Variant(f"{name}, {noise}", shell(name, *lines))
        for name in ("bash", "zsh", "fish")
        for noise, lines in NOISE.items()
    ),
    *(Variant(f"{name}, colliding variables", shell(name, *exports(name))) for name in ("bash", "zsh", "fish")),
    Variant("dash, quiet (it reads no file of the login's)", shell("dash")),
    Variant("dash, colliding variables", shell("dash"), (set_env(COLLIDING),)),
    Variant("MaxSessions 1", sshd=("MaxSessions 1",), refused="one session"),
    *(Variant(f"MaxSessions {most}", sshd=(f"MaxSessions {most}",)) for most in range(2, 11)),
    Variant("MaxStartups and PerSourcePenalties as shipped", sshd=("MaxStartups 10:30:100", "PerSourcePenalties yes")),
)
