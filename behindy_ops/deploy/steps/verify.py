"""Watch a new release, look at it a last time, and write to the host's history how it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

from behindy_ops.deploy import history
from behindy_ops.deploy.state import State, unknown
from behindy_ops.deploy.steps.assets import kept_as
from behindy_ops.deploy.steps.internal import UNHEALTHY
from behindy_ops.deploy.steps.step import ALWAYS, ENGINE_AWAY, Read, Step, unjudged
from behindy_ops.facts.container import CONTAINER_TEMPLATE, UNKNOWN, Container, parse_state
from behindy_ops.facts.figures import size
from behindy_ops.facts.readings import parse_reading
from behindy_ops.facts.rollback import previous_of
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Decision, Event, Warning_


class Watch(Step):
    """From the switch on, until the time is over or something happens to it."""

    name = "watch"
    said = "Watch the new release for {state.watch:g} s"

    def command(self, state: State) -> Command:
        until, limit = state.after_switch(state.watch), f"{math.ceil(state.watch)}"
        argv = script("deploy/watch", state.candidate.id, until, CONTAINER_TEMPLATE, limit)
        return Command(argv, title="watch the new release", timeout=state.watch + 150)

    def read(self, state: State, result: Result) -> Read:
        told = result.reply().values().get("state", UNKNOWN)
        if told == UNKNOWN:
            return unjudged(state)
        trouble = _unsteady(parse_state(told))
        return Read(state, "no restart, no exit, no OOM kill", failed=trouble, relapse=trouble)


def _verify(state: State, line: str) -> Command:
    """Return the last look; ``line`` is the history's."""
    service, release, paths = state.service.name, state.release, state.paths
    kept, left = (paths.release(service, each) for each in (release.id, state.judged))
    rotated_at = str(history.ROTATED_AT)
    assets = state.service.assets
    argv = script(
        *("deploy/verify", service, CONTAINER_TEMPLATE, kept, paths.history, rotated_at, left, release.previous),
        *(_offered(state), str(assets.most) if assets else "", kept_as(state.live) if state.live else ""),
    )
    return Command(
        argv, title="verify and record", timeout=150, stdin=line.encode("utf-8") + b"\n", public=True, changes=True
    )


def _offered(state: State) -> str:
    """Return the id of the release that a rollback would go to from now on; its own for none."""
    if state.release.image_id == unknown("image"):
        return unknown("release a rollback goes to")
    found = previous_of(state.release, state.earlier)
    return found.id if found else state.release.id


class Verify(Step):
    """What it finds is reported; the deploy stands."""

    name = "verify"
    said = "Verify and record"

    def command(self, state: State) -> Command:
        return _verify(state, history.ended(state, "live", state.unfinished))

    def read(self, state: State, result: Result) -> Read:
        lines = result.reply().values()
        container = parse_state(lines.get("state", ""))
        away = lines.get("state") == UNKNOWN
        scheduled = state.service.schedule
        trouble = "" if away or scheduled else _unsteady(container)
        memory = _memory(reading.memory, container) if (reading := parse_reading(lines.get("stats", ""))) else ""
        errors = lines.get("errors") or "0"
        said = "no errors in its log" if errors == "0" else f"{errors} log line(s) with errors"
        warnings = [f"The new release is not steady: {trouble}. Look: inv deploy.status"] if trouble else []
        if away:
            warnings.append(
                f"{ENGINE_AWAY}, so it is not known whether the new release is steady. Look: inv deploy.status"
            )
        if not result.ok:
            warnings.append(f"The deploy stands, but it could not be recorded: {' '.join(result.last_lines(2))}")
        facts = _facts(state, lines) | {"memory": memory, "log_errors": errors}
        steady = "" if away else "steady"
        detail = f"runs at {scheduled}" if scheduled else ", ".join(part for part in (steady, memory, said) if part)
        events = (*map(Warning_, warnings), *_dropped(state, result.reply().every("dropped")))
        return Read(state, detail, failed=trouble, events=events, facts=facts)


@dataclass(frozen=True, slots=True)
class Record(Step):
    """How it ended.

    Attributes:
        outcome: ``refused``, ``switched back``, ``interrupted``, ``live``, ...
        reason: why.
        stands: the live release stands from now on.
    """

    outcome: str
    reason: str
    stands: bool = False
    name = "record"
    said = "Record how it ended"
    shield = ALWAYS

    def command(self, state: State) -> Command:
        line = history.ended(state, self.outcome, self.reason)
        if self.stands:
            return _verify(state, line)
        argv = script("deploy/record", state.paths.history, str(history.ROTATED_AT))
        stdin = line.encode("utf-8") + b"\n"
        return Command(argv, title="write the history", timeout=30, stdin=stdin, public=True, changes=True)

    def read(self, state: State, result: Result) -> Read:
        if result.ok:
            return Read(state)
        return Read(state, events=(Warning_(f"The host's history could not be written: {result.how()}."),))


def _dropped(state: State, releases: list[str]) -> tuple[Event, ...]:
    """Say whose static files had to go, though the releases are kept, since all together were too large."""
    if not releases or state.service.assets is None:
        return ()
    limit = f"those of {state.service.name} may take {size(state.service.assets.most)} (x-deploy.assets.max)"
    told = f"The static files of release {', '.join(releases)} were removed: {limit}."
    if state.live is None or kept_as(state.live) not in releases:
        return (Decision(told),)
    return (Warning_(f"{told} Pages of the previous release that are still open may miss some."),)


def _facts(state: State, lines: dict[str, str]) -> dict[str, str]:
    """Return what the operator wants to know; the previous release comes with the GitHub run that deployed it."""
    release, survey, live = state.release, state.survey, state.live
    used = survey.usage.get(live.id, 0) if live else 0
    known = (old.tag for old in survey.releases if old.id == release.previous)
    return {
        "release": release.id,
        "tag": release.tag,
        "digest": release.fixed,
        "previous": release.previous,
        "previous_tag": next(known, ""),
        "previous_run": lines.get("run", ""),
        "memory_before": _memory(used, live) if used else "",
        "available_before": _megabytes(survey.memory.get("MemAvailable", 0)),
        "available": _megabytes(int(lines.get("available") or 0) * 1024),
    }


def _megabytes(count: int) -> str:
    return f"{count // 2**20} MB" if count else ""


def _memory(used: int, container: Container | None) -> str:
    """Return ``84 of 400 MB``; ``used`` in bytes, as ``docker stats`` counts it."""
    limit = f" of {container.memory // 2**20}" if container and container.memory else ""
    return f"{used / 2**20:.0f}{limit} MB"


def _unsteady(container: Container | None) -> str:
    """Return why a container that was just made live cannot stay, or an empty string."""
    if container is None:
        return "its container has disappeared"
    if container.oom_killed:
        return "it was OOM-killed"
    if container.restarts and container.trouble:
        return container.trouble
    if container.restarts or container.restarting:
        return "it restarted once" if container.restarts == 1 else f"it restarted {container.restarts} times"
    if not container.running:
        return f"it exited with code {container.exit_code}"
    return UNHEALTHY if container.health == "unhealthy" else ""
