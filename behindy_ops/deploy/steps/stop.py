"""Stop containers, remove them, start them again; a failed release is shown before it is removed."""

from __future__ import annotations

from dataclasses import dataclass

from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.step import ALWAYS, Read, Step
from behindy_ops.facts.container import CONTAINER_TEMPLATE, Container, parse_state
from behindy_ops.facts.release import Labels
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project.services import replicas
from behindy_ops.report.events import Event, Logs, Warning_

_LOG_LINES = 100
"""Log lines of a failed release that are shown."""


def start(container: str) -> Command:
    """Return the start of a container that is stopped."""
    return Command(script("deploy/start", container), title="start the container", timeout=60, changes=True)


def _remove(container: str, grace: float) -> Command:
    argv = script("deploy/stop_blue", container, f"{grace:.0f}")
    return Command(argv, title="stop the previous container", timeout=grace + 30, changes=True)


def _grace(state: State) -> tuple[str, ...]:
    """Return the seconds that a worker may need for what it has begun."""
    return () if state.service.asked else (f"{state.service.stop:.0f}",)


class StopPrevious(Step):
    """Stop and remove the previous container; a failure is reported, and the deploy stands."""

    name = "stop"
    said = "Stop {service}-blue"

    def command(self, state: State) -> Command:
        return _remove(state.live.id if state.live else "", state.service.stop)

    def read(self, state: State, result: Result) -> Read:
        return _removed(state, f"{state.service.name}-blue", result)


def _removed(state: State, name: str, result: Result) -> Read:
    """Return what a removal came to on which nothing depends."""
    if result.ok:
        return Read(state, "removed")
    told = Warning_(f"{name} could not be removed; the next deploy will. {' '.join(result.last_lines(2))}")
    return Read(state, failed=result.how(), events=(told,))


class StopLive(Step):
    """Stop the live container before its successor starts, with its own time to finish; it stays on the host.

    It is not drained: while it runs, nginx lets it answer for the missing live one, so it would never be idle. A
    cancelled GitHub job leaves 7.5 s in all, of which a signal waits 4.
    """

    name = "stop"
    said = "Stop {service}-blue"
    enters = Phase.STOPPED
    shield = 4.0

    def command(self, state: State) -> Command:
        live, grace = state.live.id if state.live else "", state.service.stop
        argv = script("deploy/stop", f"{grace:.0f}", live)
        return Command(argv, title="stop the container", timeout=grace + 30, changes=True)


class StopNew(Step):
    """Stop a release that is taken back before the previous one runs again, where the two must not run side by side."""

    name = "stop"
    said = "Stop the new release of {service}"
    shield = ALWAYS
    stuck = "The new release of {service} may still run; the previous one was not started beside it."
    remedy = "inv deploy.recover"

    def command(self, state: State) -> Command:
        grace = state.service.stop
        argv = script("deploy/stop", f"{grace:.0f}", state.candidate.id)
        return Command(argv, title="stop the container", timeout=grace + 30, changes=True)


@dataclass(frozen=True, slots=True)
class StartAgain(Step):
    """Start a stopped container.

    Attributes:
        container: its id.
        said: the step's title.
        half_stopped: it may be on its way down, where a start alone would find it running.
        name: of the step.
        stuck: the state of the host if it cannot be done.
    """

    container: str
    said: str  # type: ignore[misc]
    half_stopped: bool = False
    name: str = "recover"  # type: ignore[misc]
    stuck: str = ""  # type: ignore[misc]
    remedy = "inv deploy.recover"
    shield = ALWAYS

    def command(self, state: State) -> Command:
        if not self.half_stopped:
            return start(self.container)
        argv = script("deploy/restart", "3", self.container)
        return Command(argv, title="start the container again", timeout=60, changes=True)


@dataclass(frozen=True, slots=True)
class Remove(Step):
    """Remove a container that an interrupted run left.

    Attributes:
        grace: seconds that it gets to end by itself.
    """

    container: Container
    grace: float = 0.0
    name = "recover"
    said = "Remove {step.container.name}"

    def command(self, state: State) -> Command:
        return _remove(self.container.id, self.grace if state.service.asked else state.service.stop)


@dataclass(frozen=True, slots=True)
class RemoveSpare(Step):
    """Remove a container that its service no longer has, and what is kept of its releases; a failure is reported."""

    container: Container
    name = "fewer"
    said = "Remove {step.container.name}"

    def command(self, state: State) -> Command:
        grace, service = state.service.stop, self.container.labels.get(Labels.service, "")
        further = service.startswith(f"{state.service.name}-")
        has_it = service in {each.name for each in replicas(state.service)}  # another container has that name by now
        kept = state.paths.release(service, ".") if further and not has_it else ""
        argv = script("deploy/stop_blue", self.container.id, f"{grace:.0f}", kept)
        return Command(argv, title=f"remove {self.container.name}", timeout=grace + 30, changes=True)

    def read(self, state: State, result: Result) -> Read:
        return _removed(state, self.container.name, result)


@dataclass(frozen=True, slots=True)
class Discard(Step):
    """Remove the candidate, or the release that was taken back; before there is one, what ran before it."""

    name = "remove"
    shield = ALWAYS
    stuck = "The candidate may still be there; it gets no traffic."
    remedy = "The next deploy removes it."

    def title(self, state: State) -> str:
        return f"Remove {self._name(state)}"

    def _name(self, state: State) -> str:
        return f"{state.service.name}-{'before' if state.phase in (Phase.BEGUN, Phase.PREPARED) else 'green'}"

    def command(self, state: State) -> Command:
        container = state.green.id if state.green else self._name(state)
        kept = state.paths.release(state.service.name, state.release.id)
        seen = "yes" if state.phase >= Phase.NAMED else "no"
        argv = script("deploy/discard", container, CONTAINER_TEMPLATE, str(_LOG_LINES), kept, seen, *_grace(state))
        return Command(argv, title=f"remove {self._name(state)}", timeout=150 + state.service.stop, changes=True)

    def read(self, state: State, result: Result) -> Read:
        name, reply = self._name(state), result.reply()
        last, logs = parse_state(reply.values().get("state", "")), tuple(reply.every("log"))
        events: tuple[Event, ...] = ()
        if last is not None:
            oom = "yes" if last.oom_killed else "no"
            how = f"{last.status}, exit code {last.exit_code}, OOM-killed: {oom}, restarts: {last.restarts}"
            names = f"environment names: {', '.join(sorted(last.env_names))}"
            events = (Logs(f"State of {name}", (how, names)),)
        some = f"Last {len(logs)} log line{'s' if len(logs) != 1 else ''} of {name}"
        events += (Logs(some if logs else f"{name} logged nothing", logs),)
        return Read(state, events=events, error=None if result.ok else self.failure(state, result))
