"""The outer container: made with the rights that the engine grants, found again by its label, removed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.host.checkout import LABEL, Checkout
from sandbox.host.docker_cli import docker, failure, try_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.host.ports import Ports

__all__ = [
    "MEMORY",
    "Found",
    "create",
    "create_with_rights",
    "find",
    "host_arguments",
    "remove",
    "remove_all",
    "run_arguments",
    "start",
]

MEMORY = ("--memory", "2g", "--memory-swap", "4g")
PRIVILEGED = ("--privileged",)
# For engines that may not grant everything, such as one that lacks CAP_SYS_RESOURCE itself.
CAPABILITIES = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--device-cgroup-rule", "a *:* rwm"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--security-opt", "systempaths=unconfined"),
)


@dataclass(frozen=True)
class Found:
    """The outer container as the engine has it: the image's name and the published addresses it was made with.

    ``fixed`` has its address in each network where it was given one.
    """

    running: bool
    image: str
    published: frozenset[str]
    fixed: Mapping[str, str] = field(default_factory=dict)


def run_arguments(checkout: Checkout, ports: Ports, domain: str) -> tuple[str, ...]:
    """The arguments of ``docker run`` without the rights and the image."""
    publish = tuple(word for address in ports.published() for word in ("--publish", address))
    return (*host_arguments(checkout, 1, "behindy-sandbox", {domain: "127.0.0.1"}), *publish)


def host_arguments(checkout: Checkout, node: int, hostname: str, domains: Mapping[str, str]) -> tuple[str, ...]:
    """What every host is started with; ``domains`` are known to it, with ``www.`` and without, at these addresses."""
    name = checkout.node(node)
    known = {f"{www}{domain}": address for domain, address in domains.items() for www in ("", "www.")}
    return (
        *("--detach", "--name", name, "--hostname", hostname, "--label", checkout.label),
        *("--stop-timeout", "15", "--cgroupns", "private", *MEMORY),
        # What a restart of a machine clears.
        *("--tmpfs", "/run:rw,exec,mode=755"),
        *("--mount", f"type=volume,src={name},dst=/var/lib/docker,volume-label={checkout.label}"),
        *(word for domain, address in known.items() for word in ("--add-host", f"{domain}:{address}")),
    )


def create(checkout: Checkout, image: str, ports: Ports, domain: str) -> None:
    """Make and start the container.

    Raises:
        Kind.SANDBOX: the engine refused both ways; the lines are what it said.
    """
    create_with_rights(run_arguments(checkout, ports, domain), image, checkout.container)


def create_with_rights(arguments: tuple[str, ...], image: str, name: str) -> None:
    """Run ``docker run`` with all the rights that an engine inside needs, or as many as this engine grants.

    Raises:
        Kind.SANDBOX: the engine refused both ways; the lines are what it said.
    """
    for rights in (PRIVILEGED, CAPABILITIES):
        done = try_docker("run", *arguments, *rights, image, timeout=60)
        if done.returncode == 0:
            return
        try_docker("rm", "--force", name)
    raise failure(("run", image), done)


def find(name: str) -> Found | None:
    """Return the container, or None when there is none of that name."""
    done = try_docker("container", "inspect", name)
    if done.returncode != 0:
        return None
    content = json.loads(done.stdout)[0]
    bindings: dict[str, list[dict[str, str]]] = content["HostConfig"]["PortBindings"] or {}
    published = frozenset(
        f"{binding['HostIp']}:{binding['HostPort']}:{inside.removesuffix('/tcp')}"
        for inside, many in bindings.items()
        for binding in many
    )
    networks: dict[str, dict[str, Any]] = content["NetworkSettings"]["Networks"] or {}
    return Found(
        running=bool(content["State"]["Running"]),
        image=str(content["Config"]["Image"]),
        published=published,
        fixed={network: (own.get("IPAMConfig") or {}).get("IPv4Address", "") for network, own in networks.items()},
    )


def start(name: str) -> None:
    """Start the container that was stopped."""
    docker("start", name)


def remove(name: str) -> None:
    """Remove the container and the volume of one host; nothing when there are none."""
    try_docker("rm", "--force", "--volumes", name, timeout=120)
    try_docker("volume", "rm", name)


def remove_all(checkout: Checkout, say: Callable[[str], None]) -> None:
    """Remove the containers, volumes and networks of all hosts of this checkout, and nothing else."""
    label = ("--filter", f"label={LABEL}={checkout.identity}")
    containers = docker("ps", "--all", "--format", "{{.Names}}", *label).split()
    if containers:
        say(f"Removing {', '.join(sorted(containers))}")
        docker("rm", "--force", "--volumes", *containers, timeout=120)
    for kind in ("volume", "network"):
        names = docker(kind, "ls", "--quiet", *label).split()
        if names:
            docker(kind, "rm", *names)
