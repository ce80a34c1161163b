"""``ops.disk``: file systems, Docker's share of them, which images stay and why, what a prune would free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from behindy_ops.checks import preflight
from behindy_ops.checks.disk import disk
from behindy_ops.deploy import elsewhere
from behindy_ops.deploy.elsewhere import NodeView
from behindy_ops.facts.figures import size
from behindy_ops.facts.image import Image
from behindy_ops.facts.replies import parse_json
from behindy_ops.facts.retention import needed_by
from behindy_ops.facts.rollback import previous_release
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Session
from behindy_ops.project.names import Names
from behindy_ops.project.services import Service, repository
from behindy_ops.report.layout import Column, bar, clip, figures, heading, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views import leavings
from behindy_ops.views.view import Seen, Shown, Verdict, View, look, shown

FULL, NEARLY = 0.95, 0.85
"""Shares from which a file system is shown red, and yellow."""

MOST = 12
"""Images of a repository that go and are listed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system of the host, in bytes and in shares from 0 to 1; ``docker``: it holds Docker's data."""

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
    """What Docker keeps of one kind, by its own count. ``unused``: bytes that no container uses."""

    kind: str
    count: int
    size: int
    unused: int


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image of a service's repository, or a dangling one; with no ``why``, ``ops.prune`` removes it."""

    id: str
    names: tuple[str, ...]
    created: str
    size: int
    own: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """A service's images, newest first; ``service`` and ``name`` are empty for dangling images."""

    service: str
    name: str
    images: tuple[KeptImage, ...]


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """Static files of a service's releases, kept for pages that are still open; ``going``: whose ``ops.prune`` removes.

    ``size`` and ``frees``: bytes of all, and of those that nothing needs.
    """

    service: str
    size: int
    frees: int
    releases: int
    going: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Others:
    """Images of other repositories. ``ops.prune`` leaves them alone; ``unused`` counts those without a container."""

    count: int = 0
    size: int = 0
    unused: int = 0


@dataclass(frozen=True, slots=True)
class Prune:
    """What ``ops.prune`` would remove. ``frees``: bytes at least; layers that only removed images share come on top.

    ``volumes`` and ``networks`` are names; ``named`` are volumes that it leaves to a person: see :mod:`.leavings`.
    ``assets`` are service and release of static files, as ``frontend 20260131-093000-ab12``.
    """

    images: int = 0
    cache: int = 0
    cache_size: int = 0
    frees: int = 0
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiskView:
    """All of it; ``services``: whether one more image of each fits, by the check that a deploy begins with.

    Attributes:
        nodes: the other ones of a swarm that were reached; ``other_nodes``: the rest, whose disks only they know.
    """

    filesystems: tuple[FileSystem, ...]
    docker: tuple[DockerShare, ...] = ()
    repositories: tuple[Repository, ...] = ()
    others: Others = Others()
    assets: tuple[StaticFiles, ...] = ()
    prune: Prune = Prune()
    services: tuple[Verdict, ...] = ()
    unknown: tuple[str, ...] = ()
    nodes: tuple[NodeView, ...] = ()
    other_nodes: tuple[str, ...] = ()


def see(session: Session) -> Shown:
    """Look at the host, and at the other nodes of its swarm as far as they are reached by SSH.

    Raises:
        RemoteCommandFailed: the look ended early.
    """
    seen = seen_of(session)
    return shown(VIEW, with_nodes(describe(seen), elsewhere.views(session, seen.survey)))


def seen_of(session: Session) -> Seen:
    """Look at the host once."""
    return look(session, VIEW.script, *VIEW.asks(session), survey=VIEW.survey)


def with_nodes(view: DiskView, nodes: Iterable[NodeView]) -> DiskView:
    """Add what was seen of the other nodes."""
    known = tuple(nodes)
    others = {node.node for node in known if not node.trouble}
    return replace(view, nodes=known, other_nodes=tuple(name for name in view.other_nodes if name not in others))


