"""What the host drains by itself: a deploy of the same service waits for it, or has it end."""

from __future__ import annotations

from behindy_ops.errors import STILL_RUNNING, Interrupted, RemoteCommandFailed
from behindy_ops.facts.draining import Draining, open_connections
from behindy_ops.facts.leftovers import Recovery, leftover
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service, replicas
from behindy_ops.report.events import Decision

NOW = "now"
"""It need not be idle; but nobody is sent to it any more before it is stopped."""

LEAVE = "leave"
"""Its container is to be left as it is, since somebody else takes care of it."""

_OWN_LOCK = 600.0
"""Seconds to queue at least for the lock after it was given back: another service's deploy may have it by then."""

_LONGEST = 24 * 3600.0
"""Seconds that a drain takes at most: as long as ``x-deploy.drain`` may be, of whichever release."""

_SPARE = 90.0
"""Seconds that a drain may take beyond its time: an engine that is started again meanwhile is waited for."""


def ended(session: Session, service: Service, survey: Survey, *, what: str, wait: float, now: bool) -> Survey:
    """Return what there is once the host drains nothing of this service any more.

    It is waited for without the lock, so that others can change the host meanwhile; then the lock is taken again.

    Args:
        what: what the lock is taken for.
        wait: seconds to queue for the lock.
        now: have it end; the lock is kept.

    Raises:
        LockHeld: others have the lock, and keep it.
        RemoteCommandFailed: the drain does not end.
    """
    for each in replicas(service):
        survey = _ended(session, each, survey, what=what, wait=wait, now=now)
    return survey


def _ended(session: Session, service: Service, survey: Survey, *, what: str, wait: float, now: bool) -> Survey:
    while leftover(survey, service.name) is Recovery.NOTHING and (drain := survey.draining.get(service.name)):
        blue = f"{service.name}-blue"
        try:
            if now:
                end(session, service, survey, word=NOW)
                survey = session.look()
                continue
            session.unlock()
            hint = "" if drain.connections == 0 else " --now has it stopped without waiting."
            session.emit(Decision(f"The host still drains {blue}: {drain.described()}.{hint}"))
            _wait(session, service, survey, drain)
            survey = session.lock(what, wait=max(wait, _OWN_LOCK))
        except Interrupted as error:
            raise error.but(state=error.state or f"{STILL_RUNNING} The host goes on draining {blue}.") from error
    return survey


def end(session: Session, service: Service, survey: Survey, *, word: str) -> None:
    """Have the host's drain of a service end, and wait until it has; the lock is held.

    Raises:
        RemoteCommandFailed: it does not end.
    """
    _wait(session, service, survey, survey.draining[service.name], word=word)


def _wait(session: Session, service: Service, survey: Survey, drain: Draining, *, word: str = "") -> None:
    blue = f"{service.name}-blue"
    limit = min(max(0.0, drain.until - survey.now), _LONGEST) + service.stop + _SPARE
    argv = script("deploy/await", session.paths.state, service.name, word, f"{limit:.0f}")
    title = {NOW: f"Have the host stop {blue} now", LEAVE: f"Take {blue} over from the host"}
    with session.step("drain", title.get(word, f"Wait until the host has drained {blue}")) as step:

        def tell(line: str) -> None:
            kind, _, count = line.partition(" ")
            if kind == "open":
                step.progress(f"{open_connections(int(count))}, until {drain.latest()} at the latest")

        asked = f"wait for the host's drain of {blue}"
        result = session.host.run(Command(argv, title=asked, timeout=limit + 30, changes=word != "", on_line=tell))
        if not result.ok:
            raise RemoteCommandFailed(
                f"The host's drain of {blue} has not ended: {result.how()}.",
                state=STILL_RUNNING,
                remedy="See what it does: inv deploy.status. To have it end: the same command with --now",
                lines=result.last_lines(),
            )
