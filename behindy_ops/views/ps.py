"""``ops.ps``: every container, what it is here, how it is, since when, and where it can be reached. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from behindy_ops.facts.container import Container
from behindy_ops.facts.figures import age
from behindy_ops.facts.leftovers import Recovery, leftover
from behindy_ops.facts.release import is_job, released_as
from behindy_ops.facts.survey import Survey
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.tasks import TaskState, tasks_of
from behindy_ops.views.tasks import lines as task_lines
from behindy_ops.views.view import Seen, View


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container, or one that should be there and is not."""

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
    replicas: int | None = None
    tasks: tuple[TaskState, ...] = ()


_OF_RELEASES = ("service", "leftover", "changing", "draining")
"""Roles of what a deploy makes."""


@dataclass(frozen=True, slots=True)
class PsView:
    """All containers: services, infrastructure, leftovers, others.

    Attributes:
        leftovers: what each service needs, in words.
        draining: container that the host drains by itself to how far that is, in words.
        changing: who is changing the host at the moment, in words, or empty.
    """

    containers: tuple[ContainerState, ...]
    leftovers: dict[str, str]
    draining: dict[str, str] = field(default_factory=dict)
    changing: str = ""


def describe(seen: Seen) -> PsView:
    """Say how each container is."""
    survey = seen.survey
    ports = {identity: _published(text) for identity, text in seen.values("ports").items()}
    roles = {service.name: "service" for service in seen.services}
    roles |= dict.fromkeys(seen.facts.beside.values(), "infrastructure")
    beside_live = "changing" if survey.changing else "leftover"
    for service in seen.services:
        roles |= dict.fromkeys(survey.names.trio(service.name)[1:], beside_live)
    draining = {f"{name}-blue": each.described() for name, each in survey.draining.items()}
    roles |= {name: "draining" for name in draining if roles.get(name) == beside_live}
    missing = [
        ContainerState(name, role, "missing", trouble="not deployed" if role == "service" else "missing")
        for name, role in roles.items()
        if role not in (beside_live, "draining") and name not in survey.containers
    ]
    there = [
        _state(survey, container, roles.get(container.name, "other"), ports.get(container.id, ()))
        for container in survey.containers.values()
    ]
    position = {name: index for index, name in enumerate(roles)}  # by role, and others behind them
    containers = sorted([*missing, *there], key=lambda state: (position.get(state.name, len(roles)), state.name))
    recoveries = {service.name: leftover(survey, service.name) for service in seen.services}
    leftovers = {name: recovery.value for name, recovery in recoveries.items() if recovery is not Recovery.NOTHING}
    return PsView(tuple(containers), leftovers, draining, survey.changing.described() if survey.changing else "")


def _published(text: str) -> tuple[str, ...]:
    """What docker says of ports, without those that only the network reaches and the doubles for IPv6."""
    return tuple(port for port in text.split(", ") if "->" in port and not port.startswith(("[::]", ":::")))


def _state(survey: Survey, container: Container, role: str, ports: tuple[str, ...]) -> ContainerState:
    since = container.started if container.running else container.finished
    ours = released_as(container) if role in _OF_RELEASES else None
    moment = datetime.fromisoformat(since).timestamp() if since else 0.0  # docker writes the year 1 for "never"
    return ContainerState(
        name=container.name,
        role=role,
        state=_word(container),
        health=container.health,
        since=since if moment > 0 else "",
        seconds=round(max(survey.now - moment, 0.0), 1) if moment > 0 else 0.0,
        restarts=container.restarts,
        release=ours.id if ours else "",
        tag=ours.tag if ours else "",
        image=container.image,
        ports=ports,
        trouble=_trouble(survey, container, role, ports),
        replicas=container.replicas,
        tasks=tasks_of(container, survey.now) if role != "leftover" else (),
    )


def _word(container: Container) -> str:
    if is_job(container) and container.status == "created":
        return "scheduled"
    return "restarting" if container.restarting else container.status


def _trouble(survey: Survey, container: Container, role: str, ports: tuple[str, ...]) -> str:
    if role in ("leftover", "changing") or container.replicas is not None:
        few = container.lacking if role == "service" else ""
        return "left by an interrupted deploy" if role == "leftover" else few
    if container.restarting:
        return f"it keeps restarting (exit code {container.exit_code})"
    if not container.running and role != "other" and not is_job(container):
        killed = ", OOM-killed" if container.oom_killed else ""
        return f"it is not running ({container.status}, exit code {container.exit_code}{killed})"
    if container.health == "unhealthy":
        return "its health check fails"
    open_to_all = [port for port in ports if not re.match(r"(127\.|\[::1\])", port)]
    if open_to_all and container.name != survey.names.proxy.container:
        return f"it is open to the world: {', '.join(open_to_all)}"
    return ""


def lines(view: PsView) -> list[Line]:
    """Lay the view out in 80 columns."""
    if not view.containers:
        return [Line("There are no containers.", Tone.CAREFUL)]
    columns = (Column("container", 24), Column("state", 11), Column("health", 9), Column("since", 6), Column("what"))
    rows = [
        (each.name, _how(each), each.health, age(each.seconds) if each.since else "", _what(each))
        for each in view.containers
    ]
    told = table(columns, rows, [_tone(each) for each in view.containers])
    if tasks := [task for each in view.containers for task in each.tasks]:
        told += [Line(""), *task_lines(tasks)]
    if published := [(each.name, port) for each in view.containers for port in each.ports]:
        told += [Line(""), *table((Column("container", 24), Column("reached from outside at")), published)]
    troubles = [
        each for each in view.containers if each.trouble and each.state != "missing" and each.role != "leftover"
    ]
    told += [Line("")] if troubles or view.leftovers or view.draining or view.changing else []
    told += sentence(f"{view.changing}.", Tone.CAREFUL) if view.changing else []
    for each in troubles:
        look = f". Look: inv ops.logs {each.name}" if each.role != "other" else ""
        told += sentence(f"{each.name}: {each.trouble}{look}", Tone.BAD)
    for name, how in view.draining.items():
        told += sentence(f"{name} is drained by the host: {how}.", Tone.FAINT)
    for service, left in view.leftovers.items():
        told += sentence(f"{service}: {left}. The next deploy does it; or now: inv deploy.recover", Tone.CAREFUL)
    return told


def _how(container: ContainerState) -> str:
    if container.replicas is None:
        return container.state
    serving = sum(task.state == "running" for task in container.tasks)
    return f"{container.state} {serving}/{container.replicas}"


def _what(container: ContainerState) -> str:
    if container.state == "missing":
        return container.trouble
    if container.role in _OF_RELEASES:
        return " ".join(word for word in (container.tag, container.release) if word)
    return container.image


def _tone(container: ContainerState) -> Tone:
    if container.trouble:
        harmless = container.role == "leftover" or container.state == "missing"
        return Tone.CAREFUL if harmless else Tone.BAD
    return Tone.FAINT if container.role == "other" else Tone.PLAIN


VIEW = View("ps", describe, lines, survey="containers machine draining", script="ops/ps")
