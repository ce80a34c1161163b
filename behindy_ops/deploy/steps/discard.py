"""Show how a failed release is and what it said last, and remove it."""

from __future__ import annotations

from dataclasses import dataclass

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.step import ALWAYS, Read, Step
from behindy_ops.facts.container import CONTAINER_TEMPLATE, parse_state
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Event, Logs

LOG_LINES = 100
"""Log lines of a failed release that are shown."""


@dataclass(frozen=True, slots=True)
class Discard(Step):
    """Remove the candidate, or the release that was taken back."""

    name = "remove"
    said = "Remove {service}-green"
    shield = ALWAYS
    stuck = "The candidate may still be there; it gets no traffic."
    remedy = "The next deploy removes it."

    def command(self, state: State) -> Command:
        container = state.green.id if state.green else f"{state.service.name}-green"
        kept = state.paths.release(state.service.name, state.release.id)
        argv = script("deploy/discard", container, CONTAINER_TEMPLATE, str(LOG_LINES), kept)
        return Command(argv, title=f"remove {state.service.name}-green", timeout=60, changes=True)

    def read(self, state: State, result: Result) -> Read:
        name, reply = f"{state.service.name}-green", result.reply()
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
