"""``ops.doctor`` as the task calls it: consult, and with ``--fix`` cure and consult again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.errors import TroubleFound
from behindy_ops.ops import doctor
from behindy_ops.ops.run import Shown, open_session
from behindy_ops.report.text import Line, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from behindy_ops.report.events import Event

__all__ = ["consult", "cure"]


def consult(only: Sequence[str], root: Path | None = None) -> Shown:
    """Say what is wrong; changes nothing.

    :param only: services of interest; none for all.
    """
    with open_session((), root) as session:
        names = doctor.chosen(session, only)
        found = doctor.examine(session, only)
    return doctor.shown(found, names)


def cure(
    only: Sequence[str],
    *,
    ask: Callable[[str], bool],
    tell: Callable[[Sequence[Line]], None],
    emit: Callable[[Event], None],
    wait: float,
    root: Path | None = None,
) -> Shown:
    """Say what is wrong, apply the safe remedies after a yes, and say what is still wrong then.

    :param ask: asks a question; whether the answer is yes.
    :param tell: shows what was found before it asks.
    :param emit: is told of each remedy as it is applied.
    :param wait: seconds to queue for the lock.
    :raises LockHeld: somebody else is changing the host.
    """
    with open_session((), root) as session:
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
        session.ctx.emit = emit
        survey = session.lock("remedies of ops.doctor", wait=wait)
        doctor.apply(session, wanted, survey)
        session.ctx.emit = lambda _: None
        left = doctor.examine(session, only)
    shown = doctor.shown(left, names, wanted)
    if isinstance(shown.problem, TroubleFound):
        shown.problem.state = f"{len(wanted)} remedies were applied; this is left."
    return shown
