"""``ops.network``: who is on the services' network, who should be, and names that would break a switch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from behindy_ops.checks import network as rules
from behindy_ops.checks.check import Facts, examine
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.view import Seen, Shown, View, as_seen, described, locked, shown


@dataclass(frozen=True, slots=True)
class Member:
    """A container on the network; ``needed``: a name that it is asked for by and does not answer to."""

    name: str
    running: bool
    address: str
    aliases: tuple[str, ...]
    trouble: str = ""
    remedy: str = ""
    needed: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """A container that is missing on the network; if it exists, ``--fix`` connects it with these aliases."""

    name: str
    exists: bool
    aliases: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """The network of all nodes of a swarm: its tasks, and who of the first network is on it besides."""

    network: str
    members: tuple[Member, ...]
    absent: tuple[Absent, ...]
    exists: bool = True


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The network as it is; ``connected`` is None where nobody was to be connected.

    Attributes:
        overlay: where a swarm runs services, the network on which they are.
    """

    network: str
    exists: bool
    subnet: str
    members: tuple[Member, ...]
    absent: tuple[Absent, ...]
    connected: tuple[str, ...] | None = None
    overlay: Overlay | None = None


def describe(seen: Seen) -> NetworkView:
    """Say who is on the network and who is missing."""
    facts = seen.facts
    checks = {check.subject: check for check in examine((rules.aliases, rules.names), facts) if check.problem}
    expected, members, ours = rules.expected(facts), [], seen.survey.names.network
    for name, container in seen.survey.containers.items():
        if ours not in container.addresses:
            continue
        check, aliases, needed = checks.get(name), rules.further_names(container, facts.names), expected.get(name, name)
        trouble, remedy = (check.found, check.remedy) if check else ("", "")
        needed = "" if needed in (name, *aliases) else needed
        address = container.addresses[ours]
        members.append(Member(name, container.running, address, aliases, trouble, remedy, needed))
    members.sort(key=lambda member: (not member.running, member.name))
    subnet, absent = seen.text("subnet").strip(), tuple(_absent(facts))
    return NetworkView(ours, seen.survey.network, subnet, tuple(members), absent, overlay=_overlay(facts))


def _overlay(facts: Facts) -> Overlay | None:
    network = rules.overlay(facts)
    if not network:
        return None
    wanted, members, absent = rules.beside_all_nodes(facts), [], []
    for name, container in facts.survey.containers.items():
        members += [
            Member(f"{name}.{task.slot}", running=True, address=task.address, aliases=(), node=task.node)
            for task in container.serving
        ]
        if network in container.addresses:
            aliases = tuple(sorted(set(container.aliases.get(network, ())) - {container.id[:12]}))
            members.append(Member(name, container.running, container.addresses[network], aliases))
        elif name in wanted:
            aliases = () if wanted[name] == name else (wanted[name],)
            absent.append(Absent(name, exists=True, aliases=aliases, why="it is not connected"))
    members.sort(key=lambda member: (not member.running, member.name))
    return Overlay(network, tuple(members), tuple(absent))


def _absent(facts: Facts) -> Iterable[Absent]:
    beside_live = {name for service in facts.services for name in facts.names.trio(service.name)[1:]}
    for name, asked_as in rules.expected(facts).items():
        container, aliases = facts.survey.containers.get(name), (asked_as,) if asked_as != name else ()
        if container is None and name not in beside_live:
            yield Absent(name, exists=False, aliases=aliases, why="there is no such container")
        elif container is not None and not container.joins(facts.names.network):
            yield Absent(name, exists=True, aliases=aliases, why="it is not connected")


