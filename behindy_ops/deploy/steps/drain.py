"""Wait until a container is idle, by looking at its connections: docs/design.md, "Drain by looking"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from behindy_ops.deploy import history
from behindy_ops.deploy.state import CACHED, State
from behindy_ops.deploy.steps.step import Attempts, Look, Read, Step, Verdict
from behindy_ops.facts.container import Container
from behindy_ops.facts.draining import clock_time, open_connections
from behindy_ops.facts.release import released_as
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project.services import HealthPolicy, Service
from behindy_ops.report.events import Decision, Warning_

_LOOKS = 4
"""Looks in a row without a connection, 0.1 s apart, that mean idle."""

_LAST_WORDS = 30.0
"""Seconds at most that a release which was taken back gets for the requests it has begun; its users went to it in good
faith, and it may be well but for one crash."""

_SHORT = 2.0
"""Seconds of one of its looks, so that a signal need not wait for all of them."""


def _drain(container: str, port: int, *, earliest: str, limit: float) -> Command:
    """Return the wait of ``limit`` seconds; before ``earliest`` (the host's uptime, in ms) nothing is called idle."""
    argv = script("deploy/drain", container, str(port), earliest, f"{limit:.0f}", str(_LOOKS))
    return Command(argv, title="wait until the previous container is idle", timeout=limit + 90)


def _told(result: Result) -> str:
    match result.reply().values():
        case {"idle": milliseconds}:
            return f"idle after {int(milliseconds) / 1000:.1f} s"
        case {"cut": count}:
            return f"{count} still open at the deadline"
        case {"gone": _}:
            return "it was not running"
        case {"blind": _}:
            return "its connections cannot be seen from the host (hidepid?)"
    return "unknown"


def _cut(result: Result) -> str:
    """Return how many connections were open when its time was up; empty if it became idle."""
    return result.reply().values().get("cut", "")


class Drain(Step):
    """The previous container, not before nginx and other callers have forgotten its address."""

    name = "drain"
    said = "Wait until {service}-blue is idle"

    def command(self, state: State) -> Command:
        service = state.service
        earliest = state.after_switch(max(CACHED, service.linger))
        container = state.blue.id if state.blue else ""
        return _drain(container, service.port, earliest=earliest, limit=most(service))

    def progress(self, line: str) -> str:
        word, _, count = line.partition(" ")
        return f"{count} open connection(s)" if word == "open" and count != "0" else ""

    def read(self, state: State, result: Result) -> Read:
        told = _told(result)
        if not (count := _cut(result)):
            return Read(state, told, facts={"drain": told})
        cut = Warning_(
            f"{count} connection(s) to the previous release were still open after {state.service.drain:g} s "
            "(WebSockets or long requests); stopping it ends them."
        )
        return Read(state, told, events=(cut,), facts={"drain": told})


def most(service: Service) -> float:
    """Return how many seconds a previous release gets at most."""
    return max(service.drain, service.linger, CACHED + 1)


class LeaveToDrain(Step):
    """Hand the previous container to a process of the host's own: docs/design.md, "The drain belongs to the host"."""

    name = "drain"
    said = "Leave {service}-blue to the host, which drains and stops it"

    def title(self, state: State) -> str:
        if state.service.asked:
            return super().title(state)
        return f"Leave {state.service.name}-blue to the host, which stops it"

    def command(self, state: State) -> Command:
        service, blue = state.service, state.blue
        earliest, latest = state.after_switch(max(CACHED, service.linger)), state.after_switch(most(service))
        left = released_as(blue).id if blue else ""
        argv = script(
            *("deploy/leave", state.paths.state, service.name, blue.id if blue else "", str(service.port)),
            *(earliest, latest, f"{most(service):.0f}", str(_LOOKS), f"{service.stop:.0f}", left or "-"),
            *(state.paths.history, ""),
        )
        line = history.drained(state).encode("utf-8") + b"\n"
        return Command(
            argv, title=f"leave {service.name}-blue to the host", timeout=90, stdin=line, public=True, changes=True
        )

    def read(self, state: State, result: Result) -> Read:
        name, told = f"{state.service.name}-blue", result.reply().values()
        if not result.ok:
            said = " ".join(result.last_lines(2))
            left = Warning_(f"{name} could not be left to the host; the next deploy stops it. {said}")
            return Read(state, failed=result.how(), events=(left,))
        if not state.service.asked:
            detail = f"it has {state.service.stop:g} s to end what it has begun"
            return Read(replace(state, handed_over=True), detail, facts={"draining": f"{name}: {detail}"})
        count = int(told.get("open") or 0)
        detail = f"{open_connections(count)}, until {clock_time(float(told['until']))} at the latest"
        lasts = count != 0 or state.service.linger > CACHED
        events = (Decision(f"{name} is drained by the host: {detail}."),) if lasts else ()
        return Read(replace(state, handed_over=True), detail, events=events, facts={"draining": f"{name}: {detail}"})


@dataclass(frozen=True, slots=True)
class Retire(Drain):
    """A candidate that may have been live until a moment ago, so it gets the time that a previous release gets."""

    container: Container
    name = "recover"
    said = "Wait until {step.container.name} is idle"

    def command(self, state: State) -> Command:
        earliest = str(int((state.survey.uptime + CACHED) * 1000))
        limit = max(state.service.drain, CACHED + 1)
        return _drain(self.container.id, state.service.port, earliest=earliest, limit=limit)

    def read(self, state: State, result: Result) -> Read:
        return Read(state, _told(result))


@dataclass(frozen=True, slots=True)
class DrainSpare(Retire):
    """One that its service no longer has, once nginx has forgotten its name."""

    name = "fewer"

    def command(self, state: State) -> Command:
        longest = max(CACHED, state.service.linger)
        known = state.switched is not None  # else it had given its name away before
        earliest = state.after_switch(longest) if known else str(int((state.survey.uptime + longest) * 1000))
        return _drain(self.container.id, state.service.port, earliest=earliest, limit=most(state.service))


class FinishRequests(Attempts):
    """Give the release that was taken back the time to answer what it has begun, if it still can."""

    name = "last requests"
    said = "Wait until {service}-green is idle"
    yields = True

    def policy(self, state: State) -> HealthPolicy:
        return HealthPolicy(attempts=max(1, round(min(state.service.drain, _LAST_WORDS) / _SHORT)), interval=0.0)

    def command(self, state: State) -> Command:
        return _drain(state.candidate.id, state.service.port, earliest="0", limit=_SHORT)

    def judge(self, state: State, result: Result) -> Look:
        return Look(Verdict.AGAIN if _cut(result) else Verdict.HEALTHY, _told(result))

    def conclude(self, state: State, look: Look) -> Read:
        return Read(state, look.reason.partition(",")[0])
