"""Finishing or undoing what an interrupted run left; the decision is :mod:`behindy_ops.facts.leftovers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.checks import preflight
from behindy_ops.deploy import candidate, commands, history, stale
from behindy_ops.deploy.cutover import Cutover, outside_paths
from behindy_ops.deploy.health import Verdict
from behindy_ops.errors import Interrupted, RemoteCommandFailed, SwitchedBack
from behindy_ops.facts.container import Container, parse_time
from behindy_ops.facts.leftovers import Recovery, decide, serves
from behindy_ops.facts.release import Release, released_as
from behindy_ops.project.services import HealthPolicy
from behindy_ops.report.events import Decision, Warning_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service

__all__ = ["reconcile"]

ROUNDS = 5
"""Times a service is looked at and mended before a person is asked; the table needs three at most."""


def reconcile(session: Session, service: Service, survey: Survey) -> tuple[Survey, list[Recovery]]:
    """Finish or undo what an interrupted run left of one service.

    Returns:
        The survey as it is now, and what was done.

    Raises:
        Kind.HOST_NOT_READY: Docker does not answer, so nothing is known.
        RemoteCommandFailed: it does not settle.
    """
    done: list[Recovery] = []
    for _ in range(ROUNDS):
        if (problem := preflight.docker_problem(survey)) is not None:
            raise problem
        try:
            recovery = recover_once(session, service, survey)
            if recovery is Recovery.NOTHING:
                record_recovery(session, service, survey, done)
                return survey, done
            done.append(recovery)
            survey = session.look()
        except Interrupted as error:
            raise error.but(
                state=f"{service.name} serves; what an earlier run left of it may still be there.",
                remedy="The next deploy puts it in order; or now: inv deploy.recover",
            ) from error
    raise RemoteCommandFailed(
        f"{service.name} does not come to rest: {', '.join(recovery.name for recovery in done)}.",
        state="The live container was left as it is.",
        remedy="Look at it: inv deploy.status; docker ps -a on the host.",
    )


def recover_once(session: Session, service: Service, survey: Survey) -> Recovery:
    """Do what the table says for what was seen; look again afterwards until it is NOTHING.

    Doing it twice does no harm.

    :returns: what was done.
    """
    trio = survey.trio(service.name)
    recovery = decide(trio)
    if recovery is Recovery.NOTHING:
        return recovery
    session.emit(Decision(f"{service.name}: {recovery.value}."))
    match recovery, trio.live, trio.green, trio.blue:
        case Recovery.REMOVE_GREEN, _, Container() as green, _ if green.running:
            _retire(session, service, green, survey)
        case ((Recovery.REMOVE_GREEN | Recovery.START_OVER), _, Container() as green, _):
            _remove(session, green)
        case Recovery.FINISH_SWITCH, _, Container() as green, Container() as blue if stopped_first(green, blue):
            _restore(session, service, blue)
            _follow(session, service, survey, blue)
        case Recovery.FINISH_SWITCH, _, Container() as green, Container() as blue:
            _follow(session, service, survey, _finish_switch(session, service, green, blue))
        case Recovery.FINISH_DRAIN, Container() as live, _, Container() as blue if stopped_last(live, blue):
            _remove(session, blue)  # because the new one was proven; a restart since then says nothing
        case Recovery.RESTORE_BLUE, _, _, Container() as blue:
            _restore(session, service, blue)
            _follow(session, service, survey, blue)
        case ((Recovery.SWITCH_BACK | Recovery.FINISH_DRAIN), Container() as live, _, Container() as blue):
            paths = outside_paths(service, survey)
            release = released_as(live).id
            moment, old = int(survey.now * 1000), service.name in survey.stale
            cutover = Cutover(session, service, live, blue, release, paths, old, switched_ms=moment)
            _after_switch(cutover, bad=recovery is Recovery.SWITCH_BACK)
    return recovery


def stopped_last(live: Container, blue: Container) -> bool:
    """Return whether blue was stopped when its successor served already."""
    return serves(live) and not blue.running and not stopped_first(live, blue)


def stopped_first(successor: Container, blue: Container) -> bool:
    """Return whether blue was stopped before its successor was made (``--strategy recreate``): that proves nothing."""
    return not blue.running and parse_time(blue.finished) < parse_time(successor.created)


def record_recovery(session: Session, service: Service, survey: Survey, done: Sequence[Recovery]) -> None:
    """Write to the host's history what was put in order; a release that an interrupted run left live stands from now.

    A run that dies between the switch and its record leaves one that nobody could roll back to. It stands if it answers
    from outside: one that was the first ever has no previous release to be switched back to, and may be a bad one.
    """
    live = survey.trio(service.name).live
    release = released_as(live) if live else Release("", service.name, "", "", "", "")
    known = {remembered.id: remembered.status for remembered in survey.released(service.name)}
    unproven = live is not None and serves(live) and known.get(release.id) in ("candidate", "failed")
    if unproven and not _answers(session, service, survey):
        unproven = False
        session.emit(
            Warning_(f"{service.name} was never proven and does not answer from outside. Deploy a good release.")
        )
    if not done and not unproven:
        return
    line = history.line(
        "ended",
        "recovery",
        release,
        at=session.now(),
        who=session.who,
        durations=session.durations,
        outcome="live" if live else "not deployed",
        reason="; ".join(recovery.value for recovery in done) or "an earlier run died before it could record its end",
    )
    with session.step("record", "Record what was put in order"):
        command = commands.record(session.paths, line)
        if unproven:
            command = commands.verify(session.paths, service.name, release, line)
        if not (result := session.host.run(command)).ok:
            session.emit(Warning_(f"The host's history could not be written: {result.how()}."))


def _answers(session: Session, service: Service, survey: Survey) -> bool:
    urls = [candidate.public_url(session, path) for path in outside_paths(service, survey)]
    with session.step("external", f"Check {urls[0]} from outside") as step:
        look = candidate.judge(session.host.run(commands.look_outside(urls, service.health, live=service)))
        step.detail = look.reason
        step.failed = "" if look.verdict is Verdict.HEALTHY else look.reason
    return look.verdict is Verdict.HEALTHY


def _retire(session: Session, service: Service, green: Container, survey: Survey) -> None:
    """Remove a candidate that runs. It may have been live until a moment ago, so it gets the time that blue gets."""
    with session.step("recover", f"Wait until {green.name} is idle"):
        earliest = int((survey.now + commands.CACHED) * 1000)
        limit = max(service.drain, commands.CACHED + 1)
        session.host.run(commands.drain(green.id, service.port, earliest_ms=earliest, limit=limit))
    _remove(session, green)


def _remove(session: Session, green: Container) -> None:
    with session.step("recover", f"Remove {green.name}"):
        session.host.run(commands.stop_blue(green.id, 0)).require()


def _follow(session: Session, service: Service, survey: Survey, container: Container) -> None:
    """Reload an nginx that would not find out by itself who has the name now."""
    if service.name not in survey.stale:
        return
    if problem := stale.follow(session, service.name, container.id)[1]:
        session.emit(Warning_(f"nginx could not be reloaded: {problem}. Reload it: inv ops.nginx --reload"))


def _finish_switch(session: Session, service: Service, green: Container, blue: Container) -> Container:
    """Returns who has the name now."""
    healthy = green.running and (candidate.check_inside(session, service, green.name, _ONCE).verdict is Verdict.HEALTHY)
    if healthy:
        with session.step("recover", f"Give {service.name} to the healthy candidate"):
            policy = blue.restart_policy if green.restart_policy in ("", "no") else ""
            session.host.run(commands.swap(None, (green.id, service.name), policy=policy)).require()
        return green
    _restore(session, service, blue)
    return blue


def _restore(session: Session, service: Service, blue: Container) -> None:
    with session.step("recover", f"Give {service.name} back to the previous release"):
        if not blue.running:  # first, so that a run that dies in between leaves no live container that is stopped
            session.host.run(commands.start(blue.id)).require()
        session.host.run(commands.swap(None, (blue.id, service.name))).require()


def _after_switch(cutover: Cutover, *, bad: bool) -> None:
    session, live = cutover.session, cutover.green
    try:
        if bad or candidate.check_inside(session, cutover.service, live.name, _ONCE).verdict is not Verdict.HEALTHY:
            cutover.switch_back("it is not healthy")
        cutover.settle(0)
        cutover.stop_blue()
    except SwitchedBack as error:
        session.emit(Decision(f"{error.what} {error.state}"))


_ONCE = HealthPolicy(attempts=3)
"""For a container that has been running for a while: 9 s tell."""
