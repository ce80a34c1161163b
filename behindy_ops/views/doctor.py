"""``ops.doctor``: one look, the diagnosis, and with ``--fix`` the safe remedies under the lock, and another look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from behindy_ops.checks.advice import closing, helps_most
from behindy_ops.checks.check import Check, Fix, FixKind, Level
from behindy_ops.checks.diagnosis import diagnose
from behindy_ops.deploy.reconcile import reconcile
from behindy_ops.deploy.steps.stop import start
from behindy_ops.errors import UNCHANGED, BehindyError, Kind, RemoteCommandFailed
from behindy_ops.facts import timers, visitors
from behindy_ops.facts.outside import Past, Sighting
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Session
from behindy_ops.project.services import HealthPolicy, Service, replicas
from behindy_ops.report.events import Event
from behindy_ops.report.layout import heading, sentence
from behindy_ops.report.text import Line, Tone
from behindy_ops.views import certs, mem, network, nginx, prune
from behindy_ops.views.view import Seen, Shown, as_seen, locked, look, require_docker

PARTS = (
    "containers images networks files_ environment configured stanzas nginx_ machine usage releases maintenance jobs "
    "swarm_ nodes_"
)
"""Parts of the survey that the rules read."""


def consult(session: Session, only: Sequence[str]) -> Shown:
    """Say what is wrong with these services, or with all, and with what they need; changes nothing.

    Raises:
        Kind.USAGE: there is no such service.
    """
    names = [each.name for service in session.project.services(only) for each in replicas(service)]
    return shown(examine(session, names if only else ()), names)


def cure(
    session: Session,
    only: Sequence[str],
    *,
    ask: Callable[[str], bool],
    tell: Callable[[Shown], None],
    emit: Callable[[Event], None],
    wait: float,
) -> Shown:
    """Say what is wrong, apply the safe remedies after a yes, and say what is still wrong then.

    Args:
        ask: whether the answer to a question is yes.
        tell: is given what was found, before it asks.
        emit: is told of each remedy as it is applied.
        wait: seconds to queue for the lock.

    Raises:
        Kind.USAGE: there is no such service.
        LockHeld: somebody else is changing the host.
        BehindyError: a remedy failed; those before it are done.
    """
    names = [each.name for service in session.project.services(only) for each in replicas(service)]
    only = names if only else ()
    found = examine(session, only)
    wanted = fixes(found)
    before = shown(found, names)
    if not wanted:
        return before
    tell(before)
    plan = "".join(f"\n  - {title(fix)}" for fix in wanted)
    if not ask(f"\nThis would be done:{plan}\nDo it?"):
        return replace(before, lines=[Line(UNCHANGED, Tone.STRONG)])
    session.emit = emit
    survey = locked(session, "remedies of ops.doctor", wait=wait)
    for fix in wanted:
        with session.step("fix", title(fix)):
            _apply(session, fix, survey)
    with session.step("settle", "Wait until that shows"):
        left = _once_settled(session, only, wanted)
    session.emit = lambda _: None
    after = shown(left, names, wanted)
    if after.problem is None:
        return after
    applied = f"{len(wanted)} remed{'y was' if len(wanted) == 1 else 'ies were'} applied; this is left."
    return replace(after, problem=after.problem.but(state=applied))


def examine(session: Session, only: Sequence[str] = ()) -> list[Check]:
    """Look at the host once, and diagnose.

    Raises:
        Kind.HOST_NOT_READY: Docker cannot be asked; then that is the diagnosis.
    """
    before, seeing = session.now(), _from_here(session, only)
    own = (session.settings.host_dir, timers.scheduled(session.names))
    seen = look(session, "ops/doctor", *nginx.VIEW.asks(session), *own, survey=PARTS)
    require_docker(seen.survey)
    view = nginx.describe(seen)
    facts = replace(
        seen.facts,
        survey=seen.survey.compared(before, session.now()),
        upstreams=view.upstreams,
        nginx_errors=view.errors,
        certificate=certs.judged(seen)[0] if view.state == "running" else None,
        outside=session.from_here(seeing) if seeing else None,
        past=_past(seen),
        rules=seen.text("rules").strip(),
        timers=timers.parse(seen.lines("timers")),
        visitors=visitors.parse(seen),
        kills=tuple((kill.container, kill.at) for kill in mem.known_kills(seen, {})),
    )
    return diagnose(facts, only)


def _from_here(session: Session, only: Sequence[str]) -> Callable[[], Sighting | None] | None:
    """Begin to ask one service's public URL from this machine, beside the look at the host."""
    domain = session.settings.domain
    asked = (one for one in session.services if one.asked)
    urls = [one.url(one.external, domain) for one in asked if not only or one.name in only]
    return session.outside(urls[0]) if session.outside and urls else None


def _past(seen: Seen) -> Past | None:
    told = seen.values("past")
    status = told.get("near", "0").split()[0]
    return Past(tuple(told["leads"].split()), int(status)) if "leads" in told else None


