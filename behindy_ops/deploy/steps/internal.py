"""Ask a container from inside nginx until it is healthy or has failed."""

from __future__ import annotations

from dataclasses import dataclass

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.step import (
    ENGINE_AWAY,
    LOGGED,
    Attempts,
    Fault,
    Look,
    Read,
    Verdict,
    expected,
    patience,
    unexpected,
)
from behindy_ops.errors import Kind
from behindy_ops.facts.container import CONTAINER_TEMPLATE, UNKNOWN, Cause, Container, parse_state
from behindy_ops.facts.curl import needs_login, outcome
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project.services import Expect, HealthPolicy

_SAID = 300
"""Characters at most of what a release answers with an error."""

UNHEALTHY = "its own health check fails (Docker says: unhealthy)"

UNCHECKED = "its own health check has not passed yet (Docker says: starting)"


def trouble_of(container: Container | None) -> str:
    """Return why a container will not answer any more; empty if it may."""
    if container is None:
        return "the container has disappeared"
    if container.oom_killed:
        limit = f" of {container.memory // 2**20} MB" if container.memory else ""
        return f"OOM-killed: it needs more memory than its limit{limit}"
    if container.restarts and container.trouble:
        return container.trouble
    if container.restarting or container.restarts:
        return f"it restarts (exit code {container.exit_code}, {container.restarts} restarts)"
    return "" if container.running else f"it exited (exit code {container.exit_code})"


def remedy_of(state: State, container: Container | None) -> str:
    """Return what to do about what keeps a task of a swarm from running; empty where its log tells."""
    service = state.service
    match container.cause if container is not None else None:
        case Cause.NO_NODE:
            if not service.placement:
                return "No node takes what is new. Which are away, drained or paused, and what to type: inv host.check"
            wanted, given = ", ".join(service.placement), " ".join(f"--label-add {each}" for each in service.placement)
            return (
                f"x-deploy.placement asks for {wanted}. A node is given that on the host: docker node update {given} "
                "NODE. Which nodes there are, and which are away: inv host.check"
            )
        case Cause.REJECTED:
            return (
                "The node's own words are in brackets. What a service mounts of the host, beside single files, has to "
                "be on every node that may run it (x-deploy.placement)."
            )
    return ""


def fault_of(container: Container | None) -> Fault:
    """Return whose it is that a container will not answer any more."""
    return Fault.IMAGE if container is not None and container.cause is Cause.NO_IMAGE else Fault.RELEASE


def unpulled(state: State, reason: str) -> Read:
    """Refuse a candidate whose image a node cannot pull, as one that this host cannot pull."""
    remedy = (
        "Does that node reach the registry? If that wants a login, give it one in the settings: the nodes get it "
        f"along. What it says, on that node: docker pull {state.pinned}"
    )
    if not state.release.digest:
        remedy = (
            "That image is on the first host alone, and every node is to get it from a registry. Push it there, then: "
            f"inv deploy.{state.service.name} --tag TAG"
        )
    what = f"The image of {state.candidate.name} cannot be pulled on every node: {reason}."
    return Read(state, error=Kind.IMAGE_NOT_FOUND(what, remedy=remedy))


def longer(state: State) -> str:
    """Return how a health check that has no verdict in time gets one."""
    return (
        f"If it needs longer: services.{state.service.stanza}.x-deploy.health.seconds, or a shorter interval of its "
        "healthcheck (the first verdict comes after one)."
    )


@dataclass(frozen=True, slots=True)
class CheckInside(Attempts):
    """The candidate: 15 attempts, 3 s apart, or as long as its stanza says that it may take to start."""

    name = "internal"
    said = "Check health from inside nginx, up to {seconds:g} s"

    def title(self, state: State) -> str:
        policy = self.policy(state)
        return self.said.format(seconds=policy.attempts * policy.interval)

    def policy(self, state: State) -> HealthPolicy:
        return state.service.health.at_start()

    def asked(self, state: State) -> str:
        """Return the container's name."""
        return f"{state.service.name}-green"

    def heeds(self) -> bool:
        """Return whether its own health check counts: of a live one Docker's verdict may be from before a boot."""
        return True

    def command(self, state: State) -> Command:
        policy, service, container = self.policy(state), state.service, self.asked(state)
        url = f"http://{container}:{service.port}{service.internal}"
        timing = (f"{policy.interval:g}", f"{policy.look:g}")
        expect = expected(service.expect) if service.expect != Expect() else ()
        argv = script(
            *("deploy/look_inside", state.names.proxy.container, container, url),
            *(*timing, CONTAINER_TEMPLATE, *expect),
        )
        return Command(argv, title=f"ask {container} from inside nginx", timeout=policy.interval + 90)

    def judge(self, state: State, result: Result) -> Look:
        """Judge the last answer, and the container's own health check if it has one.

        A container that exited, restarts, was OOM-killed or calls itself unhealthy fails at once, by that name.
        """
        reply = result.reply()
        told = reply.values().get("state", "")
        container = parse_state(told)
        if told == UNKNOWN:
            return Look(Verdict.AGAIN, ENGINE_AWAY, Fault.ENGINE)
        if trouble := trouble_of(container):
            return Look(Verdict.FATAL, trouble, fault_of(container), remedy=remedy_of(state, container))
        health = container.health if container is not None and self.heeds() else ""
        if health == "unhealthy":
            return Look(Verdict.FATAL, UNHEALTHY)
        code, curl, *lacking = (reply.every("look") or ["0 28"])[-1].split()
        status, curl_exit, expect = int(code), int(curl), state.service.expect
        if expect.met(status) and not lacking:
            unchecked = Look(Verdict.AGAIN, UNCHECKED)
            return unchecked if health == "starting" else Look(Verdict.HEALTHY, outcome(status, curl_exit, login=False))
        said = "".join(letter if letter.isprintable() else " " for letter in reply.values().get("body", ""))
        fault = Fault.LOGIN if needs_login(status) else Fault.RELEASE
        waits = container.trouble if container is not None else ""
        reason = waits or unexpected(expect, status, curl_exit, lacking=bool(lacking))
        remedy = remedy_of(state, container)
        return Look(Verdict.AGAIN, reason, fault, said=" ".join(said.split())[:_SAID], remedy=remedy)

    def unhealthy(self, state: State, reason: str, fault: Fault) -> Read:
        if fault is Fault.IMAGE:
            return unpulled(state, reason)
        remedy = f"{LOGGED} Fix the release, or its settings in .env on the host."
        if reason.startswith(UNCHECKED):
            remedy = f"{remedy} {longer(state)}"
        if fault is Fault.LOGIN:
            remedy = (
                f"Let {state.service.internal} answer without one in the application, or name another path in "
                f"services.{state.service.stanza}.x-deploy.internal; if it counts as healthy, say so: expect.status."
            )
        return Read(state, error=Kind.RELEASE_REFUSED(f"{self.asked(state)} is not healthy: {reason}.", remedy=remedy))


@dataclass(frozen=True, slots=True)
class CheckRunning(CheckInside):
    """A container that an interrupted run left: 9 s tell, or what is left of a candidate's time if it still boots."""

    container: Container
    name = "recover"
    said = "Check {step.container.name} from inside nginx"
    unhealthy = Attempts.unhealthy

    def asked(self, state: State) -> str:
        return self.container.name

    def heeds(self) -> bool:
        return self.container.name.endswith("-green")

    title = Attempts.title

    def policy(self, state: State) -> HealthPolicy:
        return patience(state, self.container, at_least=3)
