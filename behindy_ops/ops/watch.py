"""Views that go on until somebody has seen enough: one long command, a picture for each moment it tells."""

from __future__ import annotations

import json as json_
import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from behindy_ops import report
from behindy_ops.ops import stats
from behindy_ops.ops.layout import plain_for
from behindy_ops.ops.run import open_session, parts_script, require_docker, taken_apart
from behindy_ops.remote.command import Command
from behindy_ops.remote.host import new_mark
from behindy_ops.report.text import Line, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TextIO

    from behindy_ops.ops.run import Seen

__all__ = ["History", "Picture", "watch"]

KEPT = 120
"""Values of each container that are kept."""

LONGEST = 24 * 3600.0
"""Seconds after which the host ends what is followed."""


class History:
    """The last values of each container, by name; one that is gone is forgotten."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.values: dict[str, list[float]] = {}

    def add(self, view: stats.StatsView) -> None:
        now = {one.name: float(getattr(one, self._what)) for one in view.containers}
        self.values = {name: [*self.values.get(name, []), value][-KEPT:] for name, value in now.items()}


class Picture:
    """Shows lines in place of the last ones on a terminal, one after the other elsewhere. Use it as a context manager."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0
        self.in_place = stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")

    def __enter__(self) -> Picture:
        if self.in_place:
            self._stream.write("\x1b[?25l")
        return self

    def __exit__(self, *_: object) -> None:
        if self.in_place:
            self._stream.write("\x1b[?25h")
            self._stream.flush()

    def show(self, lines: Sequence[Line]) -> None:
        if self.in_place:
            rows = os.get_terminal_size(self._stream.fileno()).lines
            lines = lines[: max(rows - 1, 1)]
            self._stream.write((f"\x1b[{self._drawn}A" if self._drawn else "") + "\x1b[J")
            self._drawn = len(lines)
        report.show_lines(plain_for(self._stream.encoding, lines), self._stream)


def watch(what: str, *, interval: float, json: bool, root: Path | None = None) -> None:
    """Show ``cpu`` or ``memory`` of each container until a signal ends it.

    :param interval: seconds between two moments.
    :raises Interrupted: how it usually ends.
    """
    mark = new_mark()
    with open_session((), root) as session, Picture(sys.stdout) as picture:
        told = _Teller(what, picture, json=json)
        argv = parts_script("frames", mark, "0", f"{interval:g}")
        command = Command(argv, title="watch the host", timeout=LONGEST, follow=True, on_line=_frames(mark, told))
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


class _Teller:
    def __init__(self, what: str, picture: Picture, *, json: bool) -> None:
        self._what, self._picture, self._json = what, picture, json
        self._history = History(what)
        self._before: stats.Frame | None = None

    def __call__(self, seen: Seen) -> None:
        require_docker(seen, "limits")
        now = stats.frame(seen)
        before, self._before = self._before, now
        if before is None:
            return
        view = stats.describe(before, now)
        self._history.add(view)
        if self._json:
            print(json_.dumps({"view": "stats", **asdict(view)}), flush=True)
            return
        moment = time.strftime("%H:%M:%S", time.localtime(view.at))
        last = Line(f"{moment}; Ctrl-C ends it", Tone.FAINT) if self._picture.in_place else Line(moment)
        self._picture.show([*stats.watched(view, self._history.values, what=self._what), last, Line("")])