def fix(session: Session, *, wait: float) -> Shown:
    """Connect who should be on the network and is not; queue ``wait`` seconds for the lock.

    Raises:
        LockHeld: somebody else is changing the host.
        RemoteCommandFailed: somebody could not be connected.
    """
    survey = locked(session, "connecting containers (ops.network --fix)", wait=wait)
    before = describe(as_seen(session, survey))
    connecting = commands(before)
    for command in connecting:
        session.host.run(command).require(
            state="Whoever could be connected is.", remedy="See who is missing: inv ops.network"
        )
    absent = (*before.absent, *(before.overlay.absent if before.overlay else ()))
    connected = tuple(dict.fromkeys(each.name for each in absent if each.exists)) if connecting else ()
    return shown(VIEW, replace(described(session, VIEW), connected=connected))


def commands(view: NetworkView, only: str = "") -> list[Command]:
    """Return what connects whoever can be to each network, or that container alone, under the lock."""
    networks = (view, view.overlay) if view.overlay else (view,)
    return [command for network in networks if (command := connect(network, only))]


def connect(view: NetworkView | Overlay, only: str = "") -> Command | None:
    """Return what connects whoever can be, or that container alone, under the lock; None if there is nobody."""
    absent = [each for each in view.absent if each.exists and only in ("", each.name)]
    if not absent or not view.exists:
        return None
    words = [word for each in absent for word in (each.name, ",".join(each.aliases) or "-")]
    return Command(script("ops/connect", view.network, *words), title="connect to the network", changes=True)


def lines(view: NetworkView) -> list[Line]:
    """Lay the view out in 80 columns."""
    told: list[Line] = []
    if view.connected is not None:
        told += [Line(f"connected  {name}", Tone.GOOD) for name in view.connected]
        told += [Line("")] if view.connected else [Line("Nobody had to be connected."), Line("")]
    if not view.exists:
        return [*told, *sentence(f"The network {view.network} does not exist. Make it: inv host.up", Tone.BAD)]
    columns = (Column("container", 26), Column("address", 15), Column("", 7), Column("also answers to"))
    rows = [
        (member.name, member.address or "-", "" if member.running else "stopped", ", ".join(member.aliases))
        for member in view.members
    ]
    tones = [Tone.BAD if member.trouble else Tone.PLAIN if member.running else Tone.CAREFUL for member in view.members]
    told.append(Line(f"{view.network}  {view.subnet}".rstrip(), Tone.STRONG))
    told += table(columns, rows, tones) if rows else [Line("Nobody is on it.", Tone.CAREFUL)]
    told += [Line(""), *_overlay_lines(view.overlay)] if view.overlay else []
    return [*told, Line(""), *_verdict(view)]


def _overlay_lines(overlay: Overlay) -> list[Line]:
    columns = (Column("task or container", 26), Column("address", 15), Column("node", 20), Column("also answers to"))
    rows = [(one.name, one.address or "-", one.node, ", ".join(one.aliases)) for one in overlay.members]
    return [Line(f"{overlay.network}  of all nodes", Tone.STRONG), *table(columns, rows)]


def _verdict(view: NetworkView) -> list[Line]:
    told: list[Line] = []
    for member in view.members:
        if member.trouble:
            told += sentence(member.trouble, Tone.BAD)
            told += sentence(member.remedy, Tone.STRONG, "  ")
    for absent in view.absent:
        remedy = ". Connect it: inv ops.network --fix" if absent.exists else ""
        tone = Tone.BAD if absent.exists else Tone.CAREFUL
        told += sentence(f"{absent.name} should be here: {absent.why}{remedy}", tone)
    for absent in view.overlay.absent if view.overlay else ():
        found = f"{absent.name} should be on {view.overlay.network if view.overlay else ''} too: {absent.why}"
        told += sentence(f"{found}. Connect it: inv ops.network --fix", Tone.BAD)
    return told or [Line("Everyone who should be here is, and no name is taken twice.", Tone.GOOD)]


def _asks(session: Session) -> tuple[str]:
    return (session.names.network,)


VIEW = View("network", describe, lines, survey="containers networks", script="ops/network", asks=_asks)
