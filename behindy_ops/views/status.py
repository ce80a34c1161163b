"""``deploy.status``: what is live of each service, how it is, and what an interrupted run left. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from behindy_ops.facts.figures import age, size
from behindy_ops.facts.leftovers import Recovery, leftover
from behindy_ops.facts.release import released_as
from behindy_ops.facts.rollback import previous_release
from behindy_ops.facts.survey import Survey
from behindy_ops.report.layout import heading, sentence
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.tasks import TaskState, tasks_of
from behindy_ops.views.view import Seen, View


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service.

    Attributes:
        state: ``running``, ``missing``, or what docker calls it.
        since: when the live container started (RFC 3339), or empty.
        age: seconds since then.
        memory_used: bytes.
        memory_limit: bytes, 0 for none.
        previous: the release a rollback would go to, or empty; ``previous_on_disk`` tells if its image is there.
        leftover: what an interrupted run left, in words, or empty.
        schedule: when it runs, if it is a job: cron's five fields.
        run: of a job, how its last run went, in words, or empty.
        maintenance: since when and by whom it is closed to visitors, in words, or empty.
        draining: how far the host is with the previous release, which it drains by itself, in words, or empty.
        replicas: how many tasks a swarm is to run of it; None for a container.
    """

    service: str
    state: str
    health: str
    release: str
    tag: str
    digest: str
    since: str
    age: float
    restarts: int
    memory_used: int
    memory_limit: int
    previous: str
    previous_tag: str
    previous_on_disk: bool
    leftover: str
    draining: str = ""
    schedule: str = ""
    run: str = ""
    maintenance: str = ""
    replicas: int | None = None
    tasks: tuple[TaskState, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusView:
    """All services; ``changing``: who is changing the host at the moment, in words, or empty."""

    host: str
    services: tuple[ServiceStatus, ...]
    changing: str = ""


def describe(seen: Seen) -> StatusView:
    """Say how each service is."""
    changing = seen.survey.changing
    return StatusView(
        seen.host,
        tuple(_status(seen.survey, service.name, service.schedule) for service in seen.services),
        changing.described() if changing else "",
    )


def _status(survey: Survey, service: str, schedule: str) -> ServiceStatus:
    trio = survey.trio(service)
    live, recovery, previous = trio.live, leftover(survey, service), previous_release(survey, service)
    release = released_as(live) if live else None
    running = live is not None and live.running
    return ServiceStatus(
        service=service,
        state=("scheduled" if schedule and live.status == "created" else live.status) if live else "missing",
        health=(live.health or ("restarting" if live.restarting else "")) if live else "",
        release=release.id if release else "",
        tag=release.tag if release else "",
        digest=release.fixed if release else "",
        since=live.started if live and running else "",
        age=survey.now - datetime.fromisoformat(live.started).timestamp() if live and running else 0.0,
        restarts=live.restarts if live else 0,
        memory_used=survey.usage.get(live.id, 0) if live else 0,
        memory_limit=live.memory if live else 0,
        previous=previous.id if previous else "",
        previous_tag=previous.tag if previous else "",
        previous_on_disk=previous is not None and any(image.id == previous.image_id for image in survey.images),
        leftover="" if recovery is Recovery.NOTHING else recovery.value,
        draining=survey.draining[service].described() if service in survey.draining else "",
        schedule=schedule if live else "",
        run=_run(survey, service) if schedule and live else "",
        maintenance=survey.maintenance[service].described() if service in survey.maintenance else "",
        replicas=live.replicas if live else None,
        tasks=tasks_of(live, survey.now) if live else (),
    )


def _run(survey: Survey, service: str) -> str:
    job = survey.jobs.get(service)
    if job is None or not job.on:
        return "its timer is missing or off: inv ops.doctor"
    under_way = f"{service}-run" in survey.containers and survey.containers[f"{service}-run"].running
    now = "under way; before that, " if under_way else ""
    if not job.at:
        return f"{now}none yet"
    how = "well" if job.ok else f"exit code {job.code}"
    moment = datetime.fromtimestamp(job.at, UTC).isoformat()[:19]
    return f"{now}{moment}Z, {age(survey.now - job.at)} ago, {job.seconds} s: {how} ({job.said})"


def lines(view: StatusView) -> list[Line]:
    """Lay the view out in 80 columns."""
    told = [heading(f"Services on {view.host}")]
    told += sentence(f"{view.changing}.", Tone.CAREFUL) if view.changing else []
    for status in view.services:
        well = status.state in ("running", "scheduled") and status.health in ("", "healthy")
        well = well and (status.replicas is None or len(_serving(status)) >= status.replicas)
        told += [Line(""), Line(f"{status.service}: {_state(status)}", Tone.PLAIN if well else Tone.CAREFUL)]
        for label, text in _rows(status):
            if text:
                first, *rest = sentence(text, indent=" " * 11)
                told += [Line(f"  {label:<9}{first.text[11:]}"), *rest]
    return told


def _state(status: ServiceStatus) -> str:
    if status.state == "missing":
        return "not there (no container of this name)"
    health = f", {status.health}" if status.health else ""
    if status.replicas is not None:
        failed = f", {status.restarts} failed" if status.restarts else ""
        return f"{status.state}{health}, {len(_serving(status))} of {status.replicas} tasks{failed}"
    restarts = f", {status.restarts} restarts" if status.restarts else ""
    return f"{status.state}{health}{restarts}"


def _serving(status: ServiceStatus) -> list[TaskState]:
    return [task for task in status.tasks if task.state == "running"]


def _memory(status: ServiceStatus) -> str:
    if status.replicas is not None:  # what a task uses, its own node knows
        return f"{size(status.memory_limit)} a task at most" if status.memory_limit else "no limit"
    limit = f"of {size(status.memory_limit)}" if status.memory_limit else "(no limit)"
    return f"{size(status.memory_used)} {limit}" if status.memory_used or status.memory_limit else ""


def _failed(status: ServiceStatus) -> str:
    """The newest failure, in words."""
    failed = [task for task in status.tasks if task.state in ("failed", "rejected")]
    if not failed:
        return ""
    last = min(failed, key=lambda task: task.seconds)
    return (
        f"{last.task} {last.state} on {last.node or 'no node'} {age(last.seconds)} ago: {last.error or 'not said why'}"
    )


def _rows(status: ServiceStatus) -> list[tuple[str, str]]:
    where = "image on disk" if status.previous_on_disk else "image not on disk"
    opened = f"open it again: inv deploy.maintenance {status.service} --off"
    left = f"{status.leftover} (the next deploy or inv deploy.recover does it)"
    return [
        ("release", f"{status.release or 'not deployed by this tool'} ({status.tag})" if status.tag else ""),
        ("digest", status.digest[:19]),
        ("since", f"{status.since[:19]}Z, {age(status.age)} ago" if status.since else ""),
        ("schedule", status.schedule),
        ("last run", status.run),
        ("tasks", ", ".join(f"{task.task} on {task.node}" for task in _serving(status))),
        ("failed", _failed(status)),
        ("memory", _memory(status)),
        ("previous", f"{status.previous} ({status.previous_tag}), {where}" if status.previous else ""),
        ("draining", f"{status.service}-blue: {status.draining}" if status.draining else ""),
        ("closed", f"{status.maintenance}; {opened}" if status.maintenance else ""),
        ("left", left if status.leftover else ""),
    ]


VIEW = View("status", describe, lines)
