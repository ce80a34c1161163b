"""A text stream that never raises: what cannot be shown must not stop a deploy halfway."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from typing import TextIO

from behindy_ops.errors import CALLED
from behindy_ops.report.text import printable

_COLOUR = r"\x1b\[[0-9;]*m"
_TASK = re.compile(rf"(^|[^\w./-]|{_COLOUR})inv(?=(?:\s|{_COLOUR})+(?:(?:deploy|ops|host|env|db|lock)\.|init\b))")


class SafeStream:
    """Writes to a stream; replaces what its encoding lacks, and falls silent for good once it is closed or broken.

    Args:
        environ: says what the reader types for ``inv`` (commands in the text are shown so); ``TERM`` and ``NO_COLOR``
            are heeded. Without it the text stays as it is.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str] | None = None) -> None:
        environ = environ or {}
        self._stream = stream
        self._called = environ.get(CALLED, "inv")
        self._dumb = environ.get("TERM", "dumb") in {"", "dumb"}
        self._broken = False
        self.color = not environ.get("NO_COLOR")
        self.encoding = getattr(stream, "encoding", None) or "ascii"

    def write(self, text: str) -> int:
        self._attempt(lambda: self._write(_TASK.sub(lambda task: task[1] + self._called, text)))
        return len(text)

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def isatty(self) -> bool:
        try:
            return not self._broken and self._stream.isatty()
        except (OSError, ValueError):
            return False

    @property
    def is_terminal(self) -> bool:
        """Whether a cursor can be moved on it."""
        return self.isatty() and not self._dumb

    def fileno(self) -> int:
        return self._stream.fileno()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            self._stream.write(text.encode(self.encoding, "replace").decode(self.encoding))

    def _attempt(self, action: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            action()
        except (OSError, ValueError):
            self._broken = True
            # Python's last flush at exit goes nowhere, else it fails once more and changes the exit code.
            with contextlib.suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


def write_output(stream: TextIO, text: str) -> None:
    """Write what a program wrote: as it is for another program, without control sequences at a terminal."""
    safe = SafeStream(stream)
    safe.write(printable(text) if safe.isatty() else text)
    safe.flush()
