"""``ops.ps``: every container, what it is here, how it is, since when, and where it can be reached. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.container import parse_time
from behindy_ops.facts.figures import age
from behindy_ops.facts.leftovers import Recovery, decide
from behindy_ops.facts.release import released_as
from behindy_ops.facts.survey import NGINX
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.look import require_docker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.container import Container
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service
    from behindy_ops.views.look import Seen

__all__ = ["ContainerState", "PsView", "describe", "lines"]


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container, or one that should be there and is not.

    :param role: ``service``, ``infrastructure``, ``leftover`` (of an interrupted deploy) or ``other``.
    :param state: docker's word, or ``missing``.
    :param since: when it started, or ended (RFC 3339); ``seconds`` since then.
    :param release: id of a service's release, and its ``tag``.
    :param ports: where it is reached from outside: ``0.0.0.0:443->443/tcp``.
    :param trouble: what is wrong with it, or empty.
    """

    name: str
    role: str
    state: str
    health: str = ""
    since: str = ""
    seconds: float = 0.0
    restarts: int = 0
    release: str = ""
    tag: str = ""
    image: str = ""
    ports: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class PsView:
    """All containers: services, infrastructure, leftovers, others. ``leftovers``: what each service needs, in words."""

    containers: tuple[ContainerState, ...]
    leftovers: dict[str, str]


def describe(seen: Seen, services: Sequence[Service]) -> PsView:
    """Say how each container is.

    :raises Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    require_docker(seen)
    survey = seen.survey
    ports = {identity: _published(text) for identity, text in seen.values("ports").items()}
    roles = {service.name: "service" for service in services}
    roles |= dict.fromkeys(seen.beside.values(), "infrastructure")
    for service in services:
        roles |= {f"{service.name}-{colour}": "leftover" for colour in ("green", "blue")}
    order = ["service", "infrastructure", "leftover", "other"]
    missing = [
        ContainerState(name, role, "missing", trouble="not deployed" if role == "service" else "it is not there")
        for name, role in roles.items()
        if role in ("service", "infrastructure") and name not in survey.containers
    ]
    there = [
        _state(survey, container, roles.get(container.name, "other"), ports.get(container.id, ()))
        for container in survey.containers.values()
    ]
    position = {name: index for index, name in enumerate(roles)}
    found = sorted(
        [*missing, *there], key=lambda one: (order.index(one.role), position.get(one.name, len(roles)), one.name)
    )
    recoveries = {service.name: decide(survey.trio(service.name)) for service in services}
    leftovers = {name: recovery.value for name, recovery in recoveries.items() if recovery is not Recovery.NOTHING}
    return PsView(tuple(found), leftovers)


def _published(text: str) -> tuple[str, ...]:
    """What docker says of ports, without those that only the network reaches and the doubles for IPv6."""
    return tuple(port for port in text.split(", ") if "->" in port and not port.startswith(("[::]", ":::")))


def _state(survey: Survey, container: Container, role: str, ports: tuple[str, ...]) -> ContainerState:
    since = container.started if container.running else container.finished
    ours = released_as(container) if role in ("service", "leftover") else None
    moment = parse_time(since).timestamp() if since else survey.now
    return ContainerState(
        name=container.name,
        role=role,
        state="restarting" if container.restarting else container.status,
        health=container.health,
        since=since if moment > 0 else "",
        seconds=round(max(survey.now - moment, 0.0), 1) if moment > 0 else 0.0,
        restarts=container.restarts,
        release=ours.id if ours else "",
        tag=ours.tag if ours else "",
        image=container.image,
        ports=ports,
        trouble=_trouble(container, role, ports),
    )


def _trouble(container: Container, role: str, ports: tuple[str, ...]) -> str:
    if role == "leftover":
        return "left by an interrupted deploy"
    if container.restarting:
        return f"it restarts again and again (exit code {container.exit_code})"
    if not container.running and role != "other":
        killed = ", killed for want of memory" if container.oom_killed else ""
        return f"it does not run ({container.status}, exit code {container.exit_code}{killed})"
    if container.health == "unhealthy":
        return "its health check fails"
    open_to_all = [port for port in ports if not re.match(r"(127\.|\[::1\])", port)]
    if open_to_all and container.name != NGINX:
        return f"it is open to the world: {', '.join(open_to_all)}"
    return ""


def lines(view: PsView) -> list[Line]:
    """The view in 80 columns."""
    columns = (Column("container", 24), Column("state", 10), Column("health", 9), Column("since", 6), Column("what"))
    rows, tones = [], []
    for one in view.containers:
        rows.append((one.name, one.state, one.health, age(one.seconds) if one.since else "", _what(one)))
        tones.append(_tone(one))
    told = table(columns, rows, tones) if rows else [Line("There is no container.", Tone.CAREFUL)]
    if published := [(one.name, port) for one in view.containers for port in one.ports]:
        told += [Line(""), *table((Column("container", 24), Column("reached from outside at")), published)]
    troubles = [one for one in view.containers if one.trouble and one.state != "missing" and one.role != "leftover"]
    told += [Line("")] if troubles or view.leftovers else []
    for one in troubles:
        look = f". Look: inv ops.logs {one.name}" if one.role != "other" else ""
        told += sentence(f"{one.name}: {one.trouble}{look}", Tone.BAD)
    for service, leftover in view.leftovers.items():
        told += sentence(f"{service}: {leftover}. The next deploy does it; or now: inv deploy.recover", Tone.CAREFUL)
    return told


def _what(one: ContainerState) -> str:
    if one.state == "missing":
        return one.trouble
    if one.role in ("service", "leftover"):
        return " ".join(word for word in (one.tag, one.release) if word)
    return one.image


def _tone(one: ContainerState) -> Tone:
    if one.trouble:
        return Tone.CAREFUL if one.role == "leftover" or one.state == "missing" else Tone.BAD
    return Tone.FAINT if one.role == "other" else Tone.PLAIN
