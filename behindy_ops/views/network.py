"""``ops.network``: who is on the services' network, who should be, and names that would break a switch. Pure.

Compose gives a container its service's name as an alias, and aliases survive a rename. So a service's container must
have none of its own names as an alias, or after a switch two containers answer to one name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.survey import NETWORK
from behindy_ops.host.command import Command, script
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.look import require_docker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from behindy_ops.facts.container import Container
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service
    from behindy_ops.views.look import Seen

__all__ = ["Absent", "Member", "NetworkView", "command", "describe", "judge", "lines"]


@dataclass(frozen=True, slots=True)
class Member:
    """A container on the network.

    :param address: its IPv4 address, empty while it does not run.
    :param aliases: further names it answers to.
    :param trouble: what is wrong with its names, or empty.
    :param needed: a name it is asked for by and does not answer to, or empty.
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

    :param exists: there is such a container; then ``--fix`` connects it, with these ``aliases``.
    """

    name: str
    exists: bool
    aliases: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The network as it is; ``exists`` is false without it, and then nobody is on it."""

    network: str
    exists: bool
    subnet: str
    members: tuple[Member, ...]
    absent: tuple[Absent, ...]


def describe(seen: Seen, services: Sequence[Service]) -> NetworkView:
    """Say who is on the network and who is missing.

    :raises Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    require_docker(seen)
    return judge(seen.survey, services, seen.beside, _subnet(seen))


def _subnet(seen: Seen) -> str:
    return " ".join((seen.lines("network_") or [""])[0].split()[:-1])


def judge(survey: Survey, services: Sequence[Service], beside: Mapping[str, str], subnet: str = "") -> NetworkView:
    """The same from a survey alone.

    :param beside: what the compose file declares beside the services: compose name to container name.
    """
    on_it = [container for container in survey.containers.values() if NETWORK in container.addresses]
    aliases = {container.name: _aliases(container) for container in on_it}
    guarded = {name for service in services for name in (service.name, f"{service.name}-green", f"{service.name}-blue")}
    needed = {container: name for name, container in beside.items()}
    members = [_member(container, aliases, guarded, needed.get(container.name, "")) for container in on_it]
    members.sort(key=lambda member: (not member.running, member.name))
    return NetworkView(NETWORK, survey.network, subnet, tuple(members), tuple(_absent(survey, services, beside)))


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


def _aliases(container: Container) -> set[str]:
    """Docker adds the first digits of the id; nobody asks for those."""
    return {alias for alias in container.aliases.get(NETWORK, ()) if alias != container.id[:12]}


def _trouble(name: str, aliases: dict[str, set[str]], guarded: set[str], needed: str) -> str:
    """What is wrong with the names of one container.

    :param aliases: container on the network to the further names it answers to.
    :param guarded: names that a switch hands on.
    :param needed: the name others ask for it by, if it has one.
    """
    own = aliases[name]
    others = {other for other in aliases if other != name}.union(*(aliases[one] for one in aliases if one != name))
    if name in own and name in guarded:
        return (
            "its name is an alias too, which a rename does not take away: after a switch users would get two releases"
        )
    if doubled := sorted((own - {name}) & (guarded | others)):
        return f"it answers to {', '.join(doubled)} too: whoever asks for that gets one container or the other"
    if needed and needed not in own | {name}:
        return f"it does not answer to {needed}, the name it is asked for by"
    return ""


def _absent(survey: Survey, services: Sequence[Service], beside: Mapping[str, str]) -> Iterable[Absent]:
    wanted: dict[str, tuple[str, ...]] = {}
    for name, container in beside.items():
        wanted[container] = (name,) if name != container else ()
    wanted |= {service.name: () for service in services}
    for service in services:
        wanted |= {name: () for name in (f"{service.name}-green", f"{service.name}-blue") if name in survey.containers}
    for name, aliases in wanted.items():
        container_ = survey.containers.get(name)
        if container_ is None:
            yield Absent(name, exists=False, aliases=aliases, why="there is no such container")
        elif NETWORK not in container_.addresses:
            yield Absent(name, exists=True, aliases=aliases, why="it is not connected")


def command(view: NetworkView) -> Command | None:
    """The command that connects whoever can be, under the lock; None if there is nobody."""
    pairs = [(one.name, ",".join(one.aliases) or "-") for one in view.absent if one.exists]
    if not pairs or not view.exists:
        return None
    words = [word for pair in pairs for word in pair]
    return Command(script("ops/connect", view.network, *words), title="connect to the network", changes=True)


def lines(view: NetworkView) -> list[Line]:
    """The view in 80 columns."""
    if not view.exists:
        return sentence(
            f"The network {view.network} does not exist. Make it: inv host.up",
            Tone.BAD,
        )
    told = [Line(f"{view.network}  {view.subnet}".rstrip(), Tone.STRONG)]
    columns = (Column("container", 26), Column("address", 15), Column("", 7), Column("also answers to"))
    rows = [
        (one.name, one.address or "-", "" if one.running else "stopped", ", ".join(one.aliases)) for one in view.members
    ]
    tones = [Tone.BAD if one.trouble else Tone.PLAIN if one.running else Tone.CAREFUL for one in view.members]
    told += table(columns, rows, tones) if rows else [Line("Nobody is on it.", Tone.CAREFUL)]
    return [*told, Line(""), *_verdict(view)]


def _verdict(view: NetworkView) -> list[Line]:
    told: list[Line] = []
    for member in view.members:
        if member.trouble:
            told += sentence(f"{member.name}: {member.trouble}.", Tone.BAD)
            told += sentence(_cure(view.network, member), Tone.STRONG, "  ")
    for one in view.absent:
        remedy = ". Connect it: inv ops.network --fix" if one.exists else ""
        told += sentence(f"{one.name} should be here: {one.why}{remedy}", Tone.BAD if one.exists else Tone.CAREFUL)
    return told or [Line("Everyone who should be here is, and no name is taken twice.", Tone.GOOD)]


def _cure(network: str, member: Member) -> str:
    if member.needed:
        return (
            f"On the host (whoever is connected to it notices): docker network disconnect {network} {member.name} && "
            f"docker network connect --alias {member.needed} {network} {member.name}"
        )
    return f"Remove it at a quiet moment (users miss it meanwhile), then deploy anew: docker rm -f {member.name}"
