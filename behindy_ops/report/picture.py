"""Lines that take the place of those shown before, on a terminal; elsewhere one picture follows the other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self, TextIO

from behindy_ops.report import show_lines
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from behindy_ops.report.text import Line

__all__ = ["Picture", "write_output"]


class Picture:
    """Shows lines in place of the last ones. Use it as a context manager: at its end the cursor is there again.

    :ivar in_place: whether it does so; without a terminal, pictures follow each other.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._environ = environ
        self._drawn = 0
        self.in_place = stream.isatty() and environ.get("TERM", "dumb") not in {"", "dumb"}

    def __enter__(self) -> Self:
        self._control("\x1b[?25l")
        return self

    def __exit__(self, *_: object) -> None:
        self._control("\x1b[?25h")

    def show(self, lines: Sequence[Line]) -> None:
        """Show these; on a terminal, at most as many as it has rows."""
        if self.in_place:
            rows = os.get_terminal_size(self._stream.fileno()).lines or 24  # some terminals do not tell
            lines = lines[: max(rows - 1, 1)]
            self._control((f"\x1b[{self._drawn}A" if self._drawn else "") + "\x1b[J")
            self._drawn = len(lines)
        show_lines(lines, self._stream, self._environ)

    def _control(self, sequence: str) -> None:
        if self.in_place:
            safe = SafeStream(self._stream)
            safe.write(sequence)
            safe.flush()


def write_output(stream: TextIO, text: str) -> None:
    """Write what a program wrote: as it is for another program, without control sequences at a terminal."""
    safe = SafeStream(stream)
    safe.write(printable(text) if safe.isatty() else text)
    safe.flush()
