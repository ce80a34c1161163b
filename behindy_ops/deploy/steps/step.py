"""What every step is: a name, a command made from what is known, and what its answer adds to that. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import ClassVar

from behindy_ops.deploy.state import Phase, State
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.curl import outcome
from behindy_ops.host.command import Command, Result
from behindy_ops.project.services import Expect, HealthPolicy
from behindy_ops.project.validate import shown
from behindy_ops.report.events import Event

ALWAYS = math.inf

LOGGED = "What it logged last is above."
"""The first sentence of what to do of a candidate: it is shown when that is removed, also that it logged nothing."""

ENGINE_AWAY = "Docker does not answer"


class Fault(Enum):
    """Whose it is that an attempt was not well, as far as is known."""

    RELEASE = "the release's"
    IMAGE = "the registry's, or a node's, which cannot pull its image"
    LOGIN = "its path's, which needs a login"
    ROUTE = "nginx's, which did not ask the candidate"
    NAME = "the host's, on which the public name leads past its nginx"
    ENGINE = "the engine's"


class Verdict(Enum):
    """What one attempt came to."""

    HEALTHY = "healthy"
    AGAIN = "not yet"
    FATAL = "failed for good"


@dataclass(frozen=True, slots=True)
class Look:
    """One attempt's verdict and the reason in words.

    Attributes:
        fault: whose it is that it was not well.
        definite: the release itself answered, with an error: waiting longer seldom helps.
        said: what it answered with that error, cut; empty if that is not known.
        remedy: what to type about it, if that is not what a step says of anything that is not well.
    """

    verdict: Verdict
    reason: str
    fault: Fault = Fault.RELEASE
    definite: bool = False
    said: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer came to.

    Attributes:
        state: what is known now.
        detail: what the step shows when it is done.
        failed: why it is shown as failed; that alone stops nothing.
        events: what is told beside it.
        error: what ends the walk.
        relapse: why the new release has to be taken back.
        fault: whose that is.
        outcome: ends the walk well, before its last step: ``unchanged``.
        facts: what the operator wants to know of the new release.
    """

    state: State
    detail: str = ""
    failed: str = ""
    events: tuple[Event, ...] = ()
    error: BehindyError | None = None
    relapse: str = ""
    fault: Fault = Fault.RELEASE
    outcome: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def expected(expect: Expect) -> tuple[str, str]:
    """Return what an answer has to be, for a script: statuses with a space around each, and a text in the body."""
    return f" {' '.join(map(str, expect.status))} " if expect.status else "", expect.body


def unexpected(expect: Expect, status: int, curl_exit: int, *, lacking: bool) -> str:
    """Return in words what is wrong with an answer.

    Args:
        lacking: its status is well, and its body does not have the text.
    """
    answer = outcome(status, curl_exit)
    if lacking:
        return f"{answer}, but its body does not contain {shown(expect.body)} (x-deploy.expect.body)"
    if expect.status and 200 <= status < 400:
        return f"{answer}, not {' or '.join(map(str, expect.status))} (x-deploy.expect.status)"
    return answer


def unjudged(state: State) -> Read:
    """Return what follows after the switch when nothing can be known of the new release: it is not taken back."""
    name = state.service.name
    previous = f" The previous one is still there, as {name}-blue." if state.live else ""
    error = Kind.HOST_NOT_READY(
        f"Docker on the host stopped answering before the new release of {name} was proven.",
        state=f"The new release has the name, and may be serving.{previous}",
        remedy=f"See that Docker runs (systemctl status docker), then: inv deploy.recover {name}",
    )
    return Read(state, failed=ENGINE_AWAY, error=error)


