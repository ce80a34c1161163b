"""Lines that take the place of those shown before, on a terminal; elsewhere one picture follows the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self, TextIO

from behindy_ops.report import show_lines
from behindy_ops.report.console import coloured, live, terminal
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import WIDTH, Line, shown_with

if TYPE_CHECKING:
    from rich.live import Live


class Picture:
    """Shows lines in place of the last ones. Use it as a context manager: at its end the cursor is there again."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream, self._environ = stream, environ
        self._safe = SafeStream(stream, environ)
        self._live = self._begin() if self._safe.is_terminal else None
        self._size = self._live.console.size if self._live else None

    @property
    def width(self) -> int:
        """The cells of a line, now."""
        return self._live.console.width if self._live else WIDTH

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these; on a terminal, at most as many as it has rows, and of each no more than it has columns."""
        if self._live:
            if self._live.console.size != self._size:
                self._start_over(self._live)
            shown = coloured(shown_with(self._safe.encoding, lines))
            shown.no_wrap, shown.overflow = True, "ellipsis"
            self._live.update(shown, refresh=True)
        else:
            show_lines(lines, self._stream, self._environ)

    def _begin(self) -> Live:
        return live(terminal(self._safe), auto_refresh=False, vertical_overflow="crop")

    def _start_over(self, before: Live) -> None:
        """Begin on an empty screen: a terminal whose size has changed has moved the last picture to where it likes."""
        before.stop()
        before.console.clear()
        self._live, self._size = self._begin(), before.console.size
        self._live.start()
