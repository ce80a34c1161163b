"""Machines as host.check and host.setup see them: one with nothing on it, and one that is ready."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from behindy_ops.checks.docker import AUTHORITIES, NEEDED_TOOLS
from behindy_ops.facts.machine import HostFacts
from behindy_ops.provision.timers import files

__all__ = ["BARE", "DOMAIN", "MIB", "READY"]

DOMAIN = "behindy.me"
MIB = 2**20

BARE = HostFacts(
    system="debian",
    version="13",
    name="Debian GNU/Linux 13 (trixie)",
    arch="x86_64",
    user="admin",
    root=True,
    tools=frozenset({"bash", "flock", "timeout", "awk", "apt-get"}),
    memory={"MemTotal": 1900 * MIB, "MemAvailable": 1500 * MIB, "SwapTotal": 0},
    swappiness=60,
    disk=(20_000 * MIB, 15_000 * MIB),
    root_free=15_000 * MIB,
    now=1000.0,
    skew=0.0,
    directory=("/home/admin/behindy-ops",),
    systemd=True,
)
READY = replace(
    BARE,
    tools=frozenset({*NEEDED_TOOLS, AUTHORITIES, "docker"}),
    docker="26.1.5",
    compose="2.26.1",
    live_restore=True,
    timers=frozenset({"behindy-backup", "behindy-certs"}),
    placed={path: sha256(text.encode()).hexdigest() for path, text in files(BARE, DOMAIN).items()},
    next_groups=frozenset({"docker"}),
    memory={"MemTotal": 1900 * MIB, "MemAvailable": 1500 * MIB, "SwapTotal": 2048 * MIB},
    swappiness=10,
    logging='{"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}',
    updates=True,
    files={
        ".": "750",
        "state": "700",
        "rehearsal": "700",
        "rehearsal/header": "600",
        "rehearsal/map.conf": "600",
        "compose": "755",
        "nginx": "755",
        "compose/.env": "link",
    },
)