def describe(seen: Seen) -> DiskView:
    """Say what takes the disk; without Docker, how full its file systems are."""
    filesystems = tuple(_filesystems(seen))
    problem = preflight.docker_problem(seen.survey)
    if problem is not None:
        return DiskView(filesystems, unknown=(f"{problem.what} Its images and what it keeps are not shown.",))
    usage = parse_json(seen.text("docker_"))
    if not isinstance(usage, dict) or "LayersSize" not in usage:
        usage = {}
    # One list of what Docker keeps instead of a look at each image.
    survey = replace(seen.survey, images=tuple(_image(image) for image in usage.get("Images") or ()))
    own = {image["Id"]: _own(image) for image in usage.get("Images") or ()}
    repositories = judge(survey, seen.services, seen.facts.image_prefix, own)
    rooms = tuple(
        Verdict(service.name, check.level.value, check.found, check.remedy)
        for service in seen.services
        for check in disk(replace(seen.facts, survey=survey, services=(service,)))
    )
    assets = tuple(_static_files(seen))
    return DiskView(
        filesystems,
        tuple(_shares(usage)) if usage else (),
        repositories,
        _others(usage, repositories),
        assets,
        _prune(usage, repositories, _left(seen, usage), assets),
        rooms,
        () if usage else ("Docker did not tell what it keeps; try again, or on the host: docker system df",),
        other_nodes=tuple(sorted(seen.lines("others"))),
    )


def _filesystems(seen: Seen) -> Iterable[FileSystem]:
    docker, targets = seen.values("filesystems").get("docker", ""), set()
    for kind, *sizes, target in (line.split(" ", 6) for line in seen.lines("filesystems")):
        if len(sizes) != 5 or target in targets:
            continue
        targets.add(target)
        total, used, free, inodes, taken = (int(word) if word.isdigit() else 0 for word in sizes)
        usable = used + free
        yield FileSystem(
            target,
            kind,
            total,
            used,
            free,
            share=round(used / usable, 4) if usable else 0.0,
            inodes=round(taken / inodes, 4) if inodes else 0.0,
            docker=target == docker,
        )


def _image(image: dict[str, Any]) -> Image:
    def named(key: str) -> tuple[str, ...]:
        return tuple(name for name in image.get(key) or () if not name.startswith("<none>"))

    created = datetime.fromtimestamp(image["Created"], UTC).isoformat()
    return Image(image["Id"], named("RepoTags"), named("RepoDigests"), created, image["Size"])


def _own(image: dict[str, Any]) -> int:
    shared: int = image.get("SharedSize", -1)
    total: int = image["Size"]
    return total - shared if shared >= 0 else -1


def judge(
    survey: Survey, services: Sequence[Service], image_prefix: str, own: Mapping[str, int]
) -> tuple[Repository, ...]:
    """Say of each image of the services, and of each dangling one, why it stays or that it may go.

    The survey has all images; ``own`` is image id to the bytes of layers no other image has.
    """
    reasons = protected_images(survey, services)

    def judged(image: Image, name: str) -> KeptImage:
        names = image.references(name) if name else ()
        why = tuple(reasons.get(image.id, ()))
        return KeptImage(image.id, names, image.created, image.size, own.get(image.id, -1), why)

    repositories = []
    for service in services:
        name = repository(service, image_prefix)
        images = [image for image in survey.images if image.references(name)]
        images = sorted(images, key=lambda image: image.created)[::-1]
        repositories.append(Repository(service.name, name, tuple(judged(image, name) for image in images)))
    if dangling := [image for image in survey.images if not image.tags and not image.digests]:
        repositories.append(Repository("", "", tuple(judged(image, "") for image in dangling)))
    return tuple(repositories)


def protected_images(survey: Survey, services: Sequence[Service]) -> dict[str, list[str]]:
    """Return image id to the reasons why it must stay: a container has it, or it is one of the two a service needs.

    An older release that is offered is pulled again by its digest.
    """
    reasons: dict[str, list[str]] = {}
    for container in survey.containers.values():
        reasons.setdefault(container.image_id, []).append(_in_use(survey.names, container.name, services))
    known = (*(service.name for service in services), *sorted(release.service for release in survey.releases))
    for name in dict.fromkeys(known):  # also one that is declared no more, of a repository that another has
        back = previous_release(survey, name)
        if back is not None:
            reasons.setdefault(back.image_id, []).append(f"rollback of {name} ({back.tag})")
        for release in needed_by(survey, name):
            if release.image_id not in reasons:
                reasons[release.image_id] = [f"previous image of {name} ({release.tag})"]
    return reasons


