"""Whether a container that nobody asks, a worker, is well: by its own health check, else by its running."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.internal import UNCHECKED, UNHEALTHY, fault_of, longer, remedy_of, trouble_of, unpulled
from behindy_ops.deploy.steps.step import ENGINE_AWAY, LOGGED, Attempts, Fault, Look, Read, Verdict, patience
from behindy_ops.errors import Kind
from behindy_ops.facts.container import CONTAINER_TEMPLATE, UNKNOWN, Container, parse_state
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project.services import HealthPolicy


class CheckSteady(Attempts):
    """The candidate: until its own health check has passed, or it has run for ``health.steady`` seconds without one."""

    name = "steady"
    attempts = 1

    def title(self, state: State) -> str:
        policy = self.policy(state)
        its_own = f"Wait for the health check of {self.watched(state).name}, up to {self._most(policy):g} s"
        ran = f"See {self.watched(state).name} run for {policy.steady:g} s"
        if state.green is None:  # in a plan
            return f"{ran}, or up to {self._most(policy):g} s for a health check of its own"
        return its_own if self.watched(state).health else ran

    def policy(self, state: State) -> HealthPolicy:
        """Return how long it may take, as one attempt."""
        policy = self.time(state)
        return replace(policy, attempts=1, interval=self._most(policy))

    def time(self, state: State) -> HealthPolicy:
        """Return how long it may take."""
        return state.service.health.at_start()

    @staticmethod
    def _most(policy: HealthPolicy) -> float:
        return policy.attempts * policy.interval

    def watched(self, state: State) -> Container:
        """Return the container."""
        return state.candidate

    def heeds(self, state: State) -> bool:
        """Return whether a health check without a verdict is waited for, and counts as a failure in the end."""
        return True

    def command(self, state: State) -> Command:
        policy = self.policy(state)
        seconds = (f"{math.ceil(policy.steady)}", f"{math.ceil(policy.interval)}")
        container = self.watched(state)
        argv = script("deploy/look_running", container.id, *seconds, CONTAINER_TEMPLATE)
        most = max(policy.steady, policy.interval)
        return Command(argv, title=f"see whether {container.name} runs", timeout=most + 150)

    def judge(self, state: State, result: Result) -> Look:
        told = result.reply().values().get("state", "")
        if told == UNKNOWN:
            return Look(Verdict.AGAIN, ENGINE_AWAY, Fault.ENGINE)
        container = parse_state(told)
        if container is None or (trouble := trouble_of(container) or self._unproven(state, container)):
            why = trouble if container else trouble_of(None)
            return Look(Verdict.FATAL, why, fault_of(container), remedy=remedy_of(state, container))
        return Look(Verdict.HEALTHY, "its own health check passes" if container.health == "healthy" else "it runs")

    def _unproven(self, state: State, container: Container) -> str:
        """Return what of a container that runs is not well; of one that was live before, its tasks may move."""
        if container.health == "unhealthy":
            return UNHEALTHY
        if not self.heeds(state):
            return ""
        return (UNCHECKED if container.health == "starting" and not container.trouble else "") or container.lacking

    def unhealthy(self, state: State, reason: str, fault: Fault) -> Read:
        if fault is Fault.IMAGE:
            return unpulled(state, reason)
        remedy = f"{LOGGED} Fix the release, or its settings in .env on the host."
        if reason.startswith(UNCHECKED):
            remedy = f"{remedy} {longer(state)}"
        what = f"{self.watched(state).name} is not healthy: {reason}."
        return Read(state, error=Kind.RELEASE_REFUSED(what, remedy=remedy))


@dataclass(frozen=True, slots=True)
class CheckStillSteady(CheckSteady):
    """A container that an interrupted run left, or that is live: one that has run long enough is not waited for."""

    container: Container
    name = "recover"
    said = "See whether {step.container.name} runs"
    title = Attempts.title
    unhealthy = Attempts.unhealthy

    def watched(self, state: State) -> Container:
        return self.container

    def heeds(self, state: State) -> bool:
        return self.container.name.endswith("-green")

    def time(self, state: State) -> HealthPolicy:
        policy = patience(state, self.container, at_least=3)
        return replace(policy, steady=max(1.0, policy.steady - max(0.0, state.survey.age(self.container))))


@dataclass(frozen=True, slots=True)
class CheckRunsAgain(CheckSteady):
    """Whether the previous release runs again.

    Attributes:
        began: how the state begins when it does not: what was done.
    """

    began: str
    name = "steady"
    said = "See whether the previous release runs"
    title = Attempts.title

    def watched(self, state: State) -> Container:
        return state.live or state.candidate

    def heeds(self, state: State) -> bool:
        return False

    def time(self, state: State) -> HealthPolicy:
        return replace(state.service.health, attempts=1)

    def conclude(self, state: State, look: Look) -> Read:
        if look.verdict is Verdict.HEALTHY:
            return Read(replace(state, serving="The previous release runs again."), look.reason)
        serving = f"{self.began}, but it is not well: {look.reason}. Look now: inv deploy.status"
        return Read(replace(state, serving=serving), failed=look.reason)
