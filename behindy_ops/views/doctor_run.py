"""``ops.doctor`` as the task calls it: consult, and with ``--fix`` cure and consult again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from behindy_ops.checks.diagnosis import FixKind, Severity
from behindy_ops.errors import Kind
from behindy_ops.project.services import HealthPolicy
from behindy_ops.report.text import Line, Tone
from behindy_ops.views import doctor
from behindy_ops.views.look import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.checks.diagnosis import Finding, Fix
    from behindy_ops.host.session import Session
    from behindy_ops.report.events import Event

__all__ = ["consult", "cure"]


def consult(session: Session, only: Sequence[str]) -> Shown:
    """Say what is wrong; changes nothing.

    :param only: services of interest; none for all.
    """
    names = doctor.chosen(session, only)
    found = doctor.examine(session, only)
    return doctor.shown(found, names)


def cure(
    session: Session,
    only: Sequence[str],
    *,
    ask: Callable[[str], bool],
    tell: Callable[[Sequence[Line]], None],
    emit: Callable[[Event], None],
    wait: float,
) -> Shown:
    """Say what is wrong, apply the safe remedies after a yes, and say what is still wrong then.

    :param ask: asks a question; whether the answer is yes.
    :param tell: shows what was found before it asks.
    :param emit: is told of each remedy as it is applied.
    :param wait: seconds to queue for the lock.
    :raises LockHeld: somebody else is changing the host.
    """
    names = doctor.chosen(session, only)
    found = doctor.examine(session, only)
    wanted = doctor.fixes(found)
    if not wanted:
        return doctor.shown(found, names)
    tell(doctor.shown(found, names).lines)
    plan = "".join(f"\n  - {doctor.title(fix)}" for fix in wanted)
    if not ask(f"\nThis would be done:{plan}\nDo it?"):
        shown = doctor.shown(found, names)
        return Shown([Line("Nothing was changed.", Tone.STRONG)], shown.data, shown.problem)
    session.emit = emit
    survey = session.lock("remedies of ops.doctor", wait=wait)
    doctor.apply(session, wanted, survey)
    with session.step("settle", "Wait until that shows"):
        left = _once_settled(session, only, wanted)
    session.emit = lambda _: None
    shown = doctor.shown(left, names, wanted)
    if shown.problem is not None and shown.problem.kind is Kind.TROUBLE_FOUND:
        applied = f"{len(wanted)} remed{'y was' if len(wanted) == 1 else 'ies were'} applied; this is left."
        return replace(shown, problem=shown.problem.but(state=applied))
    return shown


def _once_settled(session: Session, only: Sequence[str], applied: Sequence[Fix]) -> list[Finding]:
    """Look until what was mended is well, or has had the time of a health check; what was started has to boot."""
    policy = HealthPolicy()
    for attempt in range(policy.attempts):
        left = doctor.examine(session, only)
        hurt = {one.subject for one in left if one.severity is Severity.TROUBLE}
        mended = {fix.target for fix in applied}
        if not hurt & mended and not (hurt and any(fix.kind is FixKind.START for fix in applied)):
            break
        if attempt + 1 < policy.attempts:
            session.sleep(policy.interval)
    return left
