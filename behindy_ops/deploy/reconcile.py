"""Finishing or undoing what an interrupted run left; the decision is :func:`behindy_ops.facts.leftovers.leftover`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from behindy_ops.checks import preflight
from behindy_ops.deploy import drains
from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.plan import after_switch, followed
from behindy_ops.deploy.replace import take_back
from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.drain import Retire
from behindy_ops.deploy.steps.external import CheckLive
from behindy_ops.deploy.steps.internal import CheckRunning
from behindy_ops.deploy.steps.steady import CheckStillSteady
from behindy_ops.deploy.steps.step import Item, patience
from behindy_ops.deploy.steps.stop import Remove, StartAgain, StopPrevious
from behindy_ops.deploy.steps.switch import FollowBack, GiveName
from behindy_ops.deploy.steps.verify import Record
from behindy_ops.deploy.walk import Relapse, Walk
from behindy_ops.errors import Interrupted, RemoteCommandFailed
from behindy_ops.facts.container import Container
from behindy_ops.facts.leftovers import Recovery, leftover, parted, serves, stopped_first
from behindy_ops.facts.release import Release, is_job, released_as
from behindy_ops.facts.survey import Survey, Trio
from behindy_ops.host.session import Session
from behindy_ops.project.services import Once, Service, replicas
from behindy_ops.report.events import Decision, Recovered, TakenBack, Warning_

ROUNDS = 5
"""Times a service is looked at and put in order before a person is asked; the table needs three at most."""


def reconcile(
    session: Session, service: Service, survey: Survey, *, underway: str = ""
) -> tuple[Survey, list[Recovery]]:
    """Finish or undo what an interrupted run left of one service, in all its containers.

    Args:
        underway: the release that this very run was making, which tells of its own x-deploy.after.

    Returns:
        The survey as it is now, and what was done.

    Raises:
        Kind.HOST_NOT_READY: Docker does not answer, so nothing is known.
        RemoteCommandFailed: it does not settle.
    """
    done: list[Recovery] = []
    behind = parted(survey, service)
    for each in replicas(service):
        survey, of_this = _reconcile(session, each, survey, behind, underway)
        done += of_this
    return survey, done


def _reconcile(
    session: Session, service: Service, survey: Survey, behind: str, underway: str
) -> tuple[Survey, list[Recovery]]:
    done: list[Recovery] = []
    for _ in range(ROUNDS):
        if (problem := preflight.docker_problem(survey)) is not None:
            raise problem
        try:
            recovery = _recover_once(session, service, survey, behind)
            if recovery is Recovery.NOTHING:
                _record(session, service, survey, done, underway)
                return survey, done
            done.append(recovery)
            survey = session.look()
        except Interrupted as error:
            trio = survey.trio(service.name)
            state = f"What an earlier run left of {service.name} may still be there."
            if trio.live or trio.blue:
                state = f"{service.name} is up; what an earlier run left of it may still be there."
            remedy = "The next deploy puts it in order; or now: inv deploy.recover"
            raise error.but(state=state, remedy=remedy) from error
    raise RemoteCommandFailed(
        f"{service.name} does not come to rest: {', '.join(recovery.name for recovery in done)}.",
        state="The live container was left as it is.",
        remedy="Look at it: inv deploy.status; docker ps -a on the host.",
    )


def _recover_once(session: Session, service: Service, survey: Survey, behind: str) -> Recovery:
    """Do what the table says for what was seen, and return it; doing it twice does no harm.

    Args:
        behind: the container of the same service that has not come as far, for which this one goes back; or empty.
    """
    recovery = leftover(survey, service.name)
    if recovery is Recovery.NOTHING:
        return recovery
    once, green = survey.once(service.name), survey.trio(service.name).green
    if once is None and green is None and service.name in survey.draining:
        drains.end(session, service, survey, word=drains.LEAVE)  # one at a time; what it left is seen then
        return recovery
    session.emit(Decision(f"{service.name}: {recovery.value}."))
    walk = Walk(session, _state(session, service, survey))
    if once is not None:  # so that it never runs twice at the same time
        walk.go([Remove(once, grace=service.stop)])
    else:
        _put_in_order(walk, survey.trio(service.name), recovery, behind)
    return recovery


def _put_in_order(walk: Walk, trio: Trio, recovery: Recovery, behind: str) -> None:
    service = walk.state.service
    match recovery, trio.live, trio.green, trio.blue:
        case Recovery.REMOVE_GREEN, _, Container() as green, _ if green.running and service.asked:
            walk.go([Retire(green), Remove(green)])
        case ((Recovery.REMOVE_GREEN | Recovery.START_OVER), _, Container() as green, _):
            walk.go([Remove(green)])
        case Recovery.FINISH_SWITCH, _, Container() as green, Container() as blue:
            if behind or stopped_first(green, blue) or not _finished(walk, green, blue):
                first: list[Item] = [] if service.overlap else [Remove(green)]  # they must not run side by side
                walk.go([*first, *_restored(walk.state, blue)])
        case Recovery.RESTORE_BLUE, _, _, Container() as blue:
            walk.go(_restored(walk.state, blue))
        case ((Recovery.SWITCH_BACK | Recovery.FINISH_DRAIN), Container() as live, _, Container() as blue):
            _after_switch(walk, live, blue, bad=recovery is Recovery.SWITCH_BACK, behind=behind)


def walk_of(session: Session, service: Service, survey: Survey) -> Walk:
    """Return what puts in order a service that no deploy is under way of."""
    return Walk(session, _state(session, service, survey))


def _state(session: Session, service: Service, survey: Survey) -> State:
    live = survey.trio(service.name).live
    release = released_as(live) if live else Release("", service.name, "", "", "", "")
    return State(
        service, Goal("recovery", watch=0, wait_drain=True), session.settings, survey, live, release, who=session.who
    )


def stopped_last(live: Container, blue: Container) -> bool:
    """Return whether the previous container was stopped when its successor served already."""
    return serves(live) and not blue.running and not stopped_first(live, blue)


def _healthy(walk: Walk, container: Container) -> bool:
    check = CheckRunning(container) if walk.state.service.asked else CheckStillSteady(container)
    walk.go([check])
    return walk.healthy


def _finished(walk: Walk, green: Container, blue: Container) -> bool:
    """Give the name to a candidate that is healthy; return whether it was."""
    if not green.running or not _healthy(walk, green):
        return False
    policy = blue.restart_policy if green.restart_policy in ("", "no") else ""
    walk.go([GiveName(green.id, "Give {service} to the healthy candidate", policy=policy)])
    walk.go(followed(walk.state, FollowBack(green.id)))
    return True


def _restored(state: State, blue: Container) -> list[Item]:
    """Return the steps that give the name back; started first, so that no live container is left that is stopped."""
    idle = blue.running or state.service.schedule or is_job(blue)  # a job runs at its times only
    items: list[Item] = [] if idle else [StartAgain(blue.id, "Start {service}-blue again")]
    items.append(GiveName(blue.id, "Give {service} back to the previous release"))
    return [*items, *followed(state, FollowBack(blue.id))]


def _after_switch(walk: Walk, live: Container, blue: Container, *, bad: bool, behind: str) -> None:
    """Go on after the renames: the new release is proven and the previous one stopped, or it is taken back."""
    state = walk.state
    if not behind and (state.service.schedule or (not bad and stopped_last(live, blue))):
        walk.go([Remove(blue)])  # the new one was proven; a restart since then says nothing
        return
    walk.state = replace(
        state,
        green=live,
        live=blue,
        switched=int(state.survey.uptime * 1000),
        phase=Phase.NAMED if state.stale else Phase.SWITCHED,
    )
    reason = f"{behind} was not put live, and all of them go together" if behind else "it is not healthy"
    booting = live.running and not live.restarting and patience(state, live, at_least=0).attempts > 0
    if not behind and (booting or not bad) and _healthy(walk, live):
        try:
            walk.go([*after_switch(walk.state), StopPrevious()])
        except Relapse as relapse:
            reason = str(relapse)
        else:
            return
    with walk.session.interrupts.shielded():
        take_back(walk, reason, hurried=False)
    what = f"The new release of {state.service.name} was switched back: {reason}."
    walk.session.emit(Decision(f"{what} {walk.state.serving}"))
    walk.session.emit(TakenBack(state.service.name, reason))


def _record(session: Session, service: Service, survey: Survey, done: Sequence[Recovery], underway: str) -> None:
    """Write to the host's history what was put in order; a release that an interrupted run left live stands from now.

    A run that dies between the switch and its record leaves one that nobody could roll back to. It stands if it answers
    from outside: one that was the first ever has no previous release to be switched back to, and may be a bad one.
    """
    live = survey.trio(service.name).live
    walk = Walk(session, _state(session, service, survey))
    known = {remembered.id: remembered.status for remembered in survey.released(service.name)}
    there = live is not None if service.schedule else serves(live)
    stands = there and known.get(walk.state.release.id) in ("candidate", "failed")
    if stands and not service.schedule:
        walk.go([CheckLive() if service.asked or live is None else CheckStillSteady(live)])
        stands = walk.healthy
        if not stands:
            how = "does not answer from outside" if service.asked else "is not well"
            told = f"{service.name} was never proven and {how}. Deploy a good release."
            session.emit(Warning_(told))
    if service.after is not None and walk.state.release.id != underway:
        _tell_after(session, service, service.after, cut=Recovery.END_AFTER in done, unrecorded=stands)
    if done or stands:
        said = "; ".join(recovery.value for recovery in dict.fromkeys(done))
        reason = said or "an earlier run died before it could record its end"
        outcome = "live" if live else "not deployed"
        walk.go([Record(outcome, reason, stands=stands)])
        session.emit(Recovered(service.name, outcome, walk.state.release.tag, reason))


def _tell_after(session: Session, service: Service, after: Once, *, cut: bool, unrecorded: bool) -> None:
    """Say that what was to run once a release was live did not, or that nobody knows: it is never run again by itself.

    Args:
        cut: it ran when the earlier run died.
        unrecorded: that run put a release live and died before it had recorded that; a rollback runs none.
    """
    if not cut and not unrecorded:
        return
    key = f"x-deploy.after of {service.name}"
    told = f"{key} was cut off" if cut else f"If the run that died was a deploy, {key} may not have run to its end"
    session.emit(
        Warning_(f"{told}. It is not run again; to run it: inv ops.run {service.name} -- {shlex.join(after.command)}")
    )
