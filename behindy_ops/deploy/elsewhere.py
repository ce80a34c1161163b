"""Images of earlier releases on the other nodes of a swarm: those go there that are not kept on the host.

By SSH to each node that was joined with it, which is what `host.check` does; no container of ours has Docker's socket.
See docs/design.md, "Image retention".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from behindy_ops.deploy.steps.tidy import MOST
from behindy_ops.errors import BehindyError, Interrupted
from behindy_ops.facts.image import IMAGE_TEMPLATE
from behindy_ops.facts.retention import NodeImages
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.swarm import Seat
from behindy_ops.host import nodes
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.services import repository
from behindy_ops.report.events import Note


@dataclass(frozen=True, slots=True)
class NodeView:
    """What is known of a further node; ``trouble``: why nothing more is.

    Attributes:
        images: how many of the services' it has.
        size: bytes of the disk with Docker's data; ``free`` of them.
        going: names of images that nothing needs there.
        removed: which of them were removed; ``kept``: which Docker kept, and why.
    """

    node: str
    images: int = 0
    size: int = 0
    free: int = 0
    going: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    trouble: str = ""


def views(session: Session, survey: Survey, *, remove: bool = False) -> Iterator[NodeView]:
    """Look at each other node; ``remove`` what nothing needs there. The survey knows nodes, containers and releases.

    Raises:
        Interrupted: a signal came.
    """
    own = {repository(service, session.settings.image_prefix) for service in session.services}
    repositories = sorted(own | {release.repository for release in survey.releases})
    trusted = not {"containers", "releases"} & survey.problems.keys()  # else what stays is not known
    others = [node for node in survey.cluster.nodes if node.id != survey.cluster.node]
    for node, there in nodes.reached(session, others):
        if isinstance(there, str):
            yield NodeView(node.name, trouble=there)
            continue
        try:
            found = NodeImages.parse(there.ask("deploy/images", IMAGE_TEMPLATE, *repositories, title="look at images"))
            going = found.going(survey, repositories) if trusted else ()
            seen = NodeView(node.name, len(found.images), found.size, found.free, going)
            yield _without(there, seen) if remove and going else seen
        except Interrupted:
            raise
        except BehindyError as error:
            yield NodeView(node.name, trouble=error.what)


def _without(there: Session, seen: NodeView) -> NodeView:
    """Remove them; the node has no lock of its own, and that of the host is held."""
    argv = script("ops/prune", "", "no")
    told = "".join(f"image {name}\n" for name in seen.going[:MOST]).encode()
    reply = there.host.run(Command(argv, title="remove old images", timeout=300, stdin=told)).require().reply()
    return replace(seen, removed=tuple(reply.every("removed")), kept=tuple(reply.every("kept")))


def tidy(session: Session, survey: Survey) -> None:
    """At the end of a deploy, remove them; whatever goes wrong is told, and no more.

    Args:
        survey: any of this host; without a swarm nothing is asked.
    """
    if survey.cluster.seat is not Seat.MANAGER or session.reach is None:
        return
    try:
        for line in as_lines(views(session, after(session), remove=True)):
            session.emit(Note(line))
    except Interrupted:
        session.emit(Note("Stopped before the other nodes were asked for old images; now: inv ops.prune"))
    except BehindyError as error:
        session.emit(Note(f"The other nodes were not asked for old images: {error.what}"))


def told(survey: Survey) -> tuple[str, ...]:
    """Return what a dry run says of it."""
    return (
        ("At the end, old images are removed from the other nodes too.",) if survey.cluster.seat is Seat.MANAGER else ()
    )


def after(session: Session) -> Survey:
    """Survey what decides which images stay."""
    return session.look("containers releases swarm_ nodes_")


def as_lines(seen: Iterable[NodeView]) -> Iterator[str]:
    """Say what went, and where nothing could."""
    for view in seen:
        if view.trouble:
            yield f"{view.node}: images of earlier releases stay there ({view.trouble}). Later: inv ops.prune"
        elif view.removed or view.kept:
            why = f"; kept {len(view.kept)}: {view.kept[0]}" if view.kept else ""
            count = len(view.removed)
            yield f"{view.node}: removed {count} old image{'s' if count != 1 else ''}{why}."
