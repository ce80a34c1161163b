"""Does one more container of a service fit into the host's memory, and its image onto its disk? Pure.

The rule for memory: a candidate needs about what the live container uses now (or its reservation, if that is more), and
never more than its limit. There is room for what Linux says is available (``MemAvailable``), less :data:`SPARE`, and
for half of the free swap: a host serves from swap, but slowly: cold pages may go there, not the whole of a
second service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.checks.check import Check, Level, ok, refusal
from behindy_ops.errors import Kind
from behindy_ops.project.services import repository

if TYPE_CHECKING:
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service

__all__ = ["DISK_RESERVE", "SPARE", "SWAP_WEIGHT", "disk_check", "memory_check", "memory_need"]

SWAP_WEIGHT = 0.5
"""What a byte of free swap counts beside a byte of available memory."""

SPARE = 48 * 2**20
"""Bytes of memory that starting a container costs beside what it uses itself: docker, Compose and curl on the host."""

UNKNOWN_NEED = 400 * 2**20
"""Bytes a service is taken to need when nothing tells: no live container, no reservation, no limit. The largest of the
specification's table."""

DISK_RESERVE = 512 * 2**20
"""Bytes of disk that stay free after a pull: for logs (30 MB a container), the database and the system's updates."""

UNKNOWN_IMAGE = 2**30
"""Bytes an image is taken to have when no release of the service is on the host."""

_MB = 2**20


def memory_need(survey: Survey, service: Service) -> int:
    """Return about how many bytes of memory a candidate of this service will use."""
    stanza = survey.stanzas.get(service.name)
    live = survey.trio(service.name).live
    limit = (stanza.limit if stanza else 0) or (live.memory if live else 0)
    reservation = stanza.reservation if stanza else 0
    used = survey.usage.get(live.id, 0) if live else 0
    need = max(used, reservation) or limit or UNKNOWN_NEED
    return min(need, limit) if limit else need


def memory_check(survey: Survey, service: Service) -> Check:
    """Say whether a candidate fits beside what runs now."""
    if "MemAvailable" not in survey.memory:
        return Check("memory", Level.WARNING, "How much memory the host has left could not be read.")
    need = memory_need(survey, service)
    available = survey.memory["MemAvailable"]
    swap = survey.memory.get("SwapFree", 0)
    says = f"a deploy of {service.name} needs about {_mb(need)} MB; {_mb(available)} MB available"
    if need + SPARE <= available:
        return ok("memory", f"{says}: fits")
    said = f"{says}, {_mb(swap)} MB of swap free"
    if need + SPARE <= available + swap * SWAP_WEIGHT:
        return Check(
            "memory", Level.WARNING, f"{said}: fits with the help of swap, slowly", "See what uses it: inv ops.mem"
        )
    recreate = f"deploy with --strategy recreate (stops {service.name} first: users miss it meanwhile)"
    return refusal(
        "memory",
        f"{said}: does not fit",
        f"Free memory (inv ops.mem shows what uses it), or {recreate}, or --force to try anyway.",
        error=Kind.NOT_ENOUGH_MEMORY,
        forcible=True,
    )


def disk_check(survey: Survey, service: Service, image_prefix: str, new_bytes: int | None = None) -> Check:
    """Say whether the image to be pulled fits.

    :param new_bytes: bytes that the layers the host has not will take, as the registry tells; None if it does not.
        Then the size of the largest image of this service on the host is taken, which is more than a pull ever adds
        while it shares layers.
    """
    total, free = survey.disk
    if not total:
        return Check("disk", Level.WARNING, "How much disk Docker has left could not be read.")
    need = image_bytes(survey, service, image_prefix) if new_bytes is None else new_bytes
    what = "new layers of" if new_bytes is not None else "an image of"
    says = f"{what} {service.name} take{'' if new_bytes is not None else 's'} about {_mb(need)} MB; {_mb(free)} MB free"
    if need + DISK_RESERVE <= free:
        return ok("disk", f"{says}: fits")
    return refusal(
        "disk",
        f"{says}, of which {_mb(DISK_RESERVE)} MB stay reserved: does not fit",
        "Free some (inv ops.disk shows what takes it, inv ops.prune removes old images), or --force to try anyway.",
        error=Kind.DISK_FULL,
        forcible=True,
    )


def image_bytes(survey: Survey, service: Service, image_prefix: str) -> int:
    """Return the size of the service's largest image on the host, unpacked; :data:`UNKNOWN_IMAGE` without any."""
    own = repository(service, image_prefix)
    return max((image.size for image in survey.images if image.references(own)), default=UNKNOWN_IMAGE)


def _mb(size: float) -> int:
    return round(size / _MB)