def _in_use(names: Names, name: str, services: Sequence[Service]) -> str:
    if any(name == service.name for service in services):
        return f"live {name}"
    return name if any(name in names.trio(service.name) for service in services) else f"in use by {name}"


def _shares(usage: dict[str, Any]) -> Iterable[DockerShare]:
    images, containers = usage.get("Images") or (), usage.get("Containers") or ()
    unused = sum(max(_own(image), 0) for image in images if not image.get("Containers"))
    yield DockerShare("images", len(images), usage["LayersSize"], unused)
    stopped = [container for container in containers if container.get("State") not in ("running", "paused")]
    yield DockerShare("containers", len(containers), _sum(containers, "SizeRw"), _sum(stopped, "SizeRw"))
    volumes = [volume.get("UsageData") or {} for volume in usage.get("Volumes") or ()]
    free = [volume for volume in volumes if not volume.get("RefCount")]
    yield DockerShare("volumes", len(volumes), _sum(volumes, "Size"), _sum(free, "Size"))
    cache = usage.get("BuildCache") or ()
    owned = [entry for entry in cache if not entry.get("Shared")]
    yield DockerShare("build cache", len(cache), _sum(owned, "Size"), _unused_cache(usage)[1])


def _sum(entries: Iterable[dict[str, Any]], key: str) -> int:
    return sum(max(entry.get(key, 0), 0) for entry in entries)


def _unused_cache(usage: dict[str, Any]) -> tuple[int, int]:
    """Return how many entries of build cache are not in use, and their bytes."""
    unused = [entry for entry in usage.get("BuildCache") or () if not entry.get("InUse")]
    return len(unused), _sum((entry for entry in unused if not entry.get("Shared")), "Size")


def _others(usage: dict[str, Any], repositories: Iterable[Repository]) -> Others:
    ours = {image.id for repository in repositories for image in repository.images}
    others = [image for image in usage.get("Images") or () if image["Id"] not in ours]
    return Others(len(others), _sum(others, "Size"), sum(not image.get("Containers") for image in others))


def _left(seen: Seen, usage: dict[str, Any]) -> leavings.Leavings:
    made, networks = ([line.split() for line in seen.lines(name)] for name in ("made", "networks_"))
    return leavings.find(usage, made, networks)


def _static_files(seen: Seen) -> Iterable[StaticFiles]:
    for service, total, frees, count, *going in (line.split() for line in seen.lines("assets_")):
        yield StaticFiles(service, int(total), int(frees), int(count), tuple(going))


def _prune(
    usage: dict[str, Any],
    repositories: Iterable[Repository],
    left: leavings.Leavings,
    assets: Iterable[StaticFiles],
) -> Prune:
    going = {image.id: image for repository in repositories for image in repository.images if not image.why}
    count, cached = _unused_cache(usage)
    frees = sum(max(image.own, 0) for image in going.values()) + cached + sum(left.volumes.values())
    frees += sum(files.frees for files in assets)
    releases = tuple(f"{files.service} {release}" for files in assets for release in files.going)
    return Prune(len(going), count, cached, frees, tuple(left.volumes), left.networks, left.named, releases)


def lines(view: DiskView) -> list[Line]:
    """Lay the view out in 80 columns."""
    told = _filesystem_lines(view.filesystems)
    if view.docker:
        columns = [Column("Docker keeps"), *figures("count", "size", "not used")]
        rows = [(share.kind, str(share.count), size(share.size), size(share.unused)) for share in view.docker]
        told += [Line(""), *table(columns, rows)]
    for images in view.repositories:
        told += [Line(""), *_image_lines(images)]
    if view.assets:
        told += [Line(""), heading("static files of releases, for pages that are still open")]
    for files in view.assets:
        releases = f"{files.releases} release{'s' if files.releases != 1 else ''}"
        told.append(Line(clip(f"  {files.service}: of {releases}  {size(files.size)}")))
        told += [Line(clip(f"  {release}  ops.prune removes them"), Tone.CAREFUL) for release in files.going]
    if view.others.count:
        others = f"{view.others.count} images of other repositories, {view.others.unused} of them without a container"
        told += [Line(""), *sentence(f"{others}: ops.prune leaves them alone.", Tone.FAINT)]
    told.append(Line(""))
    for text in view.unknown:
        told += sentence(text, Tone.CAREFUL)
    return [*told, *_verdict(view), *node_lines(view.nodes), *kept_elsewhere(view.other_nodes)]


