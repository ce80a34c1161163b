"""A service of several containers is replaced as one: all candidates are healthy before any of them gets its name.

To the host each further container is a service of its own name (``web-2``), so that every step, and what is found after
a crash, is as for one. What goes wrong with one of them takes all of them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from behindy_ops.deploy import plan
from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.replace import Replacement
from behindy_ops.deploy.state import Phase, State, begin
from behindy_ops.deploy.steps.drain import DrainSpare
from behindy_ops.deploy.steps.step import Fault, Item, Say
from behindy_ops.deploy.steps.stop import RemoveSpare
from behindy_ops.deploy.steps.switch import PutOut, Switch
from behindy_ops.deploy.walk import Relapse, Walk
from behindy_ops.errors import BehindyError, ConnectionLost, Interrupted, LeaseLost, RemoteCommandFailed
from behindy_ops.facts.container import Container
from behindy_ops.facts.leftovers import incomplete, surplus
from behindy_ops.facts.release import released_as
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service, replicas
from behindy_ops.report.events import Decision, Warning_


class Replaces(Protocol):
    """What replaces a service."""

    @property
    def walk(self) -> Walk: ...

    @property
    def made(self) -> bool: ...

    def run(self) -> None: ...


def replacement(session: Session, service: Service, goal: Goal, survey: Survey) -> Replaces:
    """Return what replaces a service, however many containers it has."""
    if service.replicas == 1 and not surplus(survey, service):
        return Replacement(session, service, goal, survey, incomplete=incomplete(survey, service))
    return Replicas(session, service, goal, survey)


class Replicas:
    """Replaces all containers of one service."""

    def __init__(self, session: Session, service: Service, goal: Goal, survey: Survey) -> None:
        self.session = session
        self.first = Replacement(session, service, goal, survey, incomplete=incomplete(survey, service))
        goal = _of_others(self.first.walk.state)
        self.others = [Replacement(session, each, goal, survey) for each in replicas(service)[1:]]
        self.surplus = surplus(survey, service)
        self._under_way = self.first

    @property
    def walk(self) -> Walk:
        return self.first.walk

    @property
    def made(self) -> bool:
        return self.first.made

    @property
    def _all(self) -> list[Replacement]:
        return [self.first, *self.others]

    def run(self) -> None:
        """Replace them, or find that they need not be.

        Raises:
            BehindyError: it failed; the error says in what state the host is.
        """
        self.first.announce()
        try:
            self.first.require_ready()
            outcome = self._go() or "live"
        except (ConnectionLost, LeaseLost):
            raise
        except Relapse as relapse:
            raise self._taken_back(relapse) from None
        except BehindyError as error:
            raise self._ended_by(error) from error
        finally:
            self.first.say_how_long_it_was_down()
        self.first.finish(outcome)

    def _go(self) -> str:
        if outcome := self._walk(self.first, plan.made(self.first.walk.state)):
            return outcome
        for each in self.others:
            each.walk.state = as_the_first(each.walk.state, self.first.walk.state)
            self._walk(each, plan.made(each.walk.state))
        for each in self._all:
            self._walk(each, plan.checked(each.walk.state))
        for each in self._all:
            self._walk(each, [Switch()])
        for each in self._all:
            self._walk(each, plan.after_switch(each.walk.state))
        for each in self.others:
            self._walk(each, plan.ended(each.walk.state))
        self._under_way = self.first
        end_surplus(self.walk, self.surplus)
        self._walk(self.first, plan.ended(self.walk.state))  # with what runs once nobody else serves any more
        return ""

    def _walk(self, one: Replacement, items: Iterable[Item]) -> str:
        self._under_way = one
        return one.walk.go(items)

    def _taken_back(self, relapse: Relapse) -> BehindyError:
        """Take back the one that failed, then all others as far as each has come."""
        failed = self._under_way
        error = failed.taken_back(str(relapse), relapse.fault)
        self._undo(error, but=failed, reason=f"{failed.name} was switched back, and all of them go together")
        if failed.walk.state.live is None:  # it is new among them
            serving = (each.walk.state.serving for each in self._all if each.walk.state.live is not None)
            return error.but(state=next(filter(None, serving), error.state))
        return error

    def _ended_by(self, error: BehindyError) -> BehindyError:
        """Go to a safe state from wherever it failed; return the error with the state that leaves."""
        phases = [each.walk.state.phase for each in self._all]
        if min(phases) >= Phase.PROVEN and not isinstance(error, Interrupted):
            return error
        if min(phases) >= Phase.NAMED and isinstance(error, Interrupted):
            return self._stopped_after_switch(error)
        failed = self._under_way
        back = f"{failed.name} was not put live, and all of them go together"
        if failed.walk.state.phase >= Phase.NAMED:  # told to stop between two of the switches
            ended: BehindyError = failed.taken_back(back, Fault.RELEASE, stopped=error.what)
            ended = error.but(state=f"{ended.what} {ended.state}")
        else:
            ended = failed.ended_by(error)
        self._undo(error, but=failed, reason=back)
        return ended

    def _stopped_after_switch(self, error: Interrupted) -> BehindyError:
        """Told to stop with all of them live: they stay if each answers."""
        told: BehindyError = error
        for each in (*self.others, self.first):  # the first one has most to tell
            told = each.ended_by(error)
            if not each.holds:
                self._undo(error, but=each, reason=f"{each.name} was switched back, and all of them go together")
                break
        return told

    def _undo(self, error: BehindyError, *, but: Replacement, reason: str) -> None:
        for each in reversed([one for one in self._all if one is not but]):
            phase = each.walk.state.phase
            try:
                if phase >= Phase.NAMED and each.holds:
                    each.taken_back(reason, Fault.RELEASE, stopped=error.what if isinstance(error, Interrupted) else "")
                elif Phase.UNCHANGED < phase < Phase.TORN:
                    each.given_up(error)
            except RemoteCommandFailed as failure:  # the next run finds it; what failed first is what to tell
                each.warn(failure)


def as_the_first(state: State, first: State) -> State:
    """Return the state of a further container, which is made from the same image and of the same files."""
    release = replace(
        first.release, service=state.service.name, previous=released_as(state.live).id if state.live else ""
    )
    return replace(state, image=first.image, release=release)


def _of_others(state: State) -> Goal:
    """Return what is wanted of the further containers: none of them serves any more when ``x-deploy.after`` runs."""
    return replace(state.goal, wait_drain=state.goal.wait_drain or state.after is not None)


def _fewer(spare: Container) -> Iterator[Item]:
    """Yield what ends a container that the service no longer has; nginx asks another where one does not listen."""
    yield Say(Decision(f"{spare.name} is no longer declared (x-deploy.replicas): it is drained and removed."))
    yield PutOut(spare)
    yield DrainSpare(spare)
    yield RemoveSpare(spare)


def end_surplus(walk: Walk, spare: Sequence[Container]) -> None:
    """End the containers that the service no longer has; a failure is reported, and the next command tries again."""
    for each in spare:
        try:
            walk.go(_fewer(each))
        except RemoteCommandFailed as failure:
            walk.session.emit(Warning_(f"{each.name} is still there; the next deploy removes it. {failure.what}"))


def planned(state: State) -> Iterator[tuple[State, list[Item]]]:
    """Yield what replaces a service, in order, each part with the state of the container that it is about."""
    spare = surplus(state.survey, state.service)
    if state.service.replicas == 1 and not spare:
        yield state, list(plan.steps(state))
        return
    known = {"release_id": state.release.id, "created": state.release.created, "who": state.who}
    others = [
        as_the_first(begin(each, _of_others(state), state.settings, state.survey, **known), state)
        for each in replicas(state.service)[1:]
    ]
    everyone = [state, *others]
    for part in (plan.made, plan.checked, lambda _: [Switch()], plan.after_switch):
        yield from ((each, list(part(each))) for each in everyone)
    yield from ((each, list(plan.ended(each))) for each in others)
    yield from ((state, list(_fewer(each))) for each in spare)
    yield state, list(plan.ended(state))
