"""One service is replaced: from the survey under the lock to the line in the history, whatever ends it."""

from __future__ import annotations

import shlex

from behindy_ops.deploy.check import require_ready
from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.plan import bring_back, steps, way_back
from behindy_ops.deploy.state import Phase, begin
from behindy_ops.deploy.steps.drain import LeaveToDrain
from behindy_ops.deploy.steps.external import CheckOutside
from behindy_ops.deploy.steps.step import LOGGED, Fault, Item
from behindy_ops.deploy.steps.stop import Discard, Remove
from behindy_ops.deploy.steps.switch import Follow
from behindy_ops.deploy.steps.verify import Record
from behindy_ops.deploy.walk import Relapse, Walk
from behindy_ops.errors import (
    STILL_RUNNING,
    UNCHANGED,
    BehindyError,
    ConnectionLost,
    Interrupted,
    Kind,
    LeaseLost,
    RemoteCommandFailed,
    SwitchedBack,
)
from behindy_ops.facts.container import Container
from behindy_ops.facts.figures import took
from behindy_ops.facts.outside import REACH_IT
from behindy_ops.facts.release import next_id
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service
from behindy_ops.report.events import Decision, DeployFinished, DeployStarted, TakenBack, Warning_


class Replacement:
    """Replaces one service. The host is surveyed, locked and reconciled before.

    Attributes:
        made: the new release is live and stays; not if the run was told to stop.
        holds: it was not taken back.
    """

    def __init__(self, session: Session, service: Service, goal: Goal, survey: Survey, *, incomplete: str = "") -> None:
        now = session.host_now()
        release_id = f"{next_id(now, survey.released(service.name))}-{session.randomness(4)}"
        made = {"release_id": release_id, "created": now.isoformat(timespec="seconds"), "who": session.who}
        state = begin(service, goal, session.settings, survey, incomplete=incomplete, **made)
        self.session = session
        self.walk = Walk(session, state, reached=self._reached)
        self.holds = True
        self.made = False
        self._began = session.clock()

    @property
    def name(self) -> str:
        return self.walk.state.service.name

    def run(self) -> None:
        """Replace it, or find that it need not be.

        Raises:
            BehindyError: it failed; the error says in what state the host is.
        """
        self.announce()
        try:
            self.require_ready()
            outcome = self.walk.go(steps(self.walk.state)) or "live"
        except (ConnectionLost, LeaseLost):
            raise
        except Relapse as relapse:
            raise self.taken_back(str(relapse), relapse.fault) from None
        except BehindyError as error:
            raise self.ended_by(error) from error
        finally:
            self.say_how_long_it_was_down()
        self.finish(outcome)

    def announce(self) -> None:
        session, state = self.session, self.walk.state
        goal = state.goal
        shown = goal.target.id if goal.target else state.release.repository
        session.emit(
            DeployStarted(state.service.name, goal.tag, session.settings.host, shown, session.settings.environment)
        )

    def require_ready(self) -> None:
        """Check that the host is ready.

        Raises:
            BehindyError: it is not.
        """
        session, state = self.session, self.walk.state
        goal = state.goal
        pulled = "" if goal.target else f"{state.release.repository}:{goal.tag}"
        require_ready(
            *(session, state.service, state.survey, pulled),
            force=goal.force,
            alone=goal.recreate,
            local=state.local,
        )
        if goal.target is not None:
            release = f"release {goal.target.id} ({goal.target.tag})"
            restarting = f"Restarting {release} in a new container."
            back = f"Going back to {release}, as it was configured."
            session.emit(Decision(restarting if goal.kind == "restart" else back))

    def finish(self, outcome: str) -> None:
        """Tell how it ended.

        Raises:
            Kind.AFTER_FAILED: the release is live, and the command that follows did not end well.
        """
        session, name = self.session, self.walk.state.service.name
        sent, session.counted = session.host.remote_commands - session.counted, session.host.remote_commands
        facts = {**self._when(), **self.walk.facts, "remote_commands": str(sent)}
        session.emit(DeployFinished(name, outcome, session.clock() - self._began, facts))
        self.made = outcome == "live"
        if unfinished := self.walk.state.unfinished:
            raise after_failed(self.walk.state.service, unfinished)

    def _reached(self, phase: Phase) -> None:
        state = self.walk.state
        if phase is Phase.PROVEN and state.watch > 0:
            seconds = took(self.session.clock() - self._began)
            told = f"The new release of {state.service.name} is live and proven after {seconds}"
            more = "; it is being watched" if self._watched_after() > 0 else ""
            self.session.emit(Decision(f"{told}{more}."))

    def _watched_after(self) -> float:
        """Return how many seconds it is watched after it was proven; the watch begins with the switch."""
        phases, watch = self.walk.phases, self.walk.state.watch
        switched = phases.get(Phase.SWITCHED, phases[Phase.PROVEN])
        return max(0.0, switched + watch - phases[Phase.PROVEN])

    def _when(self) -> dict[str, str]:
        """Return when the new release was live and proven, and how long it was watched after that."""
        if Phase.PROVEN not in self.walk.phases:
            return {}
        after = self._watched_after()
        proven = f"after {took(self.walk.phases[Phase.PROVEN] - self._began)}"
        return {"live_and_proven": proven, "watched_after_that": took(after) if after else "not at all"}

    def ended_by(self, error: BehindyError) -> BehindyError:
        """Go to a safe state from wherever it failed; return the error with the state that leaves."""
        phase = self.walk.state.phase
        if phase is Phase.UNCHANGED:
            return error.but(state=error.state or (STILL_RUNNING if self.walk.state.live else UNCHANGED))
        if phase >= Phase.NAMED and isinstance(error, Interrupted):
            return self.stopped_after_switch(error)
        if phase >= Phase.TORN:
            return error
        return self.given_up(error)

    def given_up(self, error: BehindyError) -> BehindyError:
        """Remove the candidate after a failure before the switch, and record it."""
        state = self.walk.state
        with self.session.interrupts.shielded():
            if state.phase >= Phase.PREPARED or state.phase is Phase.BEGUN:
                try:
                    self.walk.go([Discard()])
                except RemoteCommandFailed as failure:  # the host is in trouble; what that did first is what to tell
                    self.warn(failure)
            if self._prepared:
                self._record("interrupted" if isinstance(error, Interrupted) else "refused", error.what)
            if state.phase >= Phase.ASIDE and state.goal.recreate and state.live is not None:
                return error.but(state=f"{self._brought_back()}{self._stays()}")
        if state.live is None:
            untouched = f"There was no release of {state.service.name} before, so nothing serves it."
        else:
            untouched = "The live release was never touched and is still running."
        return error.but(state=f"{error.state or untouched}{self._stays()}")

    @property
    def _prepared(self) -> bool:
        """Whether something was made of the release on the host, where its history has begun with it."""
        return self.walk.state.phase >= Phase.PREPARED or Phase.BEGUN in self.walk.phases

    def _stays(self) -> str:
        """Return what is said of that which no way back takes back."""
        state = self.walk.state
        if state.before is None or not self._prepared:
            return ""
        return f" What x-deploy.before of {state.service.name} has done, such as to the database, stays."

    def warn(self, failure: RemoteCommandFailed) -> None:
        self.session.emit(Warning_(f"{failure.what} {failure.state} {failure.remedy}"))

    def _brought_back(self) -> str:
        self.walk.go(bring_back(self.walk.state))
        return self.walk.state.serving

    def taken_back(self, reason: str, fault: Fault, *, stopped: str = "") -> SwitchedBack:
        """Give the name back to the previous release, see that it serves, and remove the failed one.

        Args:
            fault: whose the reason is.
            stopped: what told the run to stop, so that it hurries; empty if nothing did.
        """
        name = self.walk.state.service.name
        with self.session.interrupts.shielded():
            try:
                take_back(self.walk, reason, hurried=bool(stopped))
            except RemoteCommandFailed as failure:
                if not self.walk.state.serving:  # the new release still has the name
                    raise
                self.warn(failure)
            self.holds = False
            self.session.emit(TakenBack(name, reason))
            what = f"The new release of {name} was switched back: {reason}."
            self._record("switched back", stopped or what)
            if self.walk.state.goal.recreate and self.walk.state.live is not None:
                self._brought_back()
        remedy = REACH_IT if fault is Fault.NAME else f"{LOGGED} Fix it and deploy again."
        return SwitchedBack(what, state=f"{self.walk.state.serving}{self._stays()}", remedy=remedy)

    def stopped_after_switch(self, error: Interrupted) -> Interrupted:
        """Told to stop with the new release live: one attempt decides whether it stays, nothing is waited for."""
        name = self.walk.state.service.name
        with self.session.interrupts.shielded():
            items: list[Item] = [Follow()] if self.walk.state.phase is Phase.NAMED else []
            if self.walk.state.phase < Phase.PROVEN:
                items.append(CheckOutside(attempts=1))
            try:
                self.walk.go(items)
            except Relapse as relapse:
                reason = f"it was not proven before the run was told to stop: {relapse}"
                back = self.taken_back(reason, relapse.fault, stopped=error.what)
                return error.but(state=f"{back.what} {back.state}")
            cut = ""
            if self.walk.state.after is not None:
                self.walk.go([Remove(Container(f"{name}-after", f"{name}-after"))])
                cut = f" x-deploy.after of {name} was stopped, or not begun."
            if self.walk.state.left_to_host and not self.walk.state.handed_over:
                self.walk.go([LeaveToDrain()])
            by_host = self.walk.state.handed_over
            left = f" {name}-blue was left to the {'host' if by_host else 'next run'}" if self.walk.state.live else ""
            self._record("live", f"{error.what}{left}")
        if self.walk.state.live is None:
            return error.but(state=f"{name} is live.{cut}")
        if by_host:
            return error.but(state=f"The new release of {name} is live; the host drains and stops {name}-blue.")
        return error.but(
            state=f"The new release of {name} is live; {name}-blue may still be there.{cut}",
            remedy=f"The next deploy of {name} removes it; or now: inv deploy.recover {name}",
        )

    def _record(self, outcome: str, reason: str) -> None:
        self.walk.go([Record(outcome, reason)])

    def say_how_long_it_was_down(self) -> None:
        since = self.walk.phases.get(Phase.ASIDE)
        if since is None:
            return
        phases = self.walk.phases
        live = (phases[each] for each in (Phase.NAMED, Phase.SWITCHED, Phase.PROVEN) if each in phases)
        switched = next(live, None) if self.holds else None
        end = self.session.clock() if switched is None else switched
        self.session.emit(Decision(f"{self.walk.state.service.name} was down for at most {end - since:.0f} s."))


def after_failed(service: Service, why: str) -> BehindyError:
    """Return the error for a release that is live, of which the command that follows did not end well."""
    words = shlex.join(service.after.command) if service.after is not None else "COMMAND"
    return Kind.AFTER_FAILED(
        why,
        state=f"The new release of {service.name} is live and stays.",
        remedy=f"Correct the cause, then run the command itself: inv ops.run {service.name} -- {words}",
    )


def take_back(walk: Walk, reason: str, *, hurried: bool) -> None:
    """Say so, and walk the way back."""
    walk.session.emit(Decision(f"The new release is taken back: {reason}."))
    walk.go(way_back(walk.state, hurried=hurried))
