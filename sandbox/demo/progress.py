"""Lines on what goes on, with the time since the start, and a sign of life when nothing was said for a while."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TextIO

__all__ = ["Progress"]

_QUIET_SECONDS = 8.0


class Progress:
    """Prints from ``with`` on; works with any stream, terminal or not.

    Args:
        alive: asked for what to add to a sign of life; what it raises is ignored.
        quiet: seconds without a line before there is one.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        alive: Callable[[], str] = lambda: "",
        quiet: float = _QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stdout
        self.alive = alive
        self._quiet = quiet
        self._clock = clock
        self._begin = self._said = self._told = clock()
        self._writing = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(self._quiet)

    def say(self, text: str) -> None:
        """Print one line of progress."""
        self._told = self._clock()
        self._line(text)

    def show(self, line: str) -> None:
        """Print a line as it is; characters the stream does not know become question marks."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        with self._writing:
            self._said = self._clock()
            self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()

    def _line(self, text: str) -> None:
        self.show(f"[{self._clock() - self._begin:4.0f} s] {text}")

    def _watch(self) -> None:
        while not self._done.wait(min(0.5, self._quiet / 2)):
            if self._clock() - self._said >= self._quiet:
                more = ""
                with contextlib.suppress(Exception):
                    more = self.alive()
                self._line(f"... {more or 'still at it'} ({self._clock() - self._told:.0f} s)")
