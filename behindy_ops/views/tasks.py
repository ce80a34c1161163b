"""What a view says of the tasks of a service that a swarm runs; nothing of a container. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from behindy_ops.facts.container import Container, Task
from behindy_ops.facts.figures import age
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone

AWAY = "unknown"
"""The state of a task on a node that does not answer: what it was last is no news."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """One task.

    Attributes:
        task: its service and its number: ``web.2``.
        state: as the swarm calls it, or ``unknown`` on a node that does not answer.
        since: when that began (RFC 3339); ``seconds`` since then.
        container: the start of its container's id, on its node.
        error: what kept it from running, in the swarm's words.
    """

    task: str
    node: str
    state: str
    since: str
    seconds: float
    container: str = ""
    error: str = ""


def tasks_of(container: Container, now: float) -> tuple[TaskState, ...]:
    """Return the tasks that are to run, and those that failed, each number's newest first."""
    told = [task for task in container.tasks if task.wanted == "running" or task.failed]
    newest = sorted(told, key=lambda task: task.since, reverse=True)
    return tuple(_state(container.name, task, now) for task in sorted(newest, key=lambda task: task.slot))


def _state(service: str, task: Task, now: float) -> TaskState:
    moment = datetime.fromisoformat(task.since).timestamp() if task.since else now
    state = task.state if task.ready or task.failed else AWAY
    name = f"{service}.{task.slot}"
    return TaskState(
        name, task.node, state, task.since, round(max(now - moment, 0.0), 1), task.container[:12], task.error
    )


def share(container: Container) -> str:
    """Return how many of its tasks serve: ``1/2``; empty for a container."""
    return "" if container.replicas is None else f"{len(container.serving)}/{container.replicas}"


def places(container: Container) -> str:
    """Return where its tasks serve: ``1 on alpha, 2 on beta``."""
    return ", ".join(f"{task.slot} on {task.node}" for task in container.serving)


def lines(tasks: Iterable[TaskState]) -> list[Line]:
    """Lay out which run where, and below them what failed and why."""
    tasks = tuple(tasks)
    running = [task for task in tasks if not _ended(task)]
    columns = (Column("task", 24), Column("node", 24), Column("state", 10), Column("since", 6), Column("container"))
    rows = [(task.task, task.node, task.state, age(task.seconds), task.container) for task in running]
    told = table(columns, rows, [Tone.PLAIN if task.state == "running" else Tone.CAREFUL for task in running])
    for task in tasks:
        if _ended(task) or task.error:
            why = f": {task.error}" if task.error else ""
            told += sentence(
                f"{task.task} {task.state} on {task.node or 'no node'} {age(task.seconds)} ago{why}", Tone.CAREFUL
            )
    return told


def unseen(what: str, nodes: Sequence[str]) -> list[Line]:
    """Say that something of these nodes is not shown, since only they know it; nothing where there are none."""
    return sentence(f"{what} on {', '.join(nodes)} is not shown: only they know it.", Tone.FAINT) if nodes else []


def _ended(task: TaskState) -> bool:
    return task.state in ("failed", "rejected")
