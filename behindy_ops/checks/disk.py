"""The disk that Docker keeps its data on. Pure. Where the figures come from: docs/design.md, "Disk reserve"."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Level, Problem, Risk, ok
from behindy_ops.errors import Kind
from behindy_ops.facts import manifest
from behindy_ops.facts.figures import MB, size
from behindy_ops.project.services import Service, repository

RESERVE = 512 * MB
"""Bytes that stay free after a pull: for logs (30 MB a container), the database and the system's updates."""

UNKNOWN_IMAGE = 1024 * MB
"""Bytes an image is taken to have when no release of the service is on the host."""

LITTLE = 3072 * MB
"""Bytes: room for the images of one more release of each service."""

FULL = Problem(
    "disk full",
    f"less is free where Docker keeps its data than the largest image to pull takes ({size(UNKNOWN_IMAGE)} where "
    f"none is known) and {size(RESERVE)}",
    "Free some: inv ops.disk shows what takes it, inv ops.prune removes old images. A deploy with --force tries it.",
    "Deploys are refused; when nothing is left, containers cannot write, and Postgres may stop.",
    kind=Kind.DISK_FULL,
    forcible=True,
    users=True,
    helps="inv ops.prune",
)
NEARLY_FULL = Risk(
    "disk nearly full",
    f"less than {size(LITTLE)} free where Docker keeps its data",
    "See what takes it: inv ops.disk. Remove old images: inv ops.prune. Or take a larger disk.",
    "None yet.",
    helps="inv ops.prune",
)
UNREADABLE = Risk(
    "disk not readable",
    "df does not say what is free where Docker keeps its data",
    "On the host: df -h",
)


def disk(facts: Facts) -> Iterable[Check]:
    """Whether the image to be pulled fits, or the largest of those that a deploy of any service would pull.

    What the registry tells counts before the size of an image on the host, which is more than a pull ever adds while
    it shares layers.
    """
    total, free = facts.survey.disk
    if not total:
        yield UNREADABLE.check("disk", "How much disk Docker has left could not be read.")
        return
    new = manifest.new_bytes(facts.manifests, facts.image) if facts.manifests else None
    needs = [(_image_bytes(facts, service), service.name) for service in facts.services]
    need, name = (new, facts.services[0].name) if new is not None else max(needs, default=(UNKNOWN_IMAGE, "a service"))
    what = f"new layers of {name} take" if new is not None else f"an image of {name} takes"
    says = f"{what} about {size(need)}; {size(free)} free"
    if need + RESERVE <= free:
        yield ok("disk", f"{says}: fits")
    else:
        yield FULL.check(
            "disk",
            f"{says}, of which {size(RESERVE)} stay reserved: does not fit",
            evidence=(f"{size(free)} of {size(total)} free where Docker keeps its data",),
            fix=Fix(FixKind.PRUNE),
        )


def roomy(facts: Facts) -> Iterable[Check]:
    """As :func:`disk`, and warn while there is still time."""
    total, free = facts.survey.disk
    for check in disk(facts):
        if check.level is Level.OK and free < LITTLE:
            found = f"{size(free)} of {size(total)} free where Docker keeps its data."
            yield NEARLY_FULL.check("disk", found, evidence=(f"{size(free)} free",))
        else:
            yield check


def _image_bytes(facts: Facts, service: Service) -> int:
    """Return the size of the service's largest image on the host, unpacked; :data:`UNKNOWN_IMAGE` without any."""
    own = repository(service, facts.image_prefix)
    return max((image.size for image in facts.survey.images if image.references(own)), default=UNKNOWN_IMAGE)
