"""``ops.prune``: removes images that no container has and no rollback needs, and the build cache; names each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from behindy_ops.deploy import elsewhere
from behindy_ops.deploy.elsewhere import NodeView
from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.facts.figures import size
from behindy_ops.facts.replies import Reply, parse_json
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.report.layout import clip, heading, sentence
from behindy_ops.report.text import Line, Tone
from behindy_ops.views import disk
from behindy_ops.views.view import Seen, Shown, View, require_docker, shown


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be removed: ``references`` as ``docker rmi`` takes them; ``frees`` bytes at least.

    ``volumes`` and ``networks`` are what releases of earlier versions left, by name; ``named`` are volumes of one
    release that stay, since they may hold data. ``assets``: service and release of static files that go.
    """

    references: tuple[str, ...]
    images: int
    cache: int
    frees: int
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()

    @property
    def needless(self) -> bool:
        return not (self.references or self.cache or self.volumes or self.networks or self.assets)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, and what Docker kept and why; ``freed``: bytes that the disk has more of than before."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    cache: tuple[str, ...]
    freed: int


@dataclass(frozen=True, slots=True)
class PruneView:
    """What would be removed, and what was: None if nothing was to be done, or only planned.

    Attributes:
        nodes: the other ones of a swarm that were reached; ``other_nodes``: the rest, where nothing is removed.
    """

    dry_run: bool
    plan: Plan
    done: Pruned | None = None
    nodes: tuple[NodeView, ...] = ()
    other_nodes: tuple[str, ...] = ()


def describe(seen: Seen) -> PruneView:
    """Plan, from what ``ops.disk`` says of each image."""
    return planned(disk.describe(seen))


def planned(view: disk.DiskView) -> PruneView:
    """Return what goes of what was seen, on the other nodes too."""
    going = (image for repository in view.repositories for image in repository.images if not image.why)
    references = dict.fromkeys(reference for image in going for reference in image.names or (image.id,))
    found = view.prune
    left = (found.volumes, found.networks, found.named, found.assets)
    plan = Plan(tuple(references), found.images, found.cache, found.frees, *left)
    return PruneView(True, plan, nodes=view.nodes, other_nodes=view.other_nodes)


def see(session: Session) -> Shown:
    """Plan, and change nothing.

    Raises:
        RemoteCommandFailed: the look ended early.
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    return shown(VIEW, _seen(session, remove=False))


def _seen(session: Session, *, remove: bool) -> PruneView:
    """Look at the host, and at the other nodes, from which old images are removed if that is wanted."""
    seen = disk.seen_of(session)
    require_docker(seen.survey)
    return planned(disk.with_nodes(disk.describe(seen), elsewhere.views(session, seen.survey, remove=remove)))


def prune(session: Session, *, wait: float) -> Shown:
    """Remove what no container has and no rollback needs; queue ``wait`` seconds for the lock.

    Raises:
        LockHeld: somebody else is changing the host.
    """
    session.lock("removing old images (ops.prune)", wait=wait)
    view = now(session)
    kept = (*(view.done.kept if view.done else ()), *(name for node in view.nodes for name in node.kept))
    if not kept:
        return shown(VIEW, view)
    problem = RemoteCommandFailed(
        f"Docker kept {len(kept)} that were to be removed.",
        state="What is listed as removed is gone; everything else is as it was.",
        remedy="The reason is given behind each name. See again: inv ops.disk",
        lines=kept,
    )
    return shown(VIEW, view, problem)


def now(session: Session) -> PruneView:
    """Do it; the lock is held."""
    view = replace(_seen(session, remove=True), dry_run=False)
    if view.plan.needless:
        return view
    argv = command(session.settings.host_dir, view.plan)
    return replace(view, done=read(session.host.run(argv).require().reply()))


def command(host_dir: str, plan: Plan) -> Command:
    """Return what removes it, under the lock."""
    argv = script("ops/prune", host_dir, "yes" if plan.cache else "no")
    # Not as arguments: with 3,000 images they are too long for a command line.
    going = {"image": plan.references, "volume": plan.volumes, "network": plan.networks, "assets": plan.assets}
    stdin = "".join(f"{kind} {name}\n" for kind, names in going.items() for name in names)
    return Command(argv, title="remove what nobody needs", timeout=600, stdin=stdin.encode("utf-8"), changes=True)


def read(reply: Reply) -> Pruned:
    """Read what ``ops/prune.sh`` printed."""
    rooms = [int(room) for room in reply.every("room") if room.strip().isdigit()]
    cache = parse_json(reply.values().get("cache", ""))
    return Pruned(
        tuple(reply.every("removed")),
        tuple(reply.every("kept")),
        tuple((cache or {}).get("CachesDeleted") or ()),
        max(rooms[-1] - rooms[0], 0) if rooms else 0,
    )


def lines(view: PruneView) -> list[Line]:
    """Lay the view out: each image by its name."""
    return [*_here(view), *_elsewhere(view), *disk.kept_elsewhere(view.other_nodes)]


def _elsewhere(view: PruneView) -> list[Line]:
    """What goes, or went, on each other node."""
    told: list[Line] = []
    for node in view.nodes:
        if view.dry_run or node.trouble:
            told += disk.node_lines([node])
        told += [Line(f"  {name}", exact=True) for name in node.going if view.dry_run]
        told += [Line(f"removed  {name} ({node.node})", exact=True) for name in node.removed]
        told += [Line(clip(f"kept     {name} ({node.node})"), Tone.CAREFUL) for name in node.kept]
    return told


def _here(view: PruneView) -> list[Line]:
    plan, done = view.plan, view.done
    if done is not None:
        told = [Line(f"removed  {name}", exact=True) for name in done.removed]
        told += [Line(f"removed  build cache {name}", exact=True) for name in done.cache]
        told += [Line(clip(f"kept     {name}"), Tone.CAREFUL) for name in done.kept]
        return [*told, Line(f"Freed {size(done.freed)}.", Tone.GOOD)]
    named = [line for name in plan.named for line in _left(name)]
    if plan.needless:
        return [*named, Line("Nothing to remove: every image is in use or needed for a rollback.", Tone.GOOD)]
    told = [heading("would be removed")]
    told += [Line(f"  {reference}", exact=True) for reference in plan.references]
    told += [Line(f"  volume {name}", exact=True) for name in plan.volumes]
    told += [Line(f"  network {name}", exact=True) for name in plan.networks]
    told += [Line(f"  static files of {name}", exact=True) for name in plan.assets]
    if plan.cache:
        told.append(Line(f"  build cache: {plan.cache} entries"))
    do_it = sentence(f"{plan.images} images; frees {size(plan.frees)} or more. Do it: inv ops.prune")
    return [*told, *named, *do_it]


def _left(name: str) -> list[Line]:
    told = f"{name} was the volume of one release. It may hold data and stays; to remove it: docker volume rm {name}"
    return sentence(told, Tone.CAREFUL)


VIEW = View("prune", describe, lines, survey=disk.VIEW.survey, script=disk.VIEW.script, asks=disk.asks)
