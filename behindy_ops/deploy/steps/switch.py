"""The renames, both in one remote command (docs/design.md, "Gap between the renames"), and back.

An nginx that resolves names only when it loads its configuration is reloaded after them, until host.sync has brought
ours. It is told where the name leads (``follow.sh``): docs/design.md, "Plain upstreams".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.step import ALWAYS, Read, Step
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Warning_

SPARE = "-spare"
"""How the name of a container ends that its service no longer has, until it is drained."""


def swap(
    state: State, first: tuple[str, str, str] | None, second: tuple[str, str], *, policy: str = "", name: str = ""
) -> Command:
    """Return both renames as one remote command, after which nginx is led to who has the service's name since.

    Args:
        first: id, new name and old name of the container that gives its name away; None if there is none.
        second: id and new name of the one that takes it.
        policy: restart policy that one gets just before; empty to leave it.
        name: that name, unless it is the service's.
    """
    led = state.service.asked and not state.stale
    nginx = (state.names.proxy.container, name or state.service.name) if led else ("", "")
    argv = script("deploy/swap", *(first or ("", "", "")), *second, policy, *nginx)
    return Command(argv, title=f"give the name {second[1]} to the new container", timeout=180, changes=True)


class Redirect(Step):
    """A step after which users meet another container; from the host's uptime right after it, in ms, others count."""

    def read(self, state: State, result: Result) -> Read:
        moment = result.reply().values().get("switched", "") if result.ok else ""
        return self.done(replace(state, switched=int(moment))) if moment else self.failed(state, result)

    def done(self, state: State) -> Read:
        return Read(state)

    def failed(self, state: State, result: Result) -> Read:
        return Read(state, error=self.failure(state, result))


class Switch(Redirect):
    """Give the name to the candidate."""

    name = "switch"
    said = "Switch the names"
    shield = ALWAYS

    def command(self, state: State) -> Command:
        name, green = state.service.name, state.candidate
        first = (state.blue.id, f"{name}-blue", name) if state.blue else None
        return swap(state, first, (green.id, name), policy=green.restart_policy)

    def done(self, state: State) -> Read:
        if not state.service.asked:
            return Read(state.at(Phase.PROVEN))  # who has the name changes nothing for a worker
        return Read(state.at(Phase.NAMED if state.stale else Phase.SWITCHED))

    def failed(self, state: State, result: Result) -> Read:
        undone = "undone" in result.reply().values()
        error = Kind.SWITCH_FAILED(
            f"The names could not be switched: {result.how()}.",
            state="The names are as before." if undone else "The live name may be missing.",
            remedy="Try again." if undone else "Put it in order now: inv deploy.recover",
            lines=result.last_lines(),
        )
        return Read(state if undone else state.at(Phase.TORN), error=error)


@dataclass(frozen=True, slots=True)
class GiveName(Redirect):
    """Give the name to one container, where nothing has it.

    Attributes:
        container: its id.
        policy: restart policy it gets just before; empty to leave it.
    """

    container: str
    said: str  # type: ignore[misc]
    name: str = "recover"  # type: ignore[misc]
    policy: str = ""
    remedy = "inv deploy.recover"

    def command(self, state: State) -> Command:
        return swap(state, None, (self.container, state.service.name), policy=self.policy)


class PutAside(Step):
    """Take the name from the live container, which is stopped next (``--strategy recreate``)."""

    name = "aside"
    said = "Take the name from {service}"
    enters = Phase.ASIDE
    shield = ALWAYS
    stuck = "{service} serves as before."

    def command(self, state: State) -> Command:
        live = state.live.id if state.live else ""
        # With "always", an engine that starts again starts what was stopped as well.
        policy = "" if state.service.overlap else "unless-stopped"
        return swap(state, None, (live, f"{state.service.name}-blue"), policy=policy)


@dataclass(frozen=True, slots=True)
class PutOut(Redirect):
    """Take the name from a container that its service no longer has, so that nginx asks another.

    Attributes:
        container: which; it may have been put out before.
    """

    container: Container
    name = "fewer"
    said = "Take the name from {step.container.name}"
    shield = ALWAYS
    stuck = "It serves as before."

    def needless(self, state: State) -> bool:
        return self.container.name.endswith(SPARE)

    def command(self, state: State) -> Command:
        return swap(state, None, (self.container.id, f"{self.container.name}{SPARE}"), name=self.container.name)

    def read(self, state: State, result: Result) -> Read:
        return Read(state) if self.needless(state) else Redirect.read(self, state, result)


class PutNamesBack(Redirect):
    """Give the name back to the previous release, or take it from the new one where there is none."""

    name = "switch back"
    said = "Put the names back"
    shield = ALWAYS
    stuck = "{service} still points at the new release."
    remedy = "inv deploy.recover"

    def command(self, state: State) -> Command:
        name, green = state.service.name, state.candidate
        if state.blue is None:
            return swap(state, None, (green.id, f"{name}-green"))
        return swap(state, (green.id, f"{name}-green", name), (state.blue.id, name))

    def done(self, state: State) -> Read:
        if state.blue is not None:
            return Read(state)
        serving = "There was no previous release, so nothing serves it now."
        return Read(replace(state, serving=serving), "there was no previous release")


class Follow(Redirect):
    """Make users meet the new release."""

    name = "reload"
    said = "Reload nginx"

    def leads_to(self, state: State) -> str:
        """Return the id of the container that the name leads to."""
        return state.candidate.id

    def command(self, state: State) -> Command:
        names = state.names
        argv = script("deploy/follow", names.proxy.container, names.network, state.service.name, self.leads_to(state))
        return Command(argv, title="reload nginx", timeout=60, changes=True)

    def done(self, state: State) -> Read:
        return Read(state.at(Phase.SWITCHED))

    def failed(self, state: State, result: Result) -> Read:
        problem = _problem(result)
        return Read(state, failed=problem, relapse=f"nginx could not be reloaded: {problem}")


@dataclass(frozen=True, slots=True)
class FollowBack(Follow):
    """Make users meet a container again, after the names went back or were put in order.

    Attributes:
        container: its id.
    """

    container: str
    done = Redirect.done

    def leads_to(self, state: State) -> str:
        return self.container

    def failed(self, state: State, result: Result) -> Read:
        problem = _problem(result)
        told = Warning_(f"nginx could not be reloaded: {problem}. Reload it: inv ops.nginx --reload")
        return Read(state, failed=problem, events=(told,))


def _problem(result: Result) -> str:
    return f"{result.how()} {' '.join(result.last_lines(2))}".strip()
