"""``ops.network``: who is on the services' network, who should be, and names that would break a switch.

Compose gives a container its service's name as an alias, and aliases survive a rename. So a service's container must
have none of its own names as an alias, or after a switch two containers answer to one name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from behindy_ops.facts.survey import NETWORK
from behindy_ops.host.command import Command, script
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.view import View, as_seen, described, require_docker, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behindy_ops.facts.container import Container
    from behindy_ops.host.session import Session
    from behindy_ops.views.view import Seen, Shown

__all__ = ["VIEW", "Absent", "Member", "NetworkView", "connect", "describe", "fix"]


@dataclass(frozen=True, slots=True)
class Member:
    """A container on the network.

    Attributes:
        address: its IPv4 address, empty while it does not run.
        aliases: further names it answers to.
        trouble: what is wrong with its names, or empty.
        needed: a name it is asked for by and does not answer to, or empty.
    """

    name: str
    running: bool
    address: str
    aliases: tuple[str, ...]
    trouble: str = ""
    needed: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """A container that should be on the network and is not.

    Attributes:
        exists: there is such a container; then ``--fix`` connects it, with these ``aliases``.
    """

    name: str
    exists: bool
    aliases: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The network as it is.

    Attributes:
        exists: without it nobody is on it.
        connected: who was connected by ``--fix``; None where that was not asked for.
    """

    network: str
    exists: bool
    subnet: str
    members: tuple[Member, ...]
    absent: tuple[Absent, ...]
    connected: tuple[str, ...] | None = None


def describe(seen: Seen) -> NetworkView:
    """Say who is on the network and who is missing.

    Raises:
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    require_docker(seen)
    on_it = [container for container in seen.survey.containers.values() if NETWORK in container.addresses]
    aliases = {container.name: _aliases(container) for container in on_it}
    guarded = {name for service in seen.services for name in _trio(service.name)}
    needed = {container: name for name, container in seen.beside.items()}
    members = [_member(container, aliases, guarded, needed.get(container.name, "")) for container in on_it]
    members.sort(key=lambda member: (not member.running, member.name))
    subnet = " ".join(seen.text("network_").split()[:-1])  # the last word is the driver
    return NetworkView(NETWORK, seen.survey.network, subnet, tuple(members), tuple(_absent(seen)))


def _trio(service: str) -> tuple[str, str, str]:
    return service, f"{service}-green", f"{service}-blue"


def _aliases(container: Container) -> set[str]:
    """Docker adds the first digits of the id; nobody asks for those."""
    return {alias for alias in container.aliases.get(NETWORK, ()) if alias != container.id[:12]}


def _member(container: Container, aliases: dict[str, set[str]], guarded: set[str], needed: str) -> Member:
    own = aliases[container.name]
    return Member(
        container.name,
        container.running,
        container.addresses[NETWORK],
        tuple(sorted(own)),
        _trouble(container.name, aliases, guarded, needed),
        needed if needed not in own | {container.name} else "",
    )


def _trouble(name: str, aliases: dict[str, set[str]], guarded: set[str], needed: str) -> str:
    """Return what is wrong with the names of one container.

    Args:
        name: of the container.
        aliases: container on the network to the further names it answers to.
        guarded: names that a switch hands on.
        needed: the name others ask for it by, if it has one.
    """
    own = aliases[name]
    others = {other for other in aliases if other != name}.union(
        *(aliases[other] for other in aliases if other != name)
    )
    if name in own and name in guarded:
        return (
            "its name is an alias too, which a rename does not take away: after a switch users would get two releases"
        )
    if doubled := sorted((own - {name}) & (guarded | others)):
        return f"it answers to {', '.join(doubled)} too: whoever asks for that gets one container or the other"
    if needed and needed not in own | {name}:
        return f"it does not answer to {needed}, the name it is asked for by"
    return ""


def _absent(seen: Seen) -> Iterable[Absent]:
    containers = seen.survey.containers
    wanted: dict[str, tuple[str, ...]] = {
        container: (name,) if name != container else () for name, container in seen.beside.items()
    }
    for service in seen.services:
        live, *others = _trio(service.name)
        wanted |= dict.fromkeys((live, *(name for name in others if name in containers)), ())
    for name, aliases in wanted.items():
        if name not in containers:
            yield Absent(name, exists=False, aliases=aliases, why="there is no such container")
        elif NETWORK not in containers[name].addresses:
            yield Absent(name, exists=True, aliases=aliases, why="it is not connected")


def fix(session: Session, *, wait: float) -> Shown:
    """Connect who should be on the network and is not.

    Args:
        session: open on the host.
        wait: seconds to queue for the lock.

    Raises:
        LockHeld: somebody else is changing the host.
        RemoteCommandFailed: somebody could not be connected.
    """
    before = describe(as_seen(session, session.lock("connecting containers (ops.network --fix)", wait=wait)))
    command = connect(before)
    if command is not None:
        session.host.run(command).require(
            state="Whoever could be connected is.", remedy="See who is missing: inv ops.network"
        )
    connected = tuple(absent.name for absent in before.absent if absent.exists) if command else ()
    return shown(VIEW, replace(described(session, VIEW), connected=connected))


def connect(view: NetworkView) -> Command | None:
    """Return what connects whoever can be, under the lock; None if there is nobody."""
    pairs = [(absent.name, ",".join(absent.aliases) or "-") for absent in view.absent if absent.exists]
    if not pairs or not view.exists:
        return None
    words = [word for pair in pairs for word in pair]
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
    return [*told, Line(""), *_verdict(view)]


def _verdict(view: NetworkView) -> list[Line]:
    told: list[Line] = []
    for member in view.members:
        if member.trouble:
            told += sentence(f"{member.name}: {member.trouble}.", Tone.BAD)
            told += sentence(_cure(view.network, member), Tone.STRONG, "  ")
    for absent in view.absent:
        remedy = ". Connect it: inv ops.network --fix" if absent.exists else ""
        tone = Tone.BAD if absent.exists else Tone.CAREFUL
        told += sentence(f"{absent.name} should be here: {absent.why}{remedy}", tone)
    return told or [Line("Everyone who should be here is, and no name is taken twice.", Tone.GOOD)]


def _cure(network: str, member: Member) -> str:
    if member.needed:
        return (
            f"On the host (whoever is connected to it notices): docker network disconnect {network} {member.name} && "
            f"docker network connect --alias {member.needed} {network} {member.name}"
        )
    return f"Remove it at a quiet moment (users miss it meanwhile), then deploy it again: docker rm -f {member.name}"


VIEW = View("network", describe, lines, survey="containers networks", script="ops/network", asks=lambda _: (NETWORK,))