def _once_settled(session: Session, only: Sequence[str], applied: Sequence[Fix]) -> list[Check]:
    """Look until what was mended is well, or has had the time of a health check; what was started has to boot."""
    mended = {fix.target for fix in applied}
    started = any(fix.kind is FixKind.START for fix in applied)
    policy = patience(session.services, applied)
    for attempt in range(policy.attempts):
        left = examine(session, only)
        hurt = {check.subject for check in _troubles(left)}
        if not hurt & mended and not (hurt and started):
            break
        if attempt + 1 < policy.attempts:
            session.sleep(policy.interval)
    return left


def patience(services: Iterable[Service], applied: Iterable[Fix]) -> HealthPolicy:
    """Return how long is waited for what was mended: as for a candidate, where a service was started."""
    started = {fix.target for fix in applied if fix.kind is FixKind.START}
    booting = [service.health.at_start() for service in services if service.name in started]
    return max([HealthPolicy(), *booting], key=lambda policy: policy.attempts * policy.interval)


def fixes(found: Sequence[Check]) -> list[Fix]:
    """Return the safe remedies of what was found, each once, in the order of the checks."""
    return list(dict.fromkeys(check.fix for check in found if check.fix is not None))


def title(fix: Fix) -> str:
    """Return what a remedy does, in words: ``Start the container redis``."""
    words = f"{fix.kind.value} {fix.target}".strip()
    return words[0].upper() + words[1:]


def _apply(session: Session, fix: Fix, survey: Survey) -> None:
    """Apply a safe remedy; the lock is held and ``survey`` was taken under it."""
    services = {service.name: service for service in session.services}
    match fix.kind:
        case FixKind.RECOVER:
            service = services[fix.target]
            reconcile(session, services.get(service.replica_of, service), survey)
        case FixKind.START:
            session.host.run(start(fix.target)).require(remedy=f"See why: inv ops.logs {fix.target}")
        case FixKind.CONNECT:
            commands = network.commands(network.describe(as_seen(session, survey)), fix.target)
            if not commands:
                raise RemoteCommandFailed(f"{fix.target} is on the network already.", state=UNCHANGED)
            for command in commands:
                session.host.run(command).require(remedy="inv ops.network")
        case FixKind.RELOAD:
            session.host.run(nginx.reloaded(session)).require()
        case FixKind.PRUNE:
            prune.now(session)


def _troubles(found: Sequence[Check]) -> list[Check]:
    return [check for check in found if check.level is Level.REFUSAL]


def shown(found: Sequence[Check], looked_at: Sequence[str], fixed: Sequence[Fix] = ()) -> Shown:
    """Return the view, its data, and the error that gives troubles an exit code of their own."""
    data: dict[str, Any] = {
        "view": "doctor",
        "healthy": not _troubles(found),
        "services": list(looked_at),
        "findings": [_data(check) for check in found],
        "fixed": [_fix_data(fix) for fix in fixed],
        "helps_most": helps_most(found, fixed),
    }
    told = [*_lines(found, looked_at), *([Line("")] if found else ()), *sentence(closing(found, fixed), Tone.STRONG)]
    return Shown(told, data, _problem(found, fixed))


def _data(check: Check) -> dict[str, Any]:
    return {
        "name": _name(check),
        "subject": check.subject,
        "symptom": check.symptom,
        "cause": check.found,
        "evidence": check.evidence,
        "remedy": check.remedy,
        "severity": "trouble" if check.level is Level.REFUSAL else "risk",
        "fix": _fix_data(check.fix),
    }


def _fix_data(fix: Fix | None) -> dict[str, str] | None:
    return None if fix is None else {"kind": fix.kind.name.lower(), "target": fix.target, "does": title(fix)}


def _name(check: Check) -> str:
    return check.problem.name if check.problem else check.name


def _problem(found: Sequence[Check], fixed: Sequence[Fix]) -> BehindyError | None:
    troubles = _troubles(found)
    if not troubles:
        return None
    return Kind.TROUBLE_FOUND(
        f"{len(troubles)} trouble{'s' if len(troubles) != 1 else ''}: "
        + ", ".join(f"{check.subject}: {_name(check)}" for check in troubles)
        + ".",
        state=UNCHANGED,
        remedy=f"Each has its remedy above. {closing(found, fixed)}",
    )


def _lines(found: Sequence[Check], looked_at: Sequence[str]) -> list[Line]:
    """Return the view in 80 columns: each problem with its cause, evidence and remedy."""
    if not found:
        names = ", ".join(looked_at)
        return sentence(f"Nothing is wrong with {names}, nginx, the database, the cache or the host.", Tone.GOOD)
    told = [heading("Diagnosis")]
    for check in found:
        mark, tone = ("TROUBLE", Tone.BAD) if check.level is Level.REFUSAL else ("RISK", Tone.CAREFUL)
        told += [Line(""), Line(f"{mark:<8}{check.subject}: {_name(check)}", tone)]
        told += _part("symptom", check.symptom)
        told += _part("cause", check.found)
        for number, fact in enumerate(check.evidence):
            told += _part("" if number else "evidence", fact)
        told += _part("remedy", check.remedy)
        if check.fix is not None:
            told += _part("--fix", title(check.fix))
    return told


def _part(label: str, text: str) -> list[Line]:
    first, *rest = sentence(text, indent=" " * 12) or [Line("")]
    head = f"  {label:<10}{first.text.strip()}"
    return [Line(head), *(Line(f"{' ' * 12}{line.text.strip()}") for line in rest)]
