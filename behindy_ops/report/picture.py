"""Lines that take the place of those shown before, on a terminal; elsewhere one picture follows the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, TextIO

from behindy_ops.report import show_lines
from behindy_ops.report.console import coloured, live, terminal
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import Line, shown_with


class Picture:
    """Shows lines in place of the last ones. Use it as a context manager: at its end the cursor is there again."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream, self._environ = stream, environ
        self._safe = SafeStream(stream, environ)
        self._live = (
            live(terminal(self._safe), auto_refresh=False, vertical_overflow="crop") if self._safe.is_terminal else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these; on a terminal, at most as many as it has rows."""
        if self._live:
            self._live.update(coloured(shown_with(self._safe.encoding, lines)), refresh=True)
        else:
            show_lines(lines, self._stream, self._environ)
