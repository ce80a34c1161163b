"""Walking a plan: each step is shown, sent, and read; what was begun beside it is waited for where the plan says so."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial

from behindy_ops.checks import outside
from behindy_ops.checks.check import Facts
from behindy_ops.deploy.engines.choice import engine
from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.step import (
    Attempts,
    Beside,
    Fault,
    FromHere,
    Item,
    Look,
    Read,
    Say,
    Step,
    Together,
    Verdict,
    WithNext,
)
from behindy_ops.facts.outside import Sighting
from behindy_ops.host.command import Command, Result, apart, in_turn, of_those_that_ran, together
from behindy_ops.host.host import new_mark
from behindy_ops.host.session import Session
from behindy_ops.host.session import Step as Shown
from behindy_ops.report.events import Warning_


class Relapse(Exception):
    """The new release has to be taken back; its text says why.

    Attributes:
        fault: whose that is.
    """

    def __init__(self, reason: str, fault: Fault) -> None:
        super().__init__(reason)
        self.fault = fault


class Walk:
    """One plan under way.

    Attributes:
        state: what is known now.
        phases: when each phase was come to, on this side's clock, in seconds.
        facts: what the steps told of the new release.
        healthy: what the last step with attempts came to.
        reached: is told of each phase that is come to, once the step that did is.
    """

    def __init__(self, session: Session, state: State, *, reached: Callable[[Phase], None] = lambda _: None) -> None:
        self.session = session
        self.reached = reached
        self.state = state
        self.phases: dict[Phase, float] = {}
        self.facts: dict[str, str] = {}
        self.healthy = False
        self._said = ""
        self._untold: list[Phase] = []
        self._ahead: dict[type[Step], Result] = {}

    def go(self, items: Iterable[Item]) -> str:
        """Walk; return the outcome if a step ended it early, else an empty string.

        Raises:
            Relapse: the new release has to be taken back.
            BehindyError: a step failed; :attr:`state` says how far it came.
        """
        for item in items:
            match item:
                case Say(event):
                    self.session.emit(event)
                case FromHere():
                    self._begin(item)()
                case Beside(steps, inner):
                    begun = [self._begin(step) for step in steps]
                    if outcome := self.go(inner):
                        return outcome
                    for end in reversed(begun):
                        end()
                case Together(steps):
                    self._together(steps)
                case Step() | WithNext():
                    if outcome := self._step(item):
                        return outcome
        return ""

    def _step(self, item: Step | WithNext) -> str:
        if isinstance(item, Step):
            return self._walk(item, self._send)
        first = self._walk(item.step, partial(self._send, ask=partial(self._ask_both, item)))
        return first or self._walk(item.following, self._send)

    def _together(self, steps: Sequence[Step]) -> None:
        mark, sent = new_mark(), [step for step in steps if not step.needless(self.state)]
        commands = [self._to_begin(step) for step in sent]
        ended: list[Result] = []

        def answer(step: Step, shown: Shown) -> Read:
            if step not in sent:
                return self._end(None, step, shown)
            if not ended:
                ended.extend(apart(mark, self.session.host.run(together(mark, commands)), commands))
            return step.read(self.state, self._heard(ended[sent.index(step)]))

        for step in steps:
            self._walk(step, answer)

    def _walk(self, step: Step, answer: Callable[[Step, Shown], Read]) -> str:
        shielded = self.session.interrupts.shielded(step.shield) if step.shield else contextlib.nullcontext()
        with self.session.step(step.name, step.title(self.state)) as shown, shielded:
            if step.enters is not None:
                self._accept(self.state.at(step.enters))
            read = answer(step, shown)
            self._accept(read.state)
            shown.detail, shown.failed = read.detail, read.failed
            if read.error is not None:
                for event in read.events:
                    self.session.emit(event)
                raise engine(self.state.settings).explained(read.error, self._said)
        while self._untold:  # once the step that came to it is told
            self.reached(self._untold.pop(0))
        for event in read.events:
            self.session.emit(event)
        self.facts |= read.facts
        if read.relapse:
            raise Relapse(read.relapse, read.fault)
        return read.outcome

    def _from_here(self, url: str, seeing: Callable[[], Sighting | None]) -> None:
        with self.session.step("outside", f"Ask {url} from this machine too") as shown:
            sight = self.session.from_here(seeing)
            (check,) = outside.seen(Facts(survey=self.state.survey, services=(self.state.service,), outside=sight))
            shown.detail = check.found
        if check.problem:
            self.session.emit(Warning_(f"{check.found} {check.remedy}"))

    def _begin(self, item: Step | FromHere) -> Callable[[], object]:
        """Begin something, and return what waits for it and takes its answer."""
        if isinstance(item, FromHere):
            outside = self.session.outside
            return (lambda: None) if outside is None else partial(self._from_here, item.url, outside(item.url))
        answer = None if item.needless(self.state) else self.session.host.begin(self._to_begin(item))
        return partial(self._walk, item, partial(self._end, answer))

    def _to_begin(self, step: Step) -> Command:
        return self._command(step, Shown(step.name, emit=self.session.emit))

    def _end(self, answer: Future[Result] | None, step: Step, _: Shown) -> Read:
        if answer is None:  # it turned out to be needless
            return step.read(self.state, Result(step.command(self.state), 0, "", "", 0.0))
        return step.read(self.state, self._heard(self.session.host.end(answer)))

    def _heard(self, result: Result) -> Result:
        """Keep what a script wrote beside its answer: an error may have its name from that."""
        self._said = result.stderr
        return result

    def _send(self, step: Step, shown: Shown, ask: Callable[[Command], Result] | None = None) -> Read:
        ask = ask or self.session.host.run
        if step.needless(self.state):
            return self._end(None, step, shown)
        command = self._command(step, shown)
        if not isinstance(step, Attempts):
            return step.read(self.state, self._heard(ask(command)))
        look = self._attempt(step, command, ask)
        self.healthy = look.verdict is Verdict.HEALTHY
        return step.conclude(self.state, look)

    def _ask_both(self, item: WithNext, command: Command) -> Result:
        """Send the command of a step with the one that follows, whose answer is kept if it came to that."""
        mark, both = new_mark(), (command, self._to_begin(item.following))
        self._ahead.pop(type(item.following), None)
        result = self.session.host.run(in_turn(mark, item.well, *both))
        told = of_those_that_ran(mark, result, both)
        if len(told) > 1:
            self._ahead[type(item.following)] = told[1]
        return told[0] if told else dataclasses.replace(result, command=command, exit_code=result.exit_code or -1)

    def _attempt(self, step: Attempts, command: Command, ask: Callable[[Command], Result]) -> Look:
        """Attempt until healthy, failed for good, or out of attempts (15, 3 s apart, unless the service differs).

        An attempt looks for up to ``policy.interval`` seconds itself, so the pause after it is what is left of that
        time. The last look is returned, and its verdict is never AGAIN: out of attempts is FATAL.
        """
        from tenacity import Retrying, retry_if_result, stop_after_attempt

        session, policy = self.session, step.policy(self.state)
        begun, in_a_row = session.clock(), 0

        def once() -> Look:
            nonlocal begun, in_a_row
            begun = session.clock()
            ahead = self._ahead.pop(type(step)) if type(step) in self._ahead else None
            look = step.judge(self.state, self._heard(ask(command) if ahead is None else ahead))
            in_a_row = in_a_row + 1 if look.definite else 0
            enough = look.verdict is Verdict.AGAIN and 0 < step.definite <= in_a_row
            gone = look.fault is Fault.ENGINE and engine(self.state.settings).gone(self._said)
            stopped = step.yields and session.interrupts.requested is not None
            return dataclasses.replace(look, verdict=Verdict.FATAL) if enough or stopped or gone else look

        retrying = Retrying(
            stop=stop_after_attempt(policy.attempts),
            wait=lambda _: max(0.0, policy.interval - (session.clock() - begun)),
            sleep=session.sleep,
            retry=retry_if_result(lambda look: look.verdict is Verdict.AGAIN),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        look: Look = retrying(once)
        if look.verdict is Verdict.AGAIN:
            times = f", {policy.attempts} attempts in a row" if policy.attempts > 1 else ""
            return dataclasses.replace(look, verdict=Verdict.FATAL, reason=f"{look.reason}{times}")
        return look

    def _command(self, step: Step, shown: Shown) -> Command:
        known = dataclasses.replace(self.state, now=self.session.host_now(), durations=dict(self.session.durations))
        command = step.command(known)
        if (feed := step.feed(known, shown.progress)) is not None:
            command = dataclasses.replace(command, feed=feed)
        if type(step).progress is Step.progress:
            return command

        follow = step.follow()

        def tell(line: str) -> None:
            if text := follow(line):
                shown.progress(text)

        return dataclasses.replace(command, on_line=tell)

    def _accept(self, state: State) -> None:
        if state.phase is not self.state.phase:
            self.phases[state.phase] = self.session.clock()
            self._untold.append(state.phase)
        self.state = state
