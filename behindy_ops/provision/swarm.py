"""``host.setup --swarm``: the host becomes the first of a swarm, others join it, and one leaves: shown, agreed to, done.

No container is restarted for that: the engine drops live-restore by a reload, and nginx, the database and the cache are
connected to one more network. What is done on another host is done while the lock of the first is held.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, ip_address

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.swarm import APPS, SSH, Node, Seat, Swarm
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Connect, Session
from behindy_ops.project.names import Names
from behindy_ops.project.settings import Settings
from behindy_ops.project.validate import check_host, check_user
from behindy_ops.provision.setup import as_root, look
from behindy_ops.report import events

OVERLAY = "-swarm"
"""How the name of the network ends that all nodes share."""

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

Reach = Callable[[Settings], AbstractContextManager[Session]]
"""Opens a session on another host."""


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
class Joining:
    """A host that is to join, as it was written: ``user@host:port``."""

    text: str
    user: str = ""
    host: str = ""
    port: int | None = None

    def settings(self, ours: Settings) -> Settings:
        """Return the settings by which it is reached: by the same key, and its own host key pinned in the same place."""
        port = self.port or (None if self.host != ours.host else ours.port)
        return replace(
            ours, host=self.host, user=self.user or ours.user, port=port, engine="", environment="", domain=""
        )


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
        if stop := _obstacle(first, joining, advertise):
            return cls(obstacle=stop[0], remedy=stop[1])
        network = f"{names.network}{OVERLAY}"
        steps: list[Step] = []
        free = [pool for pool in POOLS if not _overlaps(pool, [first, *(ground for _, ground in joining)])]
        if first.swarm.seat is Seat.NONE:
            address = advertise or first.address
            if len(free) < 2 or not address:
                what = "an address to advertise" if not address else "two free networks among 10.220.0.0 to 10.249.0.0"
                return cls(
                    obstacle=f"The host has not {what}.", remedy="Name one of its addresses: --advertise ADDRESS"
                )
            steps += _without_live_restore(first.facts)
            title = f"Make a swarm of this host, at {address} for the others; its networks are from {free[0]}"
            steps.append(Step("init", title, ("host/swarm", "init", address, str(free[0]))))
        if not first.overlay:
            if not free:
                return cls(
                    obstacle="No network among 10.220.0.0 to 10.249.0.0 is free.", remedy="Free one, then again."
                )
            subnet = next(free[-1].subnets(new_prefix=OVERLAY_PREFIX))
            argv = ("host/swarm", "overlay", network, str(subnet))
            steps.append(Step("overlay", f"Make the network {network} ({subnet}), which all nodes share", argv))
        for each in first.beside:
            if network not in each.networks:
                aliases = tuple(dict.fromkeys(filter(None, (each.stanza, each.container))))
                argv = ("host/swarm", "connect", network, each.container, *aliases)
                title = f"Connect {each.container} to it, as {' and '.join(aliases)}; it runs on meanwhile"
                steps.append(Step("connect", title, argv))
        if first.swarm.own is None or not first.swarm.own.apps:
            argv = ("host/swarm", "label", first.swarm.node or "self", f"{APPS}=true")
            steps.append(Step("label", f"Label this host {APPS}=true", argv))
        notes = []
        for host, ground in joining:
            steps += _joins(host, ground, first, managers=managers)
        if joining or first.swarm.seat is Seat.NONE:
            notes.append(f"Between the nodes, and to nobody else, these ports have to be open: {PORTS}.")
        return cls(tuple(steps), tuple(notes))

    @property
    def needs_root(self) -> tuple[str, ...]:
        """The hosts on which it needs root, as in :attr:`Step.at`."""
        return tuple(dict.fromkeys(step.at for step in self.steps if step.root))


def _obstacle(first: Ground, joining: Sequence[tuple[Joining, Ground]], advertise: str) -> tuple[str, str] | None:
    prepare = "Set it up first: inv host.setup"
    if not first.facts.docker:
        return "Docker does not run on the host, or not for this login.", prepare
    if first.swarm.seat is Seat.WORKER:
        return "The host is a worker of a swarm that another host manages.", "Name a manager as BEHINDY_HOST."
    if first.swarm.seat in (Seat.LEADERLESS, Seat.UNKNOWN):
        return "The host's swarm has no leader.", "Start its other managers again: more than half have to be there."
    if first.overlay not in ("", "yes"):
        return f"A network of that name is there, of another kind ({first.overlay}).", "Remove it: docker network rm"
    if advertise and _is_no_address(advertise):
        return f"--advertise {advertise} is not an IPv4 address.", "Name an address of the host."
    for host, ground in joining:
        if not ground.facts.docker:
            remedy = f"Install it, by BEHINDY_HOST={host.host} inv host.setup, or otherwise; then the same again."
            return f"Docker does not run on {host.text}, or not for this login.", remedy
        known = first.swarm.named(ground.swarm.node) if ground.swarm.node else None
        if ground.swarm.seat is not Seat.NONE and known is None:
            return f"{host.text} belongs to another swarm.", "On it, if nothing there needs that: docker swarm leave"
    return None


def _is_no_address(text: str) -> bool:
    try:
        return ip_address(text).version != 4
    except ValueError:
        return True


def _overlaps(pool: IPv4Network, grounds: Iterable[Ground]) -> bool:
    return any(pool.overlaps(taken) for ground in grounds for taken in ground.taken)


def _without_live_restore(facts: HostFacts, at: str = "") -> Iterator[Step]:
    if facts.live_restore:
        on = f" on {at}" if at else ""
        title = f"Switch live-restore off{on} (/etc/docker/daemon.json), which a swarm does not go with"
        yield Step("engine settings", title, ("host/setup", "daemon"), at, root=True, stdin=settings_of(facts, False))
        title = f"Have the Docker engine{on} load its settings (no container notices)"
        yield Step("reload", title, ("host/setup", "reload", "false"), at, root=True)


def _with_live_restore(facts: HostFacts, at: str = "") -> Iterator[Step]:
    if facts.logging is not None and not facts.live_restore and _live_restore(facts) is False:
        on = f" on {at}" if at else ""
        title = f"Let containers outlive the Docker engine{on} again (/etc/docker/daemon.json)"
        yield Step("engine settings", title, ("host/setup", "daemon"), at, root=True, stdin=settings_of(facts, True))
        title = f"Have the Docker engine{on} load its settings (no container notices)"
        yield Step("reload", title, ("host/setup", "reload"), at, root=True)


def _live_restore(facts: HostFacts) -> object:
    content = json.loads(facts.logging or "{}")
    return content.get("live-restore") if isinstance(content, dict) else None


def settings_of(facts: HostFacts, live_restore: bool) -> str:  # noqa: FBT001 - the value that is written
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
    if known is None or not known.apps or known.ssh != host.text:
        argv = ("host/swarm", "label", known.id if known else host.text, f"{APPS}=true", f"{SSH}={host.text}")
        yield Step("label", f"Label it {APPS}=true, {SSH}={host.text}", argv)


def joining_of(texts: Iterable[str]) -> tuple[Joining, ...]:
    """Read ``--join``: ``user@host:port``, of which the host alone is needed; several may stand in one, by commas.

    Raises:
        Kind.USAGE: one is none.
    """
    found = []
    for text in dict.fromkeys(word.strip() for each in texts for word in each.split(",") if word.strip()):
        match = re.fullmatch(r"(?:([^@]+)@)?(\[[0-9a-fA-F:]+\]|[^@:]+)(?::([0-9]{1,5}))?", text)
        user, host, port = match.groups() if match else ("", "", None)
        host = host.strip("[]")
        if not match or check_host(host) or (user and check_user(user)) or not 0 < int(port or 22) < 65536:
            raise Kind.USAGE(
                f"--join {text} is no host.", remedy="Write user@host:port; user and port may be left out."
            )
        found.append(Joining(text, user or "", host, int(port) if port else None))
    return tuple(found)


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
        tuple(Beside(words[0].lstrip("/"), words[1], tuple(words[2:])) for words in reply.rows("beside")),
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
            _show(session, f"{session.settings.target} is the first host of a swarm. To be done:", plan)
        _require_possible(plan, {"": session, **others})
        if not plan.steps:
            session.emit(events.Decision("The swarm is as it should be; nothing to do."))
            return
        if agree(session, "host.setup --swarm", plan, lambda _: planned(), confirm, question="Do this?", wait=wait):
            Carrying(session, others).out(plan)
            nodes = see(session).swarm.nodes
            count = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
            text = f"The swarm has {count}. Deploys go to it with BEHINDY_ENGINE=swarm in the settings."
            session.emit(events.Decision(text))


def _show(session: Session, title: str, plan: Plan) -> None:
    session.emit(events.Plan(title, tuple(step.title for step in plan.steps)))
    for note in plan.notes:
        session.emit(events.Note(note))


def _require_possible(plan: Plan, sessions: dict[str, Session]) -> None:
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

    def out(self, plan: Plan) -> None:
        for step in plan.steps:
            with self.session.step(step.name, step.title):
                self._carry_out(step)

    def _carry_out(self, step: Step) -> None:
        told = step.stdin
        if step.joins:
            told = self._asked_to_join(step.joins)
        elif step.name == "label":
            step = replace(step, argv=tuple(self._id(word) for word in step.argv))
        where = self.others[step.at] if step.at else self.session
        argv = script(*step.argv)
        command = Command(
            as_root(look(where), argv) if step.root else argv,
            title=step.title[0].lower() + step.title[1:],
            timeout=step.timeout,
            stdin=told.encode(),
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
