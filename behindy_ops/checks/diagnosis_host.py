"""Rules about the host, nginx, the database and the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from behindy_ops.checks.capacity import DISK_RESERVE
from behindy_ops.checks.diagnosis import Facts, Finding, Fix, FixKind, Severity
from behindy_ops.checks.hygiene import SKEW
from behindy_ops.facts.figures import size
from behindy_ops.facts.survey import NGINX

__all__ = ["RULES"]

UP = "inv host.up makes what is missing, starts it and waits until it is healthy."


def disk(facts: Facts) -> Iterable[Finding]:
    """Section 7.5: no space left on device."""
    total, free = facts.survey.disk
    if not total or free >= DISK_RESERVE:
        return
    evidence = f"{size(free)} of {size(total)} free where Docker keeps its data"
    yield Finding(
        "disk full",
        "host",
        "Pulls fail (no space left on device), containers cannot write, Postgres may stop.",
        "The disk that Docker keeps its data on is full.",
        (evidence,),
        "See what takes it: inv ops.disk. Remove images that no rollback needs: inv ops.prune",
        fix=Fix(FixKind.PRUNE),
    )


def nginx(facts: Facts) -> Iterable[Finding]:
    """Section 7.4: nginx itself."""
    container = facts.survey.containers.get(NGINX)
    if container is None:
        yield Finding(
            "nginx missing",
            NGINX,
            "Nobody reaches the site.",
            "There is no nginx container.",
            (),
            UP,
        )
    elif not container.running or container.restarting:
        invalid = facts.nginx.config_errors
        yield Finding(
            "nginx stopped",
            NGINX,
            "Nobody reaches the site: connections are refused.",
            "nginx restarts over and over." if container.restarting else "The nginx container does not run.",
            (f"docker says: {container.status}, exit code {container.exit_code}", *invalid, *facts.nginx.errors[-3:]),
            "Its log says why: inv ops.logs nginx"
            + ("" if container.restarting else ". Start it: inv ops.doctor --fix"),
            fix=None if container.restarting else Fix(FixKind.START, NGINX),
        )
    elif facts.nginx.config == "invalid":
        yield Finding(
            "nginx configuration",
            NGINX,
            "None yet: nginx runs on with what it has loaded. Its next restart takes the site down.",
            "The configuration files on the host are not valid.",
            facts.nginx.config_errors,
            "Correct the file that is named, in nginx/, and put it on the host.",
            Severity.RISK,
        )


def stale_names(facts: Facts) -> Iterable[Finding]:
    """After a rename nginx kept the old container's address: 502 and 504 until somebody reloaded it."""
    if not facts.stale:
        return
    hurt = any(one.direct.good and one.public.status in (502, 504) for one in facts.nginx.upstreams)
    yield Finding(
        "static upstream",
        NGINX,
        "502 and 504 after a switch, until nginx is reloaded.",
        "nginx's configuration has plain upstreams, whose names it resolves only when it loads.",
        tuple(f"resolved at load only: {name}" for name in facts.stale),
        "Now: inv ops.nginx --reload. For good: put this project's nginx/ on the host (inv host.sync).",
        Severity.TROUBLE if hurt else Severity.RISK,
        Fix(FixKind.RELOAD) if hurt else None,
    )


def dependencies(facts: Facts) -> Iterable[Finding]:
    """A health check fails because the database or the cache does not run (section 7.1)."""
    for service, name in facts.beside.items():
        container = facts.survey.containers.get(name)
        if name == NGINX:
            continue
        if container is None:
            yield Finding(
                "dependency missing",
                name,
                "Services that need it fail their health checks.",
                f"There is no container {name}.",
                (),
                UP,
            )
        elif not container.running:
            yield Finding(
                "dependency stopped",
                name,
                "Services that need it fail their health checks.",
                f"The container {name} does not run.",
                (f"docker says: {container.status}, exit code {container.exit_code}",),
                f"Start it: inv ops.doctor --fix; its log: inv ops.logs {name}",
                fix=Fix(FixKind.START, name),
            )
        elif container.published and service in ("db", "redis"):
            yield Finding(
                "published port",
                name,
                f"{name} is open to the world on {', '.join(container.published)}.",
                "Its stanza in the compose file on the host has `ports`.",
                (f"published: {', '.join(container.published)}",),
                f"Take `ports` out of the stanza {service} in compose/ (services do not need it), then: "
                "inv host.sync; inv host.up",
                Severity.RISK,
            )


def network(facts: Facts) -> Iterable[Finding]:
    """Section 7.3: containers that do not find each other."""
    if not facts.network.exists:
        yield Finding(
            "network missing",
            "host",
            "Containers do not find each other: Could not resolve host.",
            f"The network {facts.network.network} does not exist.",
            (),
            UP,
        )
        return
    for one in facts.network.absent:
        if one.exists:
            yield Finding(
                "off the network",
                one.name,
                f"Could not resolve host: {one.aliases[0] if one.aliases else one.name}; 502 if it is a service.",
                f"The container {one.name} is not connected to {facts.network.network}.",
                (f"{one.name}: {one.why}",),
                "Connect it: inv ops.network --fix",
                fix=Fix(FixKind.CONNECT, one.name),
            )
    for member in facts.network.members:
        if member.trouble:
            yield Finding(
                "alias",
                member.name,
                "After a switch users get two releases in turn, or the old one.",
                f"{member.name}: {member.trouble}.",
                (f"aliases: {', '.join(member.aliases) or 'none'}",),
                "See inv ops.network for what to type.",
                Severity.RISK,
            )


def memory(facts: Facts) -> Iterable[Finding]:
    """A container limit as large as the host protects nothing; a host without swap has no second chance."""
    figures = facts.survey.memory
    total = figures.get("MemTotal", 0)
    for container in sorted(facts.survey.containers.values(), key=lambda one: one.name):
        if container.running and total and (not container.memory or container.memory >= total):
            what = f"a limit of {size(container.memory)}" if container.memory else "no memory limit"
            yield Finding(
                "limit",
                container.name,
                "One leak takes every service down.",
                f"{container.name} has {what} on a host of {size(total)}: it protects nothing.",
                (f"MemTotal {size(total)}, limit of {container.name}: {size(container.memory)}",),
                "Set mem_limit and memswap_limit in the compose file; a deploy then applies it.",
                Severity.RISK,
            )
    if total and figures.get("SwapTotal", 0) == 0:
        yield Finding(
            "no swap",
            "host",
            "A deploy that needs more than is available has its containers killed.",
            "The host has no swap.",
            (f"MemAvailable {size(figures.get('MemAvailable', 0))}, SwapTotal 0",),
            "Make 2 GB of it: inv host.setup",
            Severity.RISK,
        )


def clock(facts: Facts) -> Iterable[Finding]:
    """Certificates and tokens fail on a clock that is wrong."""
    skew = facts.survey.skew
    if skew is not None and abs(skew) > SKEW:
        yield Finding(
            "clock",
            "host",
            "Logins and certificates fail now and then.",
            f"The host's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours.",
            (f"difference: {skew:+.0f} s",),
            "On the one that is wrong: timedatectl; sudo timedatectl set-ntp true",
            Severity.RISK,
        )


RULES: Final[tuple[Callable[[Facts], Iterable[Finding]], ...]] = (
    disk,
    network,
    nginx,
    dependencies,
    stale_names,
    memory,
    clock,
)
