"""The renames, both in one remote command (docs/design.md, "Gap between the renames"), and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.errors import Kind
from behindy_ops.host.command import Command, Result, script


def swap(first: tuple[str, str, str] | None, second: tuple[str, str], *, policy: str = "") -> Command:
    """Return both renames as one remote command.

    Args:
        first: id, new name and old name of the container that gives its name away; None if there is none.
        second: id and new name of the one that takes it.
        policy: restart policy that one gets just before; empty to leave it.
    """
    argv = script("deploy/swap", *(first or ("", "", "")), *second, policy)
    return Command(argv, title=f"give the name {second[1]} to the new container", timeout=30, changes=True)


def switched_at(result: Result) -> int | None:
    """Return the host's clock right after the renames, in ms; None if they were not done."""
    moment = result.reply().values().get("switched", "") if result.ok else ""
    return int(moment) if moment else None


class Switch(Step):
    """Give the name to the candidate."""

    name = "switch"
    said = "Switch the names"
    shield = math.inf

    def command(self, state: State) -> Command:
        name, green = state.service.name, state.candidate
        first = (state.blue.id, f"{name}-blue", name) if state.blue else None
        return swap(first, (green.id, name), policy=green.restart_policy)

    def read(self, state: State, result: Result) -> Read:
        moment = switched_at(result)
        if moment is not None:
            state = replace(state, switched=moment)
            return Read(state.at(Phase.NAMED if state.stale else Phase.SWITCHED))
        undone = "undone" in result.reply().values()
        error = Kind.SWITCH_FAILED(
            f"The names could not be switched: {result.how()}.",
            state="The names are as before." if undone else "The live name may be missing.",
            remedy="Try again." if undone else "Put it in order now: inv deploy.recover",
            lines=result.last_lines(),
        )
        return Read(state if undone else state.at(Phase.TORN), error=error)


@dataclass(frozen=True, slots=True)
class GiveName(Step):
    """Give the name to one container, where nothing has it.

    Attributes:
        container: its id.
        policy: restart policy it gets just before; empty to leave it.
        name: of the step.
        said: the step's title.
    """

    container: str
    said: str  # type: ignore[misc]
    name: str = "recover"  # type: ignore[misc]
    policy: str = ""

    def command(self, state: State) -> Command:
        return swap(None, (self.container, state.service.name), policy=self.policy)

    def read(self, state: State, result: Result) -> Read:
        moment = switched_at(result)
        if moment is None:
            return Read(state, error=result.error(remedy="inv deploy.recover"))
        return Read(replace(state, switched=moment))


class PutAside(Step):
    """Take the name from the live container, which is stopped next (``--strategy recreate``)."""

    name = "aside"
    said = "Take the name from {service}"
    enters = Phase.ASIDE
    shield = math.inf

    def command(self, state: State) -> Command:
        live = state.live.id if state.live else ""
        return swap(None, (live, f"{state.service.name}-blue"))

    def read(self, state: State, result: Result) -> Read:
        if result.ok:
            return Read(state)
        return Read(state, error=result.error(state=f"{state.service.name} serves as before."))


class PutNamesBack(Step):
    """Give the name back to the previous release, or take it from the new one where there is none."""

    name = "switch back"
    said = "Put the names back"
    shield = math.inf

    def command(self, state: State) -> Command:
        name, green = state.service.name, state.candidate
        if state.blue is None:
            return swap(None, (green.id, f"{name}-green"))
        return swap((green.id, f"{name}-green", name), (state.blue.id, name))

    def read(self, state: State, result: Result) -> Read:
        moment = switched_at(result)
        if moment is None:
            pointing = f"{state.service.name} still points at the new release."
            return Read(state, error=result.error(state=pointing, remedy="inv deploy.recover"))
        if state.blue is None:
            serving = "There was no previous release, so nothing serves it now."
            return Read(replace(state, serving=serving, switched=moment), "there was no previous release")
        return Read(replace(state, switched=moment))