class Step:
    """One command on the host.

    Attributes:
        name: for programs; the history and ``--json`` have it.
        said: the title for people; ``{service}``, ``{state.field}`` and ``{step.field}`` are filled in.
        enters: the phase that begins with it, before it is known how it ends.
        shield: seconds that a signal waits for it at most.
        stuck: the state of the host if it fails, filled in like the title.
        remedy: what to type then.
    """

    name: ClassVar[str]
    said: ClassVar[str]
    enters: ClassVar[Phase | None] = None
    shield: ClassVar[float] = 0.0
    stuck: ClassVar[str] = ""
    remedy: ClassVar[str] = ""

    def title(self, state: State) -> str:
        """Return what it does, for people."""
        return self._filled(self.said, state)

    def _filled(self, text: str, state: State) -> str:
        return text.format(service=state.service.name, state=state, step=self)

    def command(self, state: State) -> Command:
        """Return what is sent. What only an earlier answer tells stands in angle brackets in a plan."""
        raise NotImplementedError

    def feed(self, state: State, tell: Callable[[str], None]) -> Iterable[bytes] | None:
        """Return what the command is fed that is too large to be held; it tells how far it came. None for nothing."""
        return None

    def read(self, state: State, result: Result) -> Read:
        """Return what the answer came to; that it was done, if nothing else is to be learned from it."""
        return Read(state) if result.ok else Read(state, error=self.failure(state, result))

    def failure(self, state: State, result: Result) -> BehindyError:
        """Return what ends the walk when it could not be done."""
        return result.error(state=self._filled(self.stuck, state), remedy=self.remedy)

    def progress(self, line: str) -> str:
        """Return what a line of the answer shows while it runs; empty for nothing."""
        return ""

    def follow(self) -> Callable[[str], str]:
        """Return what takes each line while it runs and returns what is shown, as :meth:`progress`; it may count."""
        return self.progress

    def needless(self, state: State) -> bool:
        """Return whether there turned out to be nothing to do."""
        return False


class Attempts(Step):
    """A command that is sent again until it succeeds, for good or bad.

    Attributes:
        definite: attempts in a row with an error of the release itself, after which waiting longer is pointless; 0
            for never. For where users already meet the release: 45 s of errors would be no caution.
        yields: a signal ends it at once, as if it had failed.
        attempts: at most; 0 for as many as the service declares.
    """

    attempts: ClassVar[int] = 0
    definite: ClassVar[int] = 0
    yields: ClassVar[bool] = False

    def policy(self, state: State) -> HealthPolicy:
        """Return how often, and how long each attempt may take."""
        policy = state.service.health
        return replace(policy, attempts=self.attempts) if self.attempts else policy

    def judge(self, state: State, result: Result) -> Look:
        """Return what one attempt came to."""
        raise NotImplementedError

    def conclude(self, state: State, look: Look) -> Read:
        """Return what the last attempt came to."""
        if look.verdict is Verdict.HEALTHY:
            return Read(state, look.reason)
        reason = f"{look.reason}; it says: {look.said}" if look.said else look.reason
        read = self.unhealthy(state, reason, look.fault)
        if read.error is None or not look.remedy:
            return read
        return replace(read, error=read.error.but(remedy=look.remedy))

    def unhealthy(self, state: State, reason: str, fault: Fault) -> Read:
        """Return what follows when it did not succeed."""
        return Read(state, reason, failed=reason)

    def read(self, state: State, result: Result) -> Read:
        return self.conclude(state, self.judge(state, result))


def patience(state: State, container: Container, *, at_least: int) -> HealthPolicy:
    """Return what is left of a candidate's patience, by the container's age: it may still be booting after a reboot.

    Args:
        at_least: attempts, however old it is.
    """
    policy = state.service.health
    age = max(0.0, state.survey.age(container))  # the clock may have been set back since
    return replace(policy, attempts=max(at_least, math.ceil(policy.attempts - age / policy.interval)))


@dataclass(frozen=True, slots=True)
class Say:
    """A decision that stands in the plan: something that is told, and not sent."""

    event: Event


@dataclass(frozen=True, slots=True)
class FromHere:
    """A public URL that this machine asks itself: nothing on the host, and never more than a warning."""

    url: str


@dataclass(frozen=True, slots=True)
class Together:
    """Steps that need nothing of one another: sent as one command, in one round trip."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """Steps that are begun first, go on beside ``items``, and are waited for after those, the last one first."""

    steps: tuple[Step | FromHere, ...]
    items: tuple[Step | Say | FromHere | Together, ...]


@dataclass(frozen=True, slots=True)
class WithNext:
    """Two steps, one after the other, of which the first sends the other's first command along: a round trip less.

    Attributes:
        following: the other; its command begins where the first ended well.
        well: as for :func:`behindy_ops.host.command.in_turn`.
    """

    step: Step
    following: Attempts
    well: str = ""


Item = Step | Say | FromHere | Beside | Together | WithNext
"""One place in a plan."""
