"""``host.setup --swarm``: a swarm is made of hosts, and one leaves: shown, agreed to, done.

No container is restarted for that: the engine drops live-restore by a reload, and nginx, the database and the cache are
connected to one more network. What is done on another host is done while the lock of the first is held.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, ip_address

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.container import OVERLAY
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.swarm import APPS, SSH, Node, Seat, Swarm
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.nodes import Joining, joining_of
from behindy_ops.host.session import Connect, Reach, Session
from behindy_ops.project.names import Names
from behindy_ops.provision.setup import as_root, look
from behindy_ops.report import events

PORTS = "2377/tcp, 7946/tcp and udp, 4789/udp"
"""What nodes ask of each other; nobody else should reach it."""

PORT = 2377
"""Where a manager is joined."""

POOLS = tuple(IPv4Network(f"10.{second}.0.0/16") for second in range(220, 250))
"""What the swarm's networks get their addresses from: two of these that nobody on the hosts uses."""

OVERLAY_PREFIX = 22
"""A network of 1,022 addresses: two releases of three services with ten replicas have 60."""

DRAIN_SECONDS = 60
"""How long a node may take to end what it runs, once that runs elsewhere."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A container of the first host that tasks on other nodes ask, by its name and by that of its stanza."""

    container: str
    stanza: str
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What is seen of one host.

    Attributes:
        facts: of its machine.
        swarm: as its engine tells of it.
        address: at which its way out begins.
        taken: what its networks and its routes use already.
        overlay: the network of all nodes is there: ``yes``, empty for no, or what else has its name.
    """

    facts: HostFacts
    swarm: Swarm
    name: str = ""
    address: str = ""
    taken: tuple[IPv4Network, ...] = ()
    overlay: str = ""
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        at: the host that joins or leaves, as written; empty for the first one.
        argv: a script's name and its arguments.
        root: it needs root.
        stdin: what the script reads.
        joins: as what the host joins; then the token is asked for right before.
    """

    name: str
    title: str
    argv: tuple[str, ...]
    at: str = ""
    root: bool = False
    stdin: str = field(default="", repr=False)
    timeout: float = 60
    joins: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order; what is only said; and what makes it impossible."""

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    obstacle: str = ""
    remedy: str = ""

    @classmethod
    def of(
        cls,
        names: Names,
        first: Ground,
        joining: Sequence[tuple[Joining, Ground]] = (),
        *,
        advertise: str = "",
        managers: bool = False,
    ) -> Plan:
        """Return what makes a swarm of these hosts; one that is there already needs no steps.

        Args:
            advertise: the address of the first host for the others; empty for where its way out begins.
            managers: those that join become managers.
        """
        grounds = [first, *(ground for _, ground in joining)]
        free = [pool for pool in POOLS if not any(pool.overlaps(net) for ground in grounds for net in ground.taken)]
        address = advertise or first.address
        if stop := next(_obstacles(first, joining, address, free), None):
            return cls(obstacle=stop[0], remedy=stop[1])
        steps = [*_made(names, first, address, free)]
        for host, ground in joining:
            steps += _joins(host, ground, first, managers=managers)
        note = f"Between the nodes, and to nobody else, these ports have to be open: {PORTS}."
        return cls(tuple(steps), (note,) if joining or first.swarm.seat is Seat.NONE else ())

    @classmethod
    def leaving(
        cls, names: Names, first: Ground, node: Node, busy: Sequence[str], at: str, ground: Ground | None
    ) -> Plan:
        """Return what takes a node out of the swarm, once what it runs has been put elsewhere.

        Args:
            busy: the services that have a task on it.
            at: how it is reached by SSH; empty where it is not.
            ground: what is seen of it there.
        """
        if node.id == first.swarm.node:
            remedy = "To go back to it alone: inv host.setup --no-swarm. Else name another manager as BEHINDY_HOST."
            return cls(obstacle=f"{node.name} is the host of the settings.", remedy=remedy)
        if busy and not any(other.takes for other in first.swarm.nodes if other.id != node.id):
            return cls(
                obstacle=f"No other node could run {', '.join(busy)}.",
                remedy="Take one back (docker node update --availability active NODE), or have one join.",
            )
        steps = [*_emptied(node, busy)]
        drained = next((place for place, step in enumerate(steps) if step.name == "drain"), 0)
        steps[drained:drained] = _no_edge(names, first.swarm, node, at)
        return cls((*steps, *_left(node, at, ground)))

    @classmethod
    def back(cls, names: Names, first: Ground) -> Plan:
        """Return what leads back to one host."""
        if first.swarm.services:
            some = ", ".join(_stems(first.swarm.services))
            return cls(
                obstacle=f"Releases still run in the swarm: {some}.",
                remedy="Make each a container of this host, which loses no request: BEHINDY_ENGINE=single inv "
                "ops.restart SERVICE. Then the same again.",
            )
        if others := [node for node in first.swarm.nodes if node.id != first.swarm.node]:
            return cls(
                obstacle=f"The swarm has other nodes: {', '.join(node.name for node in others)}.",
                remedy="Have each leave: inv host.setup --swarm --leave NODE. Then the same again.",
            )
        if first.swarm.seat is Seat.WORKER:
            return cls(obstacle="The host is a worker of a swarm.", remedy="Have it leave, from a manager.")
        steps: list[Step] = []
        network = f"{names.network}{OVERLAY}"
        if first.overlay or any(network in each.networks for each in first.beside):
            title = f"Disconnect what runs on this host from {network}, and remove that; it runs on meanwhile"
            steps.append(Step("overlay", title, ("host/swarm", "disband", network)))
        if first.swarm.seat is not Seat.NONE:
            steps.append(
                Step(
                    "leave",
                    "Leave the swarm, which ends with that; for a moment nginx may find no name",
                    ("host/swarm", "leave", "last"),
                )
            )
        return cls((*steps, *_with_live_restore(first.facts)))

    @property
    def needs_respread(self) -> tuple[Step, ...]:
        """Those that are deploys of their own, under their own lock."""
        return tuple(step for step in self.steps if step.name == "respread")

    @property
    def needs_root(self) -> tuple[str, ...]:
        """The hosts on which it needs root, as in :attr:`Step.at`."""
        return tuple(dict.fromkeys(step.at for step in self.steps if step.root))


def _obstacles(
    first: Ground, joining: Sequence[tuple[Joining, Ground]], address: str, free: Sequence[IPv4Network]
) -> Iterator[tuple[str, str]]:
    """What is in the way, and what to do about it."""
    if not first.facts.docker:
        yield "Docker does not run on the host, or not for this login.", "Set it up first: inv host.setup"
    if first.swarm.seat is Seat.WORKER:
        yield "The host is a worker of a swarm that another host manages.", "Name a manager as BEHINDY_HOST."
    if first.swarm.seat in (Seat.LEADERLESS, Seat.UNKNOWN):
        yield "The host's swarm has no leader.", "Start its other managers again: more than half have to be there."
    if first.overlay not in ("", "yes"):
        yield f"A network of that name is there, of another kind ({first.overlay}).", "Remove it: docker network rm"
    if first.swarm.seat is Seat.NONE and _is_no_address(address):
        what = f"{address} is not an IPv4 address." if address else "The host's own address is not to be seen."
        yield what, "Name the one at which the other nodes reach it: --advertise ADDRESS"
    if not first.overlay and len(free) < 2:
        yield "The hosts use all networks from 10.220.0.0 to 10.249.0.0.", "A swarm needs two of them: free two."
    for host, ground in joining:
        if not ground.facts.docker:
            remedy = f"Install it, by BEHINDY_HOST={host.host} inv host.setup, or otherwise; then the same again."
            yield f"Docker does not run on {host.text}, or not for this login.", remedy
        elif ground.swarm.seat is not Seat.NONE and first.swarm.named(ground.swarm.node) is None:
            yield f"{host.text} belongs to another swarm.", "On it, if nothing there needs that: docker swarm leave"


def _is_no_address(text: str) -> bool:
    try:
        return ip_address(text).version != 4
    except ValueError:
        return True


def _made(names: Names, first: Ground, address: str, free: Sequence[IPv4Network]) -> Iterator[Step]:
    """What the first host lacks."""
    network = f"{names.network}{OVERLAY}"
    if first.swarm.seat is Seat.NONE:
        yield from _without_live_restore(first.facts)
        title = f"Make a swarm of this host, at {address} for the others; its networks are from {free[0]}"
        yield Step("init", title, ("host/swarm", "init", address, str(free[0])))
    if not first.overlay:
        subnet = next(free[-1].subnets(new_prefix=OVERLAY_PREFIX))
        title = f"Make the network {network} ({subnet}), which all nodes share"
        yield Step("overlay", title, ("host/swarm", "overlay", network, str(subnet)))
    for each in first.beside:
        if network not in each.networks:
            aliases = tuple(dict.fromkeys(filter(None, (each.stanza, each.container))))
            title = f"Connect {each.container} to {network}, as {' and '.join(aliases)}; it runs on meanwhile"
            yield Step("connect", title, ("host/swarm", "connect", network, each.container, *aliases))
    if first.swarm.own is None or not first.swarm.own.apps:
        words = ("label", first.swarm.node or "self", f"{APPS}=true")
        yield Step("label", f"Label this host {APPS}=true", ("host/swarm", *words))


def _emptied(node: Node, busy: Sequence[str]) -> Iterator[Step]:
    if node.ready:
        title = f"Have {node.name} take nothing new; what it runs goes on"
        yield Step("pause", title, ("host/swarm", "availability", node.id, "pause"))
        for name in busy:
            yield Step(
                "respread", f"Put {name} on the other nodes: the same release in new containers, as a deploy", (name,)
            )
        title = f"Drain {node.name}: it runs nothing from then on"
        yield Step("drain", title, ("host/swarm", "availability", node.id, "drain"))
        argv = ("host/swarm", "idle", node.id, str(DRAIN_SECONDS))
        yield Step("idle", f"Wait until {node.name} runs nothing", argv, timeout=DRAIN_SECONDS + 15)


def _no_edge(names: Names, swarm: Swarm, node: Node, at: str) -> Iterator[Step]:
    """What comes first of a node that is an edge."""
    if not node.edge:
        return
    yield Step("edge", f"{node.name} is no edge any more", ("host/edge", "unlabel", node.id))
    if at:
        title = f"nginx on {node.name} ends: the site's name should lead there no more"
        yield Step("nginx", title, ("host/edge", "end", names.proxy.container), at, timeout=90)
    if len(swarm.edges) == 2:
        title = "Take away what keeps edges in step: one is left"
        yield Step("keeper", title, ("host/edge", "forget", names.project))


def _left(node: Node, at: str, ground: Ground | None) -> Iterator[Step]:
    if node.manager:
        title = f"Have {node.name} be no manager any more"
        yield Step("demote", title, ("host/swarm", "demote", node.id), timeout=90)
    if ground is not None:
        yield Step("leave", f"{node.name} leaves the swarm", ("host/swarm", "leave"), at)
        yield from _with_live_restore(ground.facts, at)
    yield Step("forget", f"Take {node.name} off the list of nodes", ("host/swarm", "forget", node.id))


def _without_live_restore(facts: HostFacts, at: str = "") -> Iterator[Step]:
    if facts.live_restore:
        on = f" on {at}" if at else ""
        title = f"Switch live-restore off{on} (/etc/docker/daemon.json), which a swarm does not go with"
        text = settings_of(facts, live_restore=False)
        yield Step("engine settings", title, ("host/setup", "daemon"), at, root=True, stdin=text)
        title = f"Have the Docker engine{on} load its settings (no container notices)"
        yield Step("reload", title, ("host/setup", "reload", "false"), at, root=True)


def _with_live_restore(facts: HostFacts, at: str = "") -> Iterator[Step]:
    if '"live-restore": false' in (facts.logging or ""):  # as it was written for the swarm
        on = f" on {at}" if at else ""
        title = f"Let containers outlive the Docker engine{on} again (/etc/docker/daemon.json)"
        text = settings_of(facts, live_restore=True)
        yield Step("engine settings", title, ("host/setup", "daemon"), at, root=True, stdin=text)
        title = f"Have the Docker engine{on} load its settings (no container notices)"
        yield Step("reload", title, ("host/setup", "reload"), at, root=True)


def settings_of(facts: HostFacts, *, live_restore: bool) -> str:
    """Return ``daemon.json`` with that value of ``live-restore``: without the key, a reload would leave it as it is."""
    content = json.loads(facts.logging or "{}") | {"live-restore": live_restore}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _joins(host: Joining, ground: Ground, first: Ground, *, managers: bool) -> Iterator[Step]:
    known = first.swarm.named(ground.swarm.node) if ground.swarm.node else None
    role = "manager" if managers else "worker"
    if known is None:
        yield from _without_live_restore(ground.facts, host.text)
        title = f"{host.text} ({ground.name}) joins as a {role}"
        yield Step("join", title, ("host/swarm", "join"), host.text, timeout=90, joins=role)
    elif managers and not known.manager:
        title = f"{host.text} ({known.name}), a worker so far, becomes a manager"
        yield Step("promote", title, ("host/swarm", "promote", known.id), timeout=60)
    if known is None or not known.apps or known.ssh != host.text:
        argv = ("host/swarm", "label", known.id if known else host.text, f"{APPS}=true", f"{SSH}={host.text}")
        yield Step("label", f"Label it {APPS}=true, {SSH}={host.text}", argv)


def parse(reply: Reply, facts: HostFacts) -> Ground:
    """Read what ``host/swarm_look.sh`` printed."""
    overlay = reply.text("overlay").strip()
    route = reply.values("route")
    return Ground(
        facts,
        Swarm.parse(reply),
        route.get("name", ""),
        route.get("address", ""),
        tuple(_taken(reply.lines("taken"))),
        "yes" if overlay == "overlay true" else overlay,
        tuple(Beside(words[0], words[1], tuple(words[2:])) for words in reply.rows("beside")),
    )


def _taken(lines: Iterable[str]) -> Iterator[IPv4Network]:
    for line in lines:
        words = line.split()
        if words[:1] == ["route"]:  # as /proc/net/route has it: least byte first, in hexadecimal
            address, mask = (IPv4Address(bytes.fromhex(word)[::-1]) for word in words[1:])
            yield IPv4Network(f"{address}/{mask}", strict=False)
        elif ":" not in line:
            yield IPv4Network(words[0], strict=False)


def see(session: Session, *, joins: bool = False) -> Ground:
    """Inspect a host, without the lock; of one that joins, its machine and its engine alone."""
    names = session.names
    words = ("", "", "") if joins else (names.project, names.network, names.proxy.container)
    facts = look(session)
    return parse(session.ask("host/swarm_look", *words, title="inspect the swarm", timeout=60), facts)


def set_up(
    connect: Connect,
    reach: Reach,
    confirm: Confirm,
    joining: Sequence[Joining] = (),
    *,
    advertise: str = "",
    managers: bool = False,
    wait: float = 0.0,
) -> None:
    """Make a swarm of the host and of those that join it, as far as it is none yet.

    Args:
        wait: seconds to queue for the lock.

    Raises:
        Kind.HOST_NOT_READY: a host, or its login, does not allow it.
        Kind.SETUP_FAILED: a step failed.
    """
    with connect() as session, ExitStack() as stack:
        others = {host.text: stack.enter_context(reach(host.settings(session.settings))) for host in joining}

        def planned() -> Plan:
            seen = [(host, see(others[host.text], joins=True)) for host in joining]
            return Plan.of(session.names, see(session), seen, advertise=advertise, managers=managers)

        plan = planned()
        if plan.steps:
            show(session, f"{session.settings.target} is the first host of a swarm. To be done:", plan)
        require_possible(plan, {"": session, **others})
        if not plan.steps:
            session.emit(events.Decision("The swarm is as it should be; nothing to do."))
            return
        if agree(session, "host.setup --swarm", plan, lambda _: planned(), confirm, question="Do this?", wait=wait):
            Carrying(session, others).out(plan.steps)
            nodes = see(session).swarm.nodes
            count = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
            text = f"The swarm has {count}. Deploys go to it with BEHINDY_ENGINE=swarm in the settings."
            session.emit(events.Decision(text))


def leave(
    connect: Connect,
    reach: Reach,
    confirm: Confirm,
    name: str,
    respread: Callable[[str], None],
    *,
    wait: float = 0.0,
) -> None:
    """Take a node out of the swarm, once what it runs has been put elsewhere.

    Args:
        name: of the node; or its id, its address, or what it was joined by.
        respread: deploys the release of a service again, which the node then gets no part of.
        wait: seconds to queue for the lock.

    Raises:
        Kind.USAGE: there is no such node.
        Kind.HOST_NOT_READY: no other node could run what it runs.
        Kind.SETUP_FAILED: a step failed.
    """
    task = f"host.setup --swarm --leave {name}"
    with connect() as session, ExitStack() as stack:
        first = see(session)
        node = first.swarm.named(name)
        if node is None:
            names = ", ".join(each.name for each in first.swarm.nodes) or "none: the host manages no swarm"
            raise Kind.USAGE(f"The swarm has no node {name}.", remedy=f"It has: {names}.")
        others = _reached(session, reach, node, stack)
        at = next(iter(others), "")
        ground = see(others[at], joins=True) if at else None
        if ground is not None and ground.swarm.node != node.id:
            raise Kind.HOST_NOT_READY(f"{at} is not {node.name} any more.", state=UNCHANGED, remedy=f"See label {SSH}.")

        def planned() -> Plan:
            return Plan.leaving(session.names, see(session), node, _busy(session, node), at, ground)

        plan = planned()
        show(session, f"{node.name} is to leave the swarm of {session.settings.target}. To be done:", plan)
        if plan.needs_respread and session.settings.engine != "swarm":
            raise Kind.SETTINGS(
                "Releases run on it, and BEHINDY_ENGINE is not swarm.", remedy="Set BEHINDY_ENGINE=swarm"
            )
        require_possible(plan, {"": session, **others})
        if not agree(session, task, plan, lambda _: planned(), confirm, question="Do this?", wait=wait):
            return
        carrying = Carrying(session, others)
        if plan.needs_respread:
            carrying.out(plan.steps[:1])
            session.unlock()
            for step in plan.needs_respread:
                respread(step.argv[0])
            session.lock(task, wait=wait)
        carrying.out(step for step in plan.steps if step.name not in ("pause", "respread"))
        if not at:
            session.emit(events.Note(f"On {node.name}, if it still is there: docker swarm leave"))
        session.emit(events.Decision(f"{node.name} has left the swarm."))


def _reached(session: Session, reach: Reach, node: Node, stack: ExitStack) -> dict[str, Session]:
    """The session on a node, by what it was joined by; none where it is away, or cannot be reached like that."""
    if not node.ready or not node.ssh:
        return {}
    (host,) = joining_of([node.ssh])
    try:
        return {node.ssh: stack.enter_context(reach(host.settings(session.settings)))}
    except BehindyError as error:
        session.emit(events.Note(f"{node.ssh} is not reached ({error.what}), so nothing is done there."))
        return {}


def _busy(session: Session, node: Node) -> tuple[str, ...]:
    """The services that have a task on a node."""
    argv = script("host/swarm", "runs", node.id)
    told = session.host.run(Command(argv, title=f"ask what {node.name} runs")).require().stdout.split()
    return _stems(told)


def _stems(names: Iterable[str]) -> tuple[str, ...]:
    """The services of which these are names of the trio."""
    return tuple(dict.fromkeys(name.removesuffix("-green").removesuffix("-blue") for name in names))


def dissolve(connect: Connect, confirm: Confirm, *, wait: float = 0.0) -> None:
    """Go back to one host, of a swarm that has no other node and runs no release.

    Args:
        wait: seconds to queue for the lock.

    Raises:
        Kind.HOST_NOT_READY: releases still run in the swarm, or it has other nodes.
        Kind.SETUP_FAILED: a step failed.
    """
    with connect() as session:
        plan = Plan.back(session.names, see(session))
        if plan.steps:
            show(session, f"{session.settings.target} goes back to being one host. To be done:", plan)
        require_possible(plan, {"": session})
        if not plan.steps:
            session.emit(events.Decision("The host belongs to no swarm; nothing to do."))
        elif agree(
            session,
            "host.setup --no-swarm",
            plan,
            lambda _: Plan.back(session.names, see(session)),
            confirm,
            question="Do this?",
            wait=wait,
        ):
            Carrying(session, {}).out(plan.steps)
            session.emit(events.Decision("The host is on its own again. Take BEHINDY_ENGINE out of the settings."))


def show(session: Session, title: str, plan: Plan) -> None:
    """Tell what is to be done."""
    session.emit(events.Plan(title, tuple(step.title for step in plan.steps)))
    for note in plan.notes:
        session.emit(events.Note(note))


def require_possible(plan: Plan, sessions: dict[str, Session]) -> None:
    """Check that a plan can be carried out.

    Args:
        plan: the plan.
        sessions: of the hosts, as in :attr:`Step.at`.

    Raises:
        Kind.HOST_NOT_READY: it cannot.
    """
    if plan.obstacle:
        raise Kind.HOST_NOT_READY(plan.obstacle, state=UNCHANGED, remedy=plan.remedy)
    for at in plan.needs_root:
        facts = look(sessions[at])
        if not facts.root:
            where = f" on {at}" if at else ""
            raise Kind.HOST_NOT_READY(
                f"This needs root, and {facts.user} may not use sudo{where} without a password (sudo -n).",
                state=UNCHANGED,
                remedy="Ask the host's administrator for the line below in /etc/sudoers.d/behindy while you set it up.",
                lines=(f"{facts.user} ALL=(ALL) NOPASSWD:ALL",),
            )
        if facts.logging is None:
            raise Kind.HOST_NOT_READY(
                f"{facts.user} cannot read /etc/docker/daemon.json.", state=UNCHANGED, remedy="Make it readable."
            )


@dataclass
class Carrying:
    """Carries steps out, on the first host and on others; ``ids`` are the nodes of those that have joined."""

    session: Session
    others: dict[str, Session]
    ids: dict[str, str] = field(default_factory=dict)

    def out(self, steps: Iterable[Step]) -> None:
        for step in steps:
            with self.session.step(step.name, step.title):
                self._carry_out(step)

    def filled_in(self, step: Step) -> Step:
        """Return a step with what is known only now."""
        if step.joins:
            return replace(step, stdin=self._asked_to_join(step.joins))
        if step.name == "label":
            return replace(step, argv=tuple(self._id(word) for word in step.argv))
        return step

    def _carry_out(self, step: Step) -> None:
        step = self.filled_in(step)
        where = self.others[step.at] if step.at else self.session
        argv = script(*step.argv)
        command = Command(
            as_root(look(where), argv) if step.root else argv,
            title=step.title[0].lower() + step.title[1:],
            timeout=step.timeout,
            stdin=step.stdin.encode(),
            changes=not step.at,  # another host has no lock of this project's, and this one's is held
        )
        result = where.host.run(command)
        if not result.ok:
            raise _failed(result.error())
        if step.joins:
            self.ids[step.at] = result.reply().values()["node"]

    def _id(self, word: str) -> str:
        if word == "self":
            return _swarm(self.session).node
        return self.ids.get(word, word)

    def _asked_to_join(self, role: str) -> str:
        """What the engine of a host that joins is asked for; the token in it is read by nobody else."""
        argv = script("host/swarm", "token", role)
        token = self.session.host.run(Command(argv, title="ask for the token to join by", secret=True)).require().stdout
        managers = [node.manager_address for node in _swarm(self.session).managers if node.manager_address]
        asked = {"ListenAddr": f"0.0.0.0:{PORT}", "RemoteAddrs": managers, "JoinToken": token.strip()}
        return json.dumps(asked)


def _swarm(session: Session) -> Swarm:
    return Swarm.parse(session.ask("host/swarm_look", "", "", "", title="inspect the swarm", timeout=60))


def _failed(error: BehindyError) -> BehindyError:
    return Kind.SETUP_FAILED(
        error.what,
        state="The steps before it are done and stay done; what ran before is still running.",
        remedy="The lines below say why. Fix that, then the same again: it continues from there.",
        lines=error.lines,
    )
