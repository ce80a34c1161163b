"""``ops.disk``: file systems, Docker's share of them, which images stay, what ``ops.prune`` would free. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Facts
from behindy_ops.checks.disk import disk
from behindy_ops.facts.container import Image
from behindy_ops.facts.replies import parse_json
from behindy_ops.views.images import Repository, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service
    from behindy_ops.views.look import Seen

__all__ = ["DiskView", "DockerShare", "FileSystem", "Others", "Prune", "Room", "describe", "usage_of", "with_images"]


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system of the host, in bytes.

    :param share: used of what users may use, 0 to 1; ``inodes`` likewise for its inodes.
    :param docker: it holds Docker's data.
    """

    target: str
    type: str
    size: int
    used: int
    available: int
    share: float
    inodes: float
    docker: bool


@dataclass(frozen=True, slots=True)
class DockerShare:
    """What Docker keeps of one kind, by its own count. ``unused``: bytes that nothing which runs or stands uses."""

    kind: str
    count: int
    size: int
    unused: int


@dataclass(frozen=True, slots=True)
class Others:
    """Images of other repositories. ``ops.prune`` leaves them alone; ``unused`` counts those without a container."""

    count: int = 0
    size: int = 0
    unused: int = 0


@dataclass(frozen=True, slots=True)
class Prune:
    """What ``ops.prune`` would remove. ``frees``: bytes at least; layers that only removed images share come on top."""

    images: int = 0
    cache: int = 0
    cache_size: int = 0
    frees: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """Whether a further image of a service fits: the preflight's own verdict (``ok``, ``warning`` or ``refusal``)."""

    service: str
    level: str
    found: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DiskView:
    """All of it; ``unknown``: what could not be read, in sentences."""

    filesystems: tuple[FileSystem, ...]
    docker: tuple[DockerShare, ...] = ()
    repositories: tuple[Repository, ...] = ()
    others: Others = Others()
    prune: Prune = Prune()
    services: tuple[Room, ...] = ()
    unknown: tuple[str, ...] = ()


def describe(seen: Seen, services: Sequence[Service], image_prefix: str) -> DiskView:
    """Say what takes the disk, from one look."""
    filesystems = tuple(_filesystems(seen.lines("filesystems")))
    problem = preflight.docker_problem(seen.survey)
    if problem is not None:
        return DiskView(filesystems, unknown=(f"{problem.what} Its images and what it keeps are not shown.",))
    usage = usage_of(seen)
    survey = with_images(seen.survey, usage)
    unknown = () if usage else ("Docker did not tell what it keeps; try again, or on the host: docker system df",)
    own = {image["Id"]: _own(image) for image in usage.get("Images") or ()}
    repositories = judge(survey, services, image_prefix, own)
    return DiskView(
        filesystems,
        tuple(_shares(usage)) if usage else (),
        repositories,
        _others(usage, repositories),
        _prune(usage, repositories),
        tuple(
            Room(service.name, check.level.value, check.found, check.remedy)
            for service in services
            for check in disk(Facts(survey=survey, services=(service,), image_prefix=image_prefix))
        ),
        unknown,
    )


def _filesystems(lines: Iterable[str]) -> Iterable[FileSystem]:
    docker, seen = "", set()
    for line in lines:
        words = line.split(" ", 6)
        if words[0] == "docker":
            docker = line.partition(" ")[2]
        elif len(words) == 7 and words[6] not in seen:
            seen.add(words[6])
            size, used, free, inodes, taken = (int(word) if word.isdigit() else 0 for word in words[1:6])
            usable = used + free
            yield FileSystem(
                words[6], words[0], size, used, free,
                round(used / usable, 4) if usable else 0.0,
                round(taken / inodes, 4) if inodes else 0.0,
                words[6] == docker,
            )  # fmt: skip


def usage_of(seen: Seen) -> dict[str, Any]:
    """What Docker says it keeps, as its API tells it; empty if it could not be read."""
    found = parse_json(seen.text("docker_"))
    return found if isinstance(found, dict) and "LayersSize" in found else {}


def with_images(survey: Survey, usage: dict[str, Any]) -> Survey:
    """The survey with every image that Docker says it keeps: one list instead of a look at each image."""
    return replace(survey, images=tuple(_image(image) for image in usage.get("Images") or ()))


def _image(image: dict[str, Any]) -> Image:
    def named(key: str) -> tuple[str, ...]:
        return tuple(name for name in image.get(key) or () if not name.startswith("<none>"))

    created = datetime.fromtimestamp(image["Created"], UTC).isoformat()
    return Image(image["Id"], named("RepoTags"), named("RepoDigests"), created, image["Size"])


def _own(image: dict[str, Any]) -> int:
    shared: int = image.get("SharedSize", -1)
    size: int = image["Size"]
    return size - shared if shared >= 0 else -1


def _shares(usage: dict[str, Any]) -> Iterable[DockerShare]:
    images = usage.get("Images") or ()
    unused = sum(max(_own(image), 0) for image in images if not image.get("Containers"))
    yield DockerShare("images", len(images), usage["LayersSize"], unused)
    containers = usage.get("Containers") or ()
    stopped = (one.get("SizeRw", 0) for one in containers if one.get("State") not in ("running", "paused"))
    yield DockerShare("containers", len(containers), sum(one.get("SizeRw", 0) for one in containers), sum(stopped))
    volumes = [volume.get("UsageData") or {} for volume in usage.get("Volumes") or ()]
    free = (max(volume.get("Size", 0), 0) for volume in volumes if not volume.get("RefCount"))
    yield DockerShare("volumes", len(volumes), sum(max(volume.get("Size", 0), 0) for volume in volumes), sum(free))
    cache = usage.get("BuildCache") or ()
    yield DockerShare(
        "build cache", len(cache), sum(one.get("Size", 0) for one in cache if not one.get("Shared")), _cache(usage)[1]
    )


def _cache(usage: dict[str, Any]) -> tuple[int, int]:
    unused = [one for one in usage.get("BuildCache") or () if not one.get("InUse")]
    return len(unused), sum(one.get("Size", 0) for one in unused if not one.get("Shared"))


def _others(usage: dict[str, Any], repositories: Iterable[Repository]) -> Others:
    ours = {image.id for repository in repositories for image in repository.images}
    others = [image for image in usage.get("Images") or () if image["Id"] not in ours]
    return Others(
        len(others), sum(image["Size"] for image in others), sum(not image.get("Containers") for image in others)
    )


def _prune(usage: dict[str, Any], repositories: Iterable[Repository]) -> Prune:
    going = {image.id: image for repository in repositories for image in repository.images if not image.why}
    count, size = _cache(usage)
    return Prune(len(going), count, size, sum(max(image.own, 0) for image in going.values()) + size)
