"""Wait until a container is idle, by looking at its connections: docs/design.md, "Drain by looking"."""

from __future__ import annotations

from dataclasses import dataclass

from behindy_ops.deploy.state import CACHED, State
from behindy_ops.deploy.steps.step import Attempts, Look, Read, Step, Verdict
from behindy_ops.facts.container import Container
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project.services import HealthPolicy
from behindy_ops.report.events import Warning_

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
        limit = max(service.drain, service.linger, CACHED + 1)
        return _drain(container, service.port, earliest=earliest, limit=limit)

    def progress(self, line: str) -> str:
        word, _, count = line.partition(" ")
        return f"{count} open connection(s)" if word == "open" and count != "0" else ""

    def read(self, state: State, result: Result) -> Read:
        if not (count := _cut(result)):
            return Read(state, _told(result))
        cut = Warning_(
            f"{count} connection(s) to the previous release were still open after {state.service.drain:g} s "
            "(WebSockets or long requests); stopping it ends them."
        )
        return Read(state, _told(result), events=(cut,))


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
