"""Finishing or undoing what an interrupted run left; the decision is :mod:`behindy_ops.deploy.reconcile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.deploy import candidate, commands, history, stale
from behindy_ops.deploy.cutover import Cutover, outside_paths
from behindy_ops.deploy.health import Verdict
from behindy_ops.deploy.reconcile import Recovery, decide, serves
from behindy_ops.deploy.release import released_as
from behindy_ops.errors import SwitchedBack
from behindy_ops.facts.container import Container, parse_time
from behindy_ops.facts.survey import Release
from behindy_ops.project.services import HealthPolicy
from behindy_ops.report.events import Decision, Warning_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.deploy.context import Context
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service

__all__ = ["record_recovery", "recover_once"]


def recover_once(ctx: Context, service: Service, survey: Survey) -> Recovery:
    """Do what the table says for what was seen; look again afterwards until it is NOTHING.

    Doing it twice does no harm.

    :returns: what was done.
    """
    trio = survey.trio(service.name)
    recovery = decide(trio)
    if recovery is Recovery.NOTHING:
        return recovery
    ctx.emit(Decision(f"{service.name}: {recovery.value}."))
    match recovery, trio.live, trio.green, trio.blue:
        case Recovery.REMOVE_GREEN, _, Container() as green, _ if green.running:
            _retire(ctx, service, green, survey)
        case ((Recovery.REMOVE_GREEN | Recovery.START_OVER), _, Container() as green, _):
            _remove(ctx, green)
        case Recovery.FINISH_SWITCH, _, Container() as green, Container() as blue if stopped_first(green, blue):
            _restore(ctx, service, blue)
            _follow(ctx, service, survey, blue)
        case Recovery.FINISH_SWITCH, _, Container() as green, Container() as blue:
            _follow(ctx, service, survey, _finish_switch(ctx, service, green, blue))
        case Recovery.FINISH_DRAIN, Container() as live, _, Container() as blue if stopped_last(live, blue):
            _remove(ctx, blue)  # because the new one was proven; a restart since then says nothing
        case Recovery.RESTORE_BLUE, _, _, Container() as blue:
            _restore(ctx, service, blue)
            _follow(ctx, service, survey, blue)
        case ((Recovery.SWITCH_BACK | Recovery.FINISH_DRAIN), Container() as live, _, Container() as blue):
            paths = outside_paths(service, survey)
            release = released_as(live).id
            moment, old = int(survey.now * 1000), service.name in survey.stale
            cutover = Cutover(ctx, service, live, blue, release, paths, old, switched_ms=moment)
            _after_switch(cutover, bad=recovery is Recovery.SWITCH_BACK)
    return recovery


def stopped_last(live: Container, blue: Container) -> bool:
    """Return whether blue was stopped when its successor served already."""
    return serves(live) and not blue.running and not stopped_first(live, blue)


def stopped_first(successor: Container, blue: Container) -> bool:
    """Return whether blue was stopped before its successor was made (``--strategy recreate``): that proves nothing."""
    return not blue.running and parse_time(blue.finished) < parse_time(successor.created)


def record_recovery(ctx: Context, service: Service, survey: Survey, done: Sequence[Recovery]) -> None:
    """Write to the host's history what was put in order; a release that an interrupted run left live stands from now.

    A run that dies between the switch and its record leaves one that nobody could roll back to. It stands if it answers
    from outside: one that was the first ever has no previous release to be switched back to, and may be a bad one.
    """
    live = survey.trio(service.name).live
    release = released_as(live) if live else Release("", service.name, "", "", "", "")
    known = {remembered.id: remembered.status for remembered in survey.released(service.name)}
    unproven = live is not None and serves(live) and known.get(release.id) in ("candidate", "failed")
    if unproven and not _answers(ctx, service, survey):
        unproven = False
        ctx.emit(Warning_(f"{service.name} was never proven and does not answer from outside. Deploy a good release."))
    if not done and not unproven:
        return
    line = history.line(
        "ended",
        "recovery",
        release,
        at=ctx.now(),
        who=ctx.who,
        durations=ctx.durations,
        outcome="live" if live else "not deployed",
        reason="; ".join(recovery.value for recovery in done) or "an earlier run died before it could record its end",
    )
    with ctx.step("record", "Record what was put in order"):
        command = commands.record(ctx.paths, line)
        if unproven:
            command = commands.verify(ctx.paths, service.name, release, line)
        if not (result := ctx.host.run(command)).ok:
            ctx.emit(Warning_(f"The host's history could not be written: {result.how()}."))


def _answers(ctx: Context, service: Service, survey: Survey) -> bool:
    urls = [candidate.public_url(ctx, path) for path in outside_paths(service, survey)]
    with ctx.step("external", f"Check {urls[0]} from outside") as step:
        look = candidate.judge(ctx.host.run(commands.look_outside(urls, service.health, live=service)))
        step.detail = look.reason
        step.failed = "" if look.verdict is Verdict.HEALTHY else look.reason
    return look.verdict is Verdict.HEALTHY


def _retire(ctx: Context, service: Service, green: Container, survey: Survey) -> None:
    """Remove a candidate that runs. It may have been live until a moment ago, so it gets the time that blue gets."""
    with ctx.step("recover", f"Wait until {green.name} is idle"):
        earliest = int((survey.now + commands.CACHED) * 1000)
        limit = max(service.drain, commands.CACHED + 1)
        ctx.host.run(commands.drain(green.id, service.port, earliest_ms=earliest, limit=limit))
    _remove(ctx, green)


def _remove(ctx: Context, green: Container) -> None:
    with ctx.step("recover", f"Remove {green.name}"):
        ctx.host.run(commands.stop_blue(green.id, 0)).require()


def _follow(ctx: Context, service: Service, survey: Survey, container: Container) -> None:
    """Reload an nginx that would not find out by itself who has the name now."""
    if service.name not in survey.stale:
        return
    if problem := stale.follow(ctx, service.name, container.id)[1]:
        ctx.emit(Warning_(f"nginx could not be reloaded: {problem}. Reload it: inv ops.nginx --reload"))


def _finish_switch(ctx: Context, service: Service, green: Container, blue: Container) -> Container:
    """Returns who has the name now."""
    healthy = green.running and (candidate.check_inside(ctx, service, green.name, _ONCE).verdict is Verdict.HEALTHY)
    if healthy:
        with ctx.step("recover", f"Give {service.name} to the healthy candidate"):
            policy = blue.restart_policy if green.restart_policy in ("", "no") else ""
            ctx.host.run(commands.swap(None, (green.id, service.name), policy=policy)).require()
        return green
    _restore(ctx, service, blue)
    return blue


def _restore(ctx: Context, service: Service, blue: Container) -> None:
    with ctx.step("recover", f"Give {service.name} back to the previous release"):
        if not blue.running:  # first, so that a run that dies in between leaves no live container that is stopped
            ctx.host.run(commands.start(blue.id)).require()
        ctx.host.run(commands.swap(None, (blue.id, service.name))).require()


def _after_switch(cutover: Cutover, *, bad: bool) -> None:
    ctx, live = cutover.ctx, cutover.green
    try:
        if bad or candidate.check_inside(ctx, cutover.service, live.name, _ONCE).verdict is not Verdict.HEALTHY:
            cutover.switch_back("it is not healthy")
        cutover.settle(0)
        cutover.stop_blue()
    except SwitchedBack as error:
        ctx.emit(Decision(f"{error.what} {error.state}"))


_ONCE = HealthPolicy(attempts=3)
"""For a container that has been running for a while: 9 s tell."""
