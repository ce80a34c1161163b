"""``ops.prune``: removes images that no container has and no rollback needs, and the build cache; names each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import size
from behindy_ops.facts.replies import parse_json
from behindy_ops.host.command import Command, script
from behindy_ops.report.layout import clip, heading, sentence
from behindy_ops.report.text import WIDTH, Line, Tone
from behindy_ops.views.images import references_to_remove

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.replies import Reply
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service
    from behindy_ops.views.disk import DiskView

__all__ = ["PrunePlan", "Pruned", "command", "plan", "plan_lines", "pruned", "pruned_lines"]


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What would be removed.

    :param references: names of images, and ids of those without one, as ``docker rmi`` takes them.
    :param images: how many images these are; ``cache``: how many entries of build cache, ``frees`` bytes at least.
    """

    references: tuple[str, ...]
    images: int
    cache: int
    frees: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, and what docker kept and why; ``freed`` is what the disk has more of than before, in bytes."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    cache: tuple[str, ...]
    freed: int


def plan(survey: Survey, services: Sequence[Service], image_prefix: str, view: DiskView) -> PrunePlan:
    """Decide what goes."""
    references = references_to_remove(survey, services, image_prefix)
    return PrunePlan(references, view.prune.images, view.prune.cache, view.prune.frees)


def command(plan: PrunePlan) -> Command:
    """The command that does it, under the lock."""
    argv = script("ops/prune", "yes" if plan.cache else "no", *plan.references)
    return Command(argv, title="remove what nobody needs", timeout=600, changes=True)


def plan_lines(plan: PrunePlan) -> list[Line]:
    """What would go, each by its name."""
    if not plan.references and not plan.cache:
        return [Line("Nothing to remove: every image is in use or needed for a rollback.", Tone.GOOD)]
    told = [heading("would be removed")]
    told += [Line(f"  {reference}", exact=True) for reference in plan.references]
    if plan.cache:
        told.append(Line(f"  build cache: {plan.cache} entries"))
    return [*told, *sentence(f"{plan.images} images; frees {size(plan.frees)} or more. Do it: inv ops.prune")]


def pruned(reply: Reply) -> Pruned:
    """Read what ``ops/prune.sh`` printed."""
    rooms = [int(room) for room in reply.every("room") if room.strip().isdigit()]
    cache = parse_json(reply.values().get("cache", ""))
    return Pruned(
        tuple(reply.every("removed")),
        tuple(reply.every("kept")),
        tuple((cache or {}).get("CachesDeleted") or ()),
        max(rooms[-1] - rooms[0], 0) if rooms else 0,
    )


def pruned_lines(done: Pruned) -> list[Line]:
    """What went, each by its name."""
    told = [Line(f"removed  {name}", exact=True) for name in done.removed]
    told += [Line(f"removed  build cache {name}", exact=True) for name in done.cache]
    told += [Line(clip(f"kept     {name}", WIDTH), Tone.CAREFUL) for name in done.kept]
    return [*told, Line(f"Freed {size(done.freed)}.", Tone.GOOD)]
