"""Releases: what the host remembers of them, what a container's labels say, and what a rollback would go to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from behindy_ops.facts.container import Container
    from behindy_ops.facts.survey import Survey

__all__ = ["Labels", "Offered", "Release", "offered", "previous_release", "released_as"]


@dataclass(frozen=True, slots=True)
class Release:
    """A release the host remembers: one deploy of one service.

    Attributes:
        status: ``candidate`` until it was proven, then ``stands``; ``failed``, or ``rolled-back`` once it was left.
        config: hash of the configuration it was started with.
    """

    id: str
    service: str
    repository: str
    tag: str
    digest: str
    image_id: str
    config: str = ""
    previous: str = ""
    created: str = ""
    status: str = "candidate"


class Labels:
    """Labels on our containers; they tell what a container is without any file."""

    service = "behindy.service"
    release = "behindy.release"
    repository = "behindy.repository"
    tag = "behindy.tag"
    digest = "behindy.digest"
    config = "behindy.config"
    previous = "behindy.previous"


def released_as(container: Container) -> Release:
    """Read a container's labels; a container this tool did not make has none, and its image's name serves."""
    labels = container.labels
    return Release(
        id=labels.get(Labels.release, ""),
        service=labels.get(Labels.service, container.name),
        repository=labels.get(Labels.repository, container.image.partition("@")[0].rpartition(":")[0]),
        tag=labels.get(Labels.tag, container.image.rpartition(":")[2]),
        digest=labels.get(Labels.digest, ""),
        image_id=container.image_id,
        config=labels.get(Labels.config, ""),
        previous=labels.get(Labels.previous, ""),
        created=container.created,
        status="stands",
    )


_FAILED = frozenset({"failed", "candidate", "rolled-back"})
"""Statuses of releases that are never offered as the previous one: they did not stand, or were judged bad."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A release the host remembers, and what a rollback would make of it.

    Attributes:
        live: it is live now.
        previous: a plain rollback goes to it.
        on_disk: its image is on the host.
    """

    release: Release
    live: bool
    previous: bool
    on_disk: bool


def previous_release(survey: Survey, service: str) -> Release | None:
    """Return what a plain rollback goes to: the newest release that stood and differs from the live one, or None."""
    live = survey.trio(service).live
    current = released_as(live) if live else None
    for release in survey.released(service):
        same = current is not None and (release.image_id, release.config) == (current.image_id, current.config)
        if release.status not in _FAILED and not same and (current is None or release.id != current.id):
            return release
    return None


def offered(survey: Survey, service: str) -> list[Offered]:
    """Return the releases of a service, newest first."""
    live = survey.trio(service).live
    current = released_as(live).id if live else ""
    previous = previous_release(survey, service)
    images = {image.id for image in survey.images}
    return [
        Offered(release, release.id == current, release == previous, release.image_id in images)
        for release in survey.released(service)
    ]
