"""``ops.doctor``: one look, the diagnosis, and the safe remedies under the lock."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from behindy_ops.checks.diagnosis import Facts, Finding, Fix, FixKind, Severity, diagnose
from behindy_ops.checks.preflight import docker_problem
from behindy_ops.deploy.reconcile import reconcile
from behindy_ops.deploy.steps.stop import start
from behindy_ops.errors import BehindyError, Kind, RemoteCommandFailed
from behindy_ops.facts.survey import NETWORK, NGINX
from behindy_ops.host.command import Command, script
from behindy_ops.report.layout import heading, sentence
from behindy_ops.report.text import Line, Tone, printable
from behindy_ops.views import mem as memory
from behindy_ops.views import network, nginx
from behindy_ops.views.look import Shown, beside, look
from behindy_ops.views.show import prune_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Session

__all__ = ["apply", "chosen", "examine", "fixes", "shown", "title"]


def examine(session: Session, only: Sequence[str] = ()) -> list[Finding]:
    """Look at the host once, and diagnose.

    :param only: services of interest.
    :raises Kind.HOST_NOT_READY: Docker cannot be asked; then that is the diagnosis.
    """
    domain = session.settings.domain
    seen = look(session, "doctor", NGINX, NETWORK, domain, nginx.services_text(session.services), survey_parts=PARTS)
    services = tuple(session.services)
    facts = Facts(
        survey=session.compared(seen.survey),
        nginx=nginx.describe(seen, services, domain),
        network=network.describe(seen, services),
        services=services,
        beside=seen.beside,
        image_prefix=session.settings.image_prefix,
        stale=tuple(one.name for one in services if one.name in seen.survey.stale),
        kills=tuple((kill.container, kill.at) for kill in memory.known_kills(seen, {})),
    )
    return diagnose(facts, only)


def chosen(session: Session, only: Sequence[str]) -> list[str]:
    """Return the names of the services that are looked at.

    :raises Kind.USAGE: there is no such service.
    """
    known = [service.name for service in session.services]
    for name in only:
        if name not in known:
            raise Kind.USAGE(f"There is no service {name!r}.", remedy=f"There are: {', '.join(known)}.")
    return list(only) or known


PARTS = "containers images networks files_ environment configured stanzas nginx_ stale_ machine releases"
"""Parts of the survey that the rules read."""


def fixes(found: Sequence[Finding]) -> list[Fix]:
    """Return the safe remedies of what was found, each once, in the order of the findings."""
    return list(dict.fromkeys(one.fix for one in found if one.fix is not None))


def apply(session: Session, wanted: Sequence[Fix], survey: Survey) -> None:
    """Apply safe remedies, one after the other; the lock is held and ``survey`` was taken under it.

    :raises BehindyError: one of them failed; those before it are done.
    """
    if (problem := docker_problem(survey)) is not None:
        raise problem
    for fix in wanted:
        with session.step("fix", title(fix)):
            _apply(session, fix, survey)


def title(fix: Fix) -> str:
    """Return what a remedy does, in words: ``Start the container redis``."""
    words = f"{fix.kind.value} {fix.target}".strip() if fix.kind is not FixKind.CONNECT else f"connect {fix.target}"
    return words[0].upper() + words[1:]


def _apply(session: Session, fix: Fix, survey: Survey) -> None:
    services = {service.name: service for service in session.services}
    match fix.kind:
        case FixKind.RECOVER:
            reconcile(session, services[fix.target], survey)
        case FixKind.START:
            session.host.run(start(fix.target)).require(remedy=f"See why: inv ops.logs {fix.target}")
        case FixKind.CONNECT:
            view = network.judge(survey, session.services, beside(session))
            session.host.run(_only(view, fix.target)).require(remedy="inv ops.network")
        case FixKind.RELOAD:
            command = Command(script("ops/reload", NGINX), title="reload nginx", timeout=60, changes=True)
            session.host.run(command).require()
        case FixKind.PRUNE:
            prune_now(session)


def _only(view: network.NetworkView, name: str) -> Command:
    """Return the command that connects one container."""
    command = network.command(replace(view, absent=tuple(one for one in view.absent if one.name == name)))
    if command is None:
        raise RemoteCommandFailed(f"{name} is not to be connected any more.", state="Nothing was changed.")
    return command


def shown(found: Sequence[Finding], looked_at: Sequence[str], fixed: Sequence[Fix] = ()) -> Shown:
    """Return the view, its data, and the error that gives troubles an exit code of their own."""
    troubles = [one for one in found if one.severity is Severity.TROUBLE]
    data: dict[str, Any] = {
        "view": "doctor",
        "healthy": not troubles,
        "services": list(looked_at),
        "findings": [asdict(one) | {"severity": one.severity.value, "fix": _fix_data(one.fix)} for one in found],
        "fixed": [_fix_data(fix) for fix in fixed],
    }
    return Shown(lines(found, looked_at), data, _problem(found) if troubles else None)


def _fix_data(fix: Fix | None) -> dict[str, str] | None:
    return None if fix is None else {"kind": fix.kind.name.lower(), "target": fix.target, "does": title(fix)}


def _problem(found: Sequence[Finding]) -> BehindyError:
    troubles = [one for one in found if one.severity is Severity.TROUBLE]
    return Kind.TROUBLE_FOUND(
        f"{len(troubles)} trouble{'s' if len(troubles) != 1 else ''}: "
        + ", ".join(f"{one.subject}: {one.name}" for one in troubles)
        + ".",
        state="Nothing was changed.",
        remedy="Each has its remedy above." + (" The safe ones: inv ops.doctor --fix" if fixes(found) else ""),
    )


def lines(found: Sequence[Finding], looked_at: Sequence[str]) -> list[Line]:
    """Return the view in 80 columns: each finding with its cause, evidence and remedy."""
    told: list[Line] = []
    for one in found:
        bad = one.severity is Severity.TROUBLE
        mark = "TROUBLE" if bad else "RISK"
        told += [Line(f"{mark:<8}{one.subject}: {one.name}", Tone.BAD if bad else Tone.CAREFUL)]
        told += _part("symptom", one.symptom)
        told += _part("cause", one.cause)
        for number, fact in enumerate(one.evidence):
            told += _part("" if number else "evidence", fact)
        told += _part("remedy", one.remedy)
        if one.fix is not None:
            told += _part("--fix", title(one.fix))
        told.append(Line(""))
    if not found:
        names = ", ".join(looked_at)
        return [*sentence(f"Nothing is wrong with {names}, nginx, the database, the cache or the host.", Tone.GOOD)]
    return [heading("Diagnosis"), Line(""), *told[:-1]]


def _part(label: str, text: str) -> list[Line]:
    first, *rest = sentence(printable(text), indent=" " * 12) or [Line("")]
    head = f"  {label:<10}{first.text.strip()}"
    return [Line(head), *(Line(f"{' ' * 12}{line.text.strip()}") for line in rest)]
