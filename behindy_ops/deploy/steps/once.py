"""Run what a release declares to be run once, before its candidate starts or once it is live: docs/migrations.md."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from behindy_ops.deploy.state import Phase, State, unknown
from behindy_ops.deploy.steps.start import described, remarks
from behindy_ops.deploy.steps.step import ENGINE_AWAY, LOGGED, Read, Step
from behindy_ops.errors import Kind
from behindy_ops.facts.container import CONTAINER_TEMPLATE, UNKNOWN, Container, parse_state
from behindy_ops.facts.figures import took
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.services import Once
from behindy_ops.report.events import Event, Logs, Warning_

_LOG_LINES = 100
"""Lines at most that are shown of what it wrote, when it has ended."""


@dataclass(frozen=True, slots=True)
class StartBefore(Step):
    """Start it in a container of the release's image and configuration, which no user can meet.

    A signal waits for Compose, as when a candidate is started.
    """

    once: Once
    name = "before"
    enters: ClassVar[Phase | None] = Phase.PREPARED
    shield = 4.0  # docs/design.md, "Compose and signals"

    def title(self, state: State) -> str:
        return f"Start {textwrap.shorten(shlex.join(self.once.command), 50, placeholder=' …')} in the new image"

    def command(self, state: State) -> Command:
        release, seconds = state.release, f"{self.once.seconds:.0f}"
        argv = script(
            *("deploy/once", state.paths.root, release.service, release.id, state.names.network, ""),
            *(state.names.project, state.names.proxy.container),
            *(self.name, seconds, f"{state.service.stop:.0f}", *self.once.command),
        )
        return Command(
            argv, title=f"start {_key(self, state)}", timeout=120, stdin=described(state), public=True, changes=True
        )

    def read(self, state: State, result: Result) -> Read:
        if result.ok:
            identity = result.reply().values()["started"]
            return Read(replace(state, once=identity), identity[:12], events=remarks(result))
        return self.not_started(state, result)

    def not_started(self, state: State, result: Result) -> Read:
        if result.exit_code == Code.OTHER_VOLUME:
            return Read(state, error=result.error())
        error = Kind.RELEASE_REFUSED(
            f"{_key(self, state)} could not be started: {result.how()}.",
            remedy="The lines below say why. Check its words here, and the compose file and .env on the host.",
            lines=result.last_lines(),
        )
        return Read(state, error=error)


class StartBeforehand(StartBefore):
    """The same beside the live release that is stopped next, whose downtime begins only then."""

    enters: ClassVar[Phase | None] = Phase.BEGUN


@dataclass(frozen=True, slots=True)
class StartAfter(StartBefore):
    """The same once the release is live. A failure is reported, and the release stays."""

    name = "after"
    enters: ClassVar[Phase | None] = None

    def not_started(self, state: State, result: Result) -> Read:
        why = f"it could not be started: {result.how()}"
        return _unfinished(state, _key(self, state), why, result.last_lines(5))


@dataclass(frozen=True, slots=True)
class AwaitBefore(Step):
    """Wait until it has ended; the host itself stops it when its time is up."""

    once: Once
    name = "before"

    def title(self, state: State) -> str:
        return f"Wait until it has ended, {self.once.seconds:g} s at most"

    def command(self, state: State) -> Command:
        container, keep = state.once or unknown(self.name), "" if self.name == "before" else "always"
        argv = script("deploy/attend", container, CONTAINER_TEMPLATE, keep)
        timeout = self.once.seconds + state.service.stop + 90
        return Command(argv, title=f"wait for {_key(self, state)}", timeout=timeout)

    def progress(self, line: str) -> str:
        return line.removeprefix("log ") if line.startswith("log ") else ""

    def read(self, state: State, result: Result) -> Read:
        reply, name = result.reply(), f"{state.service.name}-{self.name}"
        said = tuple(reply.every("log"))
        container = parse_state(told := reply.values().get("state", UNKNOWN))
        why = ENGINE_AWAY if told == UNKNOWN else _wrong(container, self.once.seconds)
        if why:
            return self.failed(state, why, said)
        lasted = f"exit code 0 after {took(_lasted(container))}"
        shown = said[-_LOG_LINES:]
        logs = (Logs(f"Last {len(shown)} line{'s' if len(shown) != 1 else ''} of {name}", shown),) if shown else ()
        return Read(replace(state, once=""), lasted, events=logs, facts={self.name: lasted})

    def failed(self, state: State, why: str, said: tuple[str, ...]) -> Read:
        """Return what follows; its last lines are shown when its container is removed."""
        error = Kind.RELEASE_REFUSED(
            f"{_key(self, state)} failed: {why}.",
            remedy=f"{LOGGED} Correct it in the release, or its settings in .env on the host.",
            lines=said[-10:],
        )
        return Read(state, error=error)


@dataclass(frozen=True, slots=True)
class AwaitAfter(AwaitBefore):
    """The same once the release is live. A failure is reported, and the release stays."""

    name = "after"

    def needless(self, state: State) -> bool:
        return bool(state.unfinished)

    def read(self, state: State, result: Result) -> Read:
        if state.unfinished:
            return Read(state, failed="it was not started")
        return AwaitBefore.read(self, state, result)

    def failed(self, state: State, why: str, said: tuple[str, ...]) -> Read:
        return _unfinished(state, _key(self, state), why, said[-_LOG_LINES:])


def _key(step: Step, state: State) -> str:
    return f"x-deploy.{step.name} of {state.service.name}"


def _unfinished(state: State, key: str, why: str, said: tuple[str, ...]) -> Read:
    told = f"{key} failed: {why}."
    events: tuple[Event, ...] = (Logs(f"Last lines of {state.service.name}-after", said),) if said else ()
    events += (Warning_(f"{told} The release is live and stays."),)
    return Read(replace(state, once="", unfinished=told), failed=why, events=events, facts={"after": why})


def _wrong(container: Container | None, limit: float) -> str:
    """Return why a command that has ended did not end well, or an empty string."""
    if container is None:
        return "its container has disappeared"
    if container.running:
        return "it has not ended"
    if container.oom_killed:
        return f"it was OOM-killed: it needs more memory than its limit of {container.memory // 2**20} MB"
    if _lasted(container) >= limit:
        return f"it took longer than its {limit:g} s and was stopped"
    return f"exit code {container.exit_code}" if container.exit_code else ""


def _lasted(container: Container | None) -> float:
    if container is None or not container.finished or not container.started:
        return 0.0
    return (datetime.fromisoformat(container.finished) - datetime.fromisoformat(container.started)).total_seconds()
