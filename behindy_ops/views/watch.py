"""Views that go on until somebody has seen enough: one long command, a picture for each moment it tells."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from behindy_ops.host.command import Command, script
from behindy_ops.host.host import new_mark
from behindy_ops.report.text import Line, Tone
from behindy_ops.views import stats
from behindy_ops.views.look import require_docker, taken_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from behindy_ops.host.session import Session
    from behindy_ops.views.look import Seen

__all__ = ["Watcher", "watch"]

KEPT = 120
"""Values of each container that are kept."""

LONGEST = 24 * 3600.0
"""Seconds after which the host ends what is followed."""


class Watcher:
    """Makes views of the moments it is given, and remembers the last values of each container.

    :param what: ``cpu`` or ``memory``.
    :param tell: gets each view, and the same as lines.
    """

    def __init__(self, what: str, tell: Callable[[stats.StatsView, list[Line]], None]) -> None:
        self._what, self._tell = what, tell
        self._before: stats.Frame | None = None
        self._history: dict[str, list[float]] = {}

    def __call__(self, seen: Seen) -> None:
        require_docker(seen, "containers")
        now = stats.frame(seen)
        before, self._before = self._before, now
        if before is None:
            return
        view = stats.describe(before, now)
        values = {one.name: float(getattr(one, self._what)) for one in view.containers}
        # A container that is gone is forgotten.
        self._history = {name: [*self._history.get(name, []), value][-KEPT:] for name, value in values.items()}
        moment = Line(time.strftime("%H:%M:%S", time.localtime(view.at)), Tone.FAINT)
        self._tell(view, [*stats.watched(view, self._history, what=self._what), moment, Line("")])


def watch(session: Session, what: str, *, interval: float, tell: Callable[[stats.StatsView, list[Line]], None]) -> None:
    """Tell of ``cpu`` or ``memory`` of each container until a signal ends it.

    :param interval: seconds between two moments.
    :raises Interrupted: how it usually ends.
    """
    mark = new_mark()
    argv = script("ops/frames", mark, "0", f"{interval:g}")
    take = _frames(mark, Watcher(what, tell))
    command = Command(argv, title="watch the host", timeout=LONGEST, follow=True, on_line=take)
    session.host.run(command).require()


def _frames(mark: str, tell: Callable[[Seen], None]) -> Callable[[str], None]:
    """A taker of lines that passes each moment on once it is whole."""
    held: list[str] = []

    def take(line: str) -> None:
        held.append(line)
        if line == f"{mark} end":
            seen = taken_apart("\n".join(held), mark)
            held.clear()
            tell(seen)

    return take
