"""``ops.disk`` for people: 80 columns. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.facts.figures import size
from behindy_ops.report.layout import Column, bar, clip, heading, sentence, table
from behindy_ops.report.text import WIDTH, Line, Tone
from behindy_ops.views.memory_view import TONES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behindy_ops.views.disk import DiskView, FileSystem
    from behindy_ops.views.images import KeptImage, Repository

__all__ = ["image_name", "lines"]

FULL, NEARLY = 0.95, 0.85
MOST = 12
"""Images of a repository that are listed; of those that go, the rest is counted."""


def lines(view: DiskView) -> list[Line]:
    """The whole view."""
    told = _filesystems(view.filesystems)
    if view.docker:
        columns = (Column("Docker keeps"), Column("count", right=True), Column("size", right=True))
        rows = [(one.kind, str(one.count), size(one.size), size(one.unused)) for one in view.docker]
        told += [Line(""), *table((*columns, Column("not used", right=True)), rows)]
    for repository in view.repositories:
        told += [Line(""), *_images(repository)]
    if view.others.count:
        others = f"{view.others.count} images of other repositories, {view.others.unused} of them without a container"
        told += [Line(""), *sentence(f"{others}: ops.prune leaves them alone.", Tone.FAINT)]
    told.append(Line(""))
    for text in view.unknown:
        told += sentence(text, Tone.CAREFUL)
    return [*told, *_verdict(view)]


def _filesystems(filesystems: Iterable[FileSystem]) -> list[Line]:
    columns = (
        Column("file system", 26),
        Column("size", right=True),
        Column("free", right=True),
        Column("", 12),
        Column("used", right=True),
        Column("inodes", right=True),
        Column(""),
    )
    rows, tones = [], []
    for one in filesystems:
        figures = (size(one.size), size(one.available), bar(one.share, 12))
        holds = "Docker" if one.docker else ""
        rows.append((one.target, *figures, f"{one.share * 100:.0f}%", f"{one.inodes * 100:.0f}%", holds))
        worst = max(one.share, one.inodes)
        tones.append(Tone.BAD if worst >= FULL else Tone.CAREFUL if worst >= NEARLY else Tone.PLAIN)
    return table(columns, rows, tones)


def _images(repository: Repository) -> list[Line]:
    name = f"{repository.service}: {repository.name}" if repository.name else "images without a name"
    if not repository.images:
        return [heading(name), Line("  none on the host", Tone.FAINT)]
    told = [heading(name)]
    kept = [image for image in repository.images if image.why]
    going = [image for image in repository.images if not image.why]
    for image in kept:
        told += sentence(f"{image_name(image)}  {size(image.size)}  stays: {', '.join(image.why)}", indent="  ")
    for image in going[:MOST]:
        told.append(Line(clip(f"  {image_name(image)}  {size(image.size)}  ops.prune removes it", WIDTH), Tone.CAREFUL))
    if len(going) > MOST:
        told.append(Line(f"  and {len(going) - MOST} more that ops.prune removes", Tone.CAREFUL))
    return told


def image_name(image: KeptImage) -> str:
    """Its tags, or the first digits of its id."""
    tags = [name.rpartition(":")[2] for name in image.names if "@" not in name]
    return clip(", ".join(tags), 30) if tags else image.id.removeprefix("sha256:")[:12]


def _verdict(view: DiskView) -> list[Line]:
    told: list[Line] = []
    prune = view.prune
    if prune.images or prune.cache:
        parts = [f"{prune.images} image{'s' if prune.images != 1 else ''}"] if prune.images else []
        parts += [f"{prune.cache} entries of build cache"] if prune.cache else []
        text = f"ops.prune would remove {' and '.join(parts)}, and free {size(prune.frees)} or more."
        told += sentence(f"{text} See what exactly: inv ops.prune --dry-run", Tone.CAREFUL)
    elif view.docker:
        told.append(Line("Nothing for ops.prune to remove.", Tone.GOOD))
    for room in view.services:
        told += sentence(room.found, TONES[room.level])
        if room.remedy:
            told += sentence(room.remedy, Tone.STRONG, "  ")
    return told
