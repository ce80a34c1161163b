"""Watch the new release for a while: no exit, no restart, no OOM kill."""

from __future__ import annotations

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.facts.container import CONTAINER_TEMPLATE, Container, parse_state
from behindy_ops.host.command import Command, Result, script


class Watch(Step):
    """From the switch on, until the time is over or something happens to it."""

    name = "watch"
    said = "Watch the new release for {state.watch:g} s"

    def command(self, state: State) -> Command:
        argv = script("deploy/watch", state.candidate.id, state.after_switch(state.watch), CONTAINER_TEMPLATE)
        return Command(argv, title="watch the new release", timeout=state.watch + 30)

    def read(self, state: State, result: Result) -> Read:
        trouble = unsteady(parse_state(result.reply().values().get("state", "")))
        return Read(state, "no restart, no exit, no OOM kill", failed=trouble, relapse=trouble)


def unsteady(container: Container | None) -> str:
    """Return why a container that was just made live cannot stay, or an empty string."""
    if container is None:
        return "its container has disappeared"
    if container.oom_killed:
        return "it was OOM-killed"
    if container.restarts or container.restarting:
        return "it restarted once" if container.restarts == 1 else f"it restarted {container.restarts} times"
    if not container.running:
        return f"it exited with code {container.exit_code}"
    return ""
