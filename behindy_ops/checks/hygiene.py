"""Checks against what has hurt before: published ports, limits that protect nothing, a clock that is wrong. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.checks.check import Check, ok, refusal, warning
from behindy_ops.errors import Kind
from behindy_ops.facts.survey import Stanza

if TYPE_CHECKING:
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service

__all__ = ["SKEW", "clock_check", "limit_check", "ports_check", "rehearsal_check", "sum_check"]

SKEW = 30.0
"""Seconds a host's clock may differ from ours: beyond that, certificates and tokens begin to fail."""

_MB = 2**20


def ports_check(survey: Survey, service: Service) -> Check:
    """A service that publishes a port cannot run twice, and the port is open to the world."""
    ports = survey.stanzas.get(service.name, Stanza()).ports
    if not ports:
        return ok("ports", f"{service.name} publishes none")
    return refusal(
        "ports",
        f"The compose file on the host publishes port {', '.join(ports)} of {service.name}: a second container cannot "
        "start beside the first, and the port is open to the world.",
        f"Take `ports` out of the stanza {service.name} there; nginx reaches it without.",
        error=Kind.COMPOSE_INVALID,
    )


def limit_check(survey: Survey, service: Service) -> Check:
    """A service without a limit, or with one as large as the host, can take the whole host down."""
    limit = survey.stanzas.get(service.name, Stanza()).limit
    total = survey.memory.get("MemTotal", 0)
    if limit and (not total or limit < total):
        return ok("limit", f"{service.name} may use {limit // _MB} MB")
    what = f"a memory limit of {limit // _MB} MB on a host of {total // _MB} MB" if limit else "no memory limit"
    return warning(
        "limit",
        f"{service.name} has {what}, which protects nothing: one leak takes every service down.",
        f"Set mem_limit and memswap_limit of {service.name} in the compose file to what it needs, and some more.",
    )


def sum_check(survey: Survey, service: Service) -> Check:
    """All containers at their limits, and the candidate beside them, against the host's memory and swap."""
    running = [container for container in survey.containers.values() if container.running]
    limits = sum(container.memory for container in running)
    candidate = survey.stanzas.get(service.name, Stanza()).limit
    room = survey.memory.get("MemTotal", 0) + survey.memory.get("SwapTotal", 0)
    says = (
        f"all limits and one more {service.name} make {(limits + candidate) // _MB} MB, the host has "
        f"{survey.memory.get('MemTotal', 0) // _MB} and {survey.memory.get('SwapTotal', 0) // _MB} MB of swap"
    )
    unlimited = sorted(container.name for container in running if not container.memory)
    if unlimited:
        return warning(
            "limits",
            f"{', '.join(unlimited)} {'has' if len(unlimited) == 1 else 'have'} no memory limit; {says}.",
            "Give every container a mem_limit in the compose file.",
        )
    if room and limits + candidate > room:
        return warning("limits", f"{says}: not enough if all need it at once.", "Lower limits, or add swap.")
    return ok("limits", says)


def rehearsal_check(survey: Survey, service: Service) -> Check:
    """Without the token no release is tried through the public URL before users meet it."""
    if not service.rehearsal:
        return ok("rehearsal", f"{service.name} declares none")
    if "rehearsal/header" in survey.files:
        return ok("rehearsal", "the host has its token")
    return warning(
        "rehearsal",
        "The host has no rehearsal token, so a release is tried through the public URL only after the switch.",
        "Make it: inv host.setup",
    )


def clock_check(skew: float) -> Check:
    """Compare the host's clock with ours.

    :param skew: seconds the host is ahead (less than zero: behind).
    """
    if abs(skew) <= SKEW:
        return ok("clock", f"the host's differs from ours by {abs(skew):.0f} s")
    return warning(
        "clock",
        f"The host's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours; certificates and tokens "
        "depend on it.",
        "On the one that is wrong: timedatectl; sudo timedatectl set-ntp true",
    )