def node_lines(nodes: Iterable[NodeView]) -> list[Line]:
    """Say what each other node has, and what goes there."""
    told: list[Line] = []
    for node in nodes:
        if node.trouble:
            told += sentence(f"{node.node} was not reached: {node.trouble}", Tone.CAREFUL)
            continue
        what = "image" if node.images == 1 else "images"
        room = f"{size(node.free)} of {size(node.size)} free; {node.images} {what} of these services"
        going = f", of which ops.prune removes {len(node.going)}" if node.going else ""
        told += sentence(f"{node.node}: {room}{going}.", Tone.CAREFUL if going else Tone.PLAIN)
    return told


def kept_elsewhere(nodes: Sequence[str]) -> list[Line]:
    """Say what stays on the other nodes of a swarm, and how it goes; nothing where there are none.

    A node pulls by digest what it is to run and does not have, so there every image that runs nowhere may go.
    """
    if not nodes:
        return []
    told = f"{', '.join(nodes)}: their disks are not seen from here, and images of earlier releases stay there. "
    told += "A rollback pulls what it needs, so on each of them may be typed: docker image prune --all"
    return sentence(told, Tone.FAINT)


def _filesystem_lines(filesystems: Iterable[FileSystem]) -> list[Line]:
    sizes, shares = figures("size", "free"), figures("used", "inodes")
    columns = [Column("file system", 26), *sizes, Column("", 12), *shares, Column("")]
    rows, tones = [], []
    for each in filesystems:
        used, taken = f"{each.share * 100:.0f}%", f"{each.inodes * 100:.0f}%"
        free = (size(each.size), size(each.available), bar(each.share, 12))
        rows.append((each.target, *free, used, taken, "Docker" if each.docker else ""))
        worst = max(each.share, each.inodes)
        tones.append(Tone.BAD if worst >= FULL else Tone.CAREFUL if worst >= NEARLY else Tone.PLAIN)
    return table(columns, rows, tones)


def _image_lines(images: Repository) -> list[Line]:
    told = [heading(f"{images.service}: {images.name}" if images.name else "images without a name")]
    if not images.images:
        return [*told, Line("  none on the host", Tone.FAINT)]
    going = [image for image in images.images if not image.why]
    for image in images.images:
        if image.why:
            told += sentence(f"{_named(image)}  {size(image.size)}  stays: {', '.join(image.why)}", indent="  ")
    for image in going[:MOST]:
        told.append(Line(clip(f"  {_named(image)}  {size(image.size)}  ops.prune removes it"), Tone.CAREFUL))
    if len(going) > MOST:
        told.append(Line(f"  and {len(going) - MOST} more that ops.prune removes", Tone.CAREFUL))
    return told


def _named(image: KeptImage) -> str:
    """Return its tags, or the first digits of its id."""
    tags = [name.rpartition(":")[2] for name in image.names if "@" not in name]
    return clip(", ".join(tags), 30) if tags else image.id.removeprefix("sha256:")[:12]


def _verdict(view: DiskView) -> list[Line]:
    told: list[Line] = []
    prune = view.prune
    if prune.images or prune.cache or prune.volumes or prune.networks or prune.assets:
        counts = (
            ("image", prune.images), ("anonymous volume", len(prune.volumes)), ("network", len(prune.networks)),
        )  # fmt: skip
        parts = [f"{count} {what}{'s' if count != 1 else ''}" for what, count in counts if count]
        kept = len(prune.assets)
        parts += [f"the static files of {kept} release{'s' if kept != 1 else ''}"] if kept else []
        parts += [f"{prune.cache} entries of build cache"] if prune.cache else []
        text = f"ops.prune would remove {' and '.join(parts)}, and free {size(prune.frees)} or more."
        told += sentence(f"{text} See what exactly: inv ops.prune --dry-run", Tone.CAREFUL)
    elif view.docker:
        told.append(Line("Nothing for ops.prune to remove.", Tone.GOOD))
    for room in view.services:
        told += room.lines()
    return told


def asks(session: Session) -> tuple[str, ...]:
    """Return where the releases' files are."""
    return (session.settings.host_dir,)


VIEW = View(
    "disk",
    describe,
    lines,
    survey="containers releases machine swarm_ nodes_",
    script="ops/disk",
    asks=asks,
    needs_docker=False,
)
