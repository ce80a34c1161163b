"""Where Docker Engine and Compose v2 come from, by distribution. Pure.

The distribution's own packages wherever it has them, so that its security updates cover them:

=====================  =====================  ==========================================================
distribution           Docker Engine          Compose v2
=====================  =====================  ==========================================================
Debian 13              docker.io              docker-compose 2.26
Debian 12              docker.io 20.10        its own docker-compose is version 1, in Python: the package
                                              of Debian 13 is taken, which needs nothing but libc6
Ubuntu 22.04, 24.04    docker.io              docker-compose-v2
Amazon Linux 2023      docker                 no package: Docker's own binary, checked by its SHA-256
=====================  =====================  ==========================================================
"""

from __future__ import annotations

from dataclasses import dataclass

SUPPORTED = "Debian 12 and 13, Ubuntu 22.04 and 24.04, Amazon Linux 2023"

CERTBOT = "certbot/certbot:v2.11.0"

COMPOSE_VERSION = "2.29.2"
COMPOSE_SHA256 = {
    "x86_64": "d037bd4937bf18fba67cff4366e084ee125a3e15c25657ee1aeceff8db3672b4",
    "aarch64": "1caa6c39b9df88dbd8522403d78b786a4151fa4e881c866725f75b5d99500a9d",
}
"""Of https://github.com/docker/compose/releases/download/v2.29.2/docker-compose-linux-<architecture>."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a distribution gets what a deploy needs.

    Attributes:
        manager: ``apt`` or ``dnf``.
        engine: packages of the Docker engine and its client.
        compose: package of Compose v2; empty when there is none.
        compose_from: release of the same distribution whose package is taken instead of its own.
        download: architecture to SHA-256 of Docker's own binary of Compose, where there is no package at all.
        updates: package that installs security updates by itself.
        cron: package of cron, for a system without systemd.
        tools: program to the package that has it.
    """

    manager: str
    engine: tuple[str, ...]
    compose: str
    updates: str
    tools: tuple[tuple[str, str], ...]
    compose_from: str = ""
    cron: str = "cron"
    download: tuple[tuple[str, str], ...] = ()


_TOOLS = (("ca-certificates", "ca-certificates"), ("flock", "util-linux"), ("timeout", "coreutils"))
_APT_TOOLS = (*_TOOLS, ("curl", "curl"), ("awk", "mawk"))
_DNF_TOOLS = (*_TOOLS, ("curl", "curl-minimal"), ("awk", "gawk"))
_UPDATES = "unattended-upgrades"

_RECIPES = {
    ("debian", "12"): Recipe("apt", ("docker.io",), "docker-compose", _UPDATES, _APT_TOOLS, compose_from="trixie"),
    ("debian", "13"): Recipe("apt", ("docker.io", "docker-cli"), "docker-compose", _UPDATES, _APT_TOOLS),
    ("ubuntu", "22.04"): Recipe("apt", ("docker.io",), "docker-compose-v2", _UPDATES, _APT_TOOLS),
    ("ubuntu", "24.04"): Recipe("apt", ("docker.io",), "docker-compose-v2", _UPDATES, _APT_TOOLS),
    ("amzn", "2023"): Recipe(
        "dnf", ("docker",), "", "dnf-automatic", _DNF_TOOLS, cron="cronie", download=tuple(COMPOSE_SHA256.items())
    ),
}


def recipe(system: str, version: str) -> Recipe | None:
    """Return the recipe for a distribution by its id and version in ``/etc/os-release``, or None for any other."""
    return _RECIPES.get((system, version))
