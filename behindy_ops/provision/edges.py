"""``host.setup --swarm --edge``: nginx answers on further nodes of a swarm: docs/design.md, "Several edges".

Such a node gets the files of the first host as they are there, and its certificates. From then on a task of the swarm
keeps nginx there in step, so that nobody has to reach it by SSH for a deploy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Self

from behindy_ops.facts.container import OVERLAY
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.swarm import EDGE, FIRST, SSH, Seat, Swarm
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script, script_text
from behindy_ops.host.nodes import Joining, joining_of
from behindy_ops.host.session import Connect, Reach, Session
from behindy_ops.project.names import Names
from behindy_ops.provision.swarm import Carrying, Plan, Step, require_possible, show
from behindy_ops.provision.up import HEALTH_SECONDS
from behindy_ops.report import events

KEEPER = "swarm/edge"
"""The script that keeps an edge in step."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What is seen of one node, and of the swarm as it tells of it.

    Attributes:
        node: the engine's own.
        directory: of the project, whether it is there or not.
        files: a hash of those that an edge has of the first host.
        nginx: how its container is; ``none`` where there is none.
        image: that container's.
        aliases: on the network of all nodes.
        keeper: the version of :data:`KEEPER` that the swarm runs; empty for none.
        others: the edges have other certificates than this node.
    """

    swarm: Swarm
    node: str
    directory: str
    files: str
    nginx: str
    image: str = ""
    aliases: tuple[str, ...] = ()
    keeper: str = ""
    others: bool = False

    @classmethod
    def parse(cls, swarm: Swarm, reply: Reply) -> Self:
        """Read what ``host/edge.sh look`` printed."""
        told = reply.values()
        return cls(
            *(swarm, swarm.node, told["directory"], told["files"], told["nginx"], told.get("image", "")),
            *(tuple(told.get("aliases", "").split()), told.get("keeper", ""), "certificates" in told),
        )


def version() -> str:
    """Return the version of the script that keeps an edge in step."""
    return sha256(script_text(KEEPER).encode()).hexdigest()[:12]


def plan(
    names: Names,
    first: Edge,
    host_dir: str,
    domain: str,
    hosts: Sequence[tuple[Joining, Edge]],
    *,
    ipv6: bool = False,
) -> Plan:
    """Return what makes nginx answer on these nodes as well; if it does so already, no steps.

    Args:
        host_dir: of the project, as the settings have it.
        ipv6: visitors come by it, too.
    """
    if stop := next(_obstacles(first, domain, hosts), None):
        return Plan(obstacle=stop[0], remedy=stop[1])
    brought = [step for host, edge in hosts for step in _brought(names, first, host_dir, host, edge)]
    brought += _kept_in_step(names, first, host_dir)
    started = [step for host, edge in hosts for step in _started(names, host_dir, domain, host, edge, ipv6)]
    if not brought and not started and not first.others:
        return Plan()
    argv = ("host/edge", "certificates", names.project, names.proxy.container)
    return Plan((*brought, Step("certificates", "Give each edge the certificates of this host", argv), *started))


def _obstacles(first: Edge, domain: str, hosts: Sequence[tuple[Joining, Edge]]) -> Iterator[tuple[str, str]]:
    if first.swarm.first:
        yield f"The first host of the swarm is {first.swarm.first}.", "Name that one as BEHINDY_HOST."
    if first.nginx != "running":
        yield "nginx does not run on the host.", "Start it: inv host.up"
    if not domain:
        yield "No domain is set, and an edge answers for one.", "Set BEHINDY_DOMAIN."
    for host, edge in hosts:
        if first.swarm.named(edge.node) is None:
            remedy = f"Have it join first: inv host.setup --swarm --join {host.text} --managers"
            yield f"{host.text} is no node of the host's swarm.", remedy
        elif edge.node == first.node:
            yield f"{host.text} is the host of the settings, which is an edge anyway.", "Name another node."
        elif edge.directory != first.directory:
            what = f"{edge.directory} on {host.text} is not the directory of the host, {first.directory}."
            yield what, "Use the same login on both, or an absolute BEHINDY_HOST_DIR."


def _brought(names: Names, first: Edge, host_dir: str, host: Joining, edge: Edge) -> Iterator[Step]:
    """What a node lacks before nginx can be started there."""
    node = first.swarm.named(edge.node)
    if node is None:
        return
    if not node.manager:
        title = f"Have {node.name} be a manager too: the names that nginx follows are told to managers alone"
        yield Step("promote", title, ("host/swarm", "promote", node.id))
    if edge.nginx == "none":
        title = f"Have {first.image} on {host.text}"
        yield Step("image", title, ("host/edge", "prepare", first.image), host.text, timeout=600)
    if edge.files != first.files:
        title = f"Bring compose/, nginx/, .env and the rehearsal's token of this host to {host.text}"
        argv = ("host/edge", "unpack", host_dir, names.proxy.container)
        yield Step("files", title, argv, host.text, timeout=120)
    if not node.edge or not node.ssh:
        labels = (f"{EDGE}=true", *(() if node.ssh else (f"{SSH}={host.text}",)))
        yield Step("label", f"Label {node.name} {', '.join(labels)}", ("host/swarm", "label", node.id, *labels))


def _kept_in_step(names: Names, first: Edge, host_dir: str) -> Iterator[Step]:
    own = first.swarm.own
    if own is not None and not own.edge:
        labels = (f"{EDGE}=true", f"{FIRST}=true")
        yield Step("label", f"Label this host {', '.join(labels)}", ("host/swarm", "label", own.id, *labels))
    if first.keeper != version():
        title = "Have the swarm run on each edge what keeps nginx there in step"
        argv = ("host/edge", "keeper", names.project, host_dir, names.proxy.container, first.image, version())
        yield Step("keeper", title, argv, stdin=script_text(KEEPER), timeout=120)


def _started(names: Names, host_dir: str, domain: str, host: Joining, edge: Edge, ipv6: bool) -> Iterator[Step]:
    network, nginx, alias = f"{names.network}{OVERLAY}", names.proxy.container, f"edge-{edge.node}"
    if edge.nginx == "running" and alias in edge.aliases:
        return
    argv: tuple[str, ...] = ("host/edge", "kept", host_dir, "60")
    yield Step("kept", f"Wait until {host.text} is kept in step", argv, host.text, timeout=90)
    if edge.nginx != "running":
        argv = (
            *("host/infra_up", host_dir, domain, str(HEALTH_SECONDS), names.project, names.proxy.stanza, names.edge),
            *(names.network, nginx, "create", names.proxy.stanza, *(("ipv6", nginx) if ipv6 else ())),
        )
        yield Step("nginx", f"Start nginx on {host.text}", argv, host.text, timeout=HEALTH_SECONDS + 60)
    if alias not in edge.aliases:
        title = f"Connect nginx on {host.text} to {network}, as {alias}"
        yield Step("connect", title, ("host/swarm", "connect", network, nginx, alias), host.text)
    title = f"Wait until nginx on {host.text} answers the other edges"
    yield Step("follows", title, ("host/edge", "follows", edge.node, nginx, "60"), timeout=90)


def set_up(connect: Connect, reach: Reach, confirm: Confirm, hosts: Sequence[Joining], *, wait: float = 0.0) -> None:
    """Have nginx answer on further nodes of the swarm, as far as it does not.

    Args:
        wait: seconds to queue for the lock.

    Raises:
        Kind.HOST_NOT_READY: a host does not allow it.
        Kind.SETUP_FAILED: a step failed.
    """
    with connect() as session, ExitStack() as stack:
        settings, names = session.settings, session.names
        others = {host.text: stack.enter_context(reach(host.settings(settings))) for host in hosts}

        def planned() -> Plan:
            seen = [(host, _look(others[host.text], names)) for host in hosts]
            first = _look(session, names)
            return plan(names, first, settings.host_dir, settings.domain, seen, ipv6=settings.ipv6)

        found = planned()
        if found.steps:
            show(session, "nginx is to answer on further nodes. To be done:", found)
        require_possible(found, {"": session, **others})
        if not found.steps:
            session.emit(events.Decision("The edges are as they should be; nothing to do."))
            return
        if agree(
            session, "host.setup --swarm --edge", found, lambda _: planned(), confirm, question="Do this?", wait=wait
        ):
            Bringing(session, others).out(found.steps)
            count = len(_look(session, names).swarm.edges)
            text = f"nginx answers on {count} nodes. Lead the site's name to all of them (DNS, or a load balancer)."
            session.emit(events.Decision(text))


def refresh(connect: Connect, reach: Reach, *, wait: float = 0.0) -> None:
    """Bring what has changed on the first host to each further edge; warn about those that are away.

    Without any, do nothing.

    Args:
        wait: seconds to queue for the lock.

    Raises:
        BehindyError: as :func:`set_up`.
    """
    with connect() as session:
        if session.settings.engine != "swarm":
            return
        swarm = Swarm.parse(session.ask("host/swarm_look", "", "", "", title="inspect the swarm", timeout=60))
        for text in _left_out(swarm):
            session.emit(events.Warning_(text))
    ways = [node.ssh for node in swarm.edges if node.id != swarm.node and node.ready and node.ssh]
    if ways:
        set_up(connect, reach, lambda _: True, joining_of(ways), wait=wait)


def _left_out(swarm: Swarm) -> Iterator[str]:
    """Say which edges get nothing now, and how they get it later."""
    if swarm.seat is Seat.LEADERLESS:
        yield "The swarm has no leader: other edges have the files of before. Once it has one: inv host.sync"
    for node in swarm.edges:
        if node.id != swarm.node and not (node.ready and node.ssh):
            why = "it has no label behindy.ssh" if node.ready else "it does not answer"
            then = f"inv host.setup --swarm --edge {node.ssh or 'user@host:port'}"
            yield f"The edge {node.name} has the files of before ({why}). Later: {then}"


class Bringing(Carrying):
    """Carries steps out; the files of the first host are read right before they are brought."""

    def filled_in(self, step: Step) -> Step:
        if step.name != "files":
            return super().filled_in(step)
        argv = script("host/edge", "pack", self.session.settings.host_dir)
        packed = self.session.host.run(Command(argv, title="read the files of this host", timeout=60, secret=True))
        return replace(step, stdin=packed.require().stdout)


def _look(session: Session, names: Names) -> Edge:
    reply = session.ask("host/swarm_look", "", "", "", title="inspect the swarm", timeout=60)
    words = ("look", session.settings.host_dir, names.proxy.container, names.project, f"{names.network}{OVERLAY}")
    told = session.host.run(Command(script("host/edge", *words), title="inspect the edge"))
    return Edge.parse(Swarm.parse(reply), told.require().reply())
