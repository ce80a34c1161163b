"""Releases: what the host remembers of them, and what a container's labels say. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from behindy_ops.facts.container import Container
from behindy_ops.facts.replies import parse_json

STATUSES = frozenset({"candidate", "stands", "failed", "rolled-back"})


@dataclass(frozen=True, slots=True)
class Release:
    """A release the host remembers: one deploy of one service.

    Attributes:
        status: ``candidate`` until it was proven, then ``stands``; ``failed``, or ``rolled-back`` once it was left.
        config: hash of the configuration it was started with.
        committed: when the commit it was built of was made (ISO 8601, UTC), where that was told; else empty.
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
    committed: str = ""

    @property
    def fixed(self) -> str:
        """The digest under which a registry has the image; of one that came from none, its own: the id."""
        return self.digest or self.image_id


def remembered(place: str, status: str, description: str) -> Release | None:
    """Read what the host keeps of a release, or return None if it cannot be read.

    Args:
        place: its directory: ``<service>/<id>``, which the description has to be about.
        status: any other than those known, such as a torn one, proves nothing: a candidate's.
        description: JSON; a field of a later version is passed over.
    """
    data = parse_json(description) or {}
    known = {field.name: data[field.name] for field in fields(Release) if field.name in data}
    if not all(isinstance(value, str) for value in known.values()):
        return None
    try:
        release = Release(**known | {"status": status if status in STATUSES else "candidate"})
    except TypeError:  # it lacks something
        return None
    return release if f"{release.service}/{release.id}" == place else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str) -> datetime | None:
    """Return the time a text says: ISO 8601 with its zone, or seconds since 1970, as git prints them; else None."""
    with contextlib.suppress(ValueError, OverflowError):
        found = _EPOCH + timedelta(seconds=int(text)) if text.isdecimal() else datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    return None


def is_older(release: Release, live: Release) -> bool | None:
    """Return whether a release is of an older commit than the live one, or None where that cannot be told."""
    times = moment(release.committed), moment(live.committed)
    return None if times[0] is None or times[1] is None else times[0] < times[1]


_TIME = "%Y%m%d-%H%M%S"


def next_id(now: datetime, earlier: Iterable[Release]) -> str:
    """Return what the id of a new release begins with, such as ``20260131-093000``: its time.

    Ids sort in the order in which the releases were made. So after a clock that was set back, it is the second after
    that of the newest release.
    """
    times = [now.astimezone(UTC)]
    for release in earlier:
        with contextlib.suppress(ValueError, OverflowError):
            times.append(datetime.strptime(f"{release.id[:15]}+0000", f"{_TIME}%z") + timedelta(seconds=1))
    return f"{max(times):{_TIME}}"


class Labels:
    """Labels on our containers; they tell what a container is without any file."""

    project = "behindy.project"
    service = "behindy.service"
    release = "behindy.release"
    repository = "behindy.repository"
    tag = "behindy.tag"
    digest = "behindy.digest"
    config = "behindy.config"
    previous = "behindy.previous"
    schedule = "behindy.schedule"
    once = "behindy.once"
    replica_of = "behindy.replica-of"
    committed = "behindy.committed"


def is_job(container: Container) -> bool:
    """Return whether it is there for what its release is known by alone: the host runs it at its times, as another."""
    return Labels.schedule in container.labels


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
        committed=labels.get(Labels.committed, ""),
    )
