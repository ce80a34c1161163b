"""Signals as requests that are honoured at a known place, never in the middle of a decision.

A handler only notes the request; :meth:`Interrupts.check`, called while something is waited for, raises it. Why:
docs/design.md, "Signals".
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Self

from behindy_ops.errors import Interrupted, heeded, signals_raise

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

WHEN_LEAVING: list[Callable[[], None]] = []
"""What is done before the process is left at once, such as having the terminal as it was."""


class Interrupts:
    """Collects SIGINT, SIGTERM and SIGHUP while it is entered.

    The first one is raised as :class:`Interrupted` by the next :meth:`check` outside of a :meth:`shielded` block. A
    second SIGINT leaves the process at once with exit code 130: the next run heals what it left.

    Attributes:
        requested: the number of the signal that asked to stop, or None.
        tell: is told of the first one by the :meth:`check` that sees it, with what asked, and whether it is put off.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self.tell: Callable[[str, bool], None] = lambda _asked, _put_off: None
        self._told = False
        self._since = 0.0
        self._raised = False
        self._limits: list[float] = []
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in filter(heeded, _SIGNALS):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()

    def check(self) -> None:
        """Raise :class:`Interrupted` once, if a signal came and nothing shields."""
        if self.requested is None or self._raised:
            return
        waited = time.monotonic() - self._since
        over = all(waited > limit for limit in self._limits)
        if not self._told:
            self._told = True
            asked = "Ctrl-C" if self.requested == signal.SIGINT else signal.Signals(self.requested).name
            self.tell(asked, not over)
        if over:
            self._raised = True
            raise _stopped(self.requested)

    @contextlib.contextmanager
    def shielded(self, limit: float = math.inf) -> Iterator[None]:
        """Put off a request until the block has ended, or for ``limit`` seconds."""
        self._limits.append(limit)
        try:
            yield
        finally:
            self._limits.remove(limit)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.requested is not None and number == signal.SIGINT:
            recover = f"{os.environ.get('BEHINDY_INV', 'inv')} deploy.recover"
            sys.stderr.write(f"\nLeft at once; the next deploy puts the host in order, or now: {recover}\n")
            sys.stderr.flush()
            for last in WHEN_LEAVING:
                last()
            os._exit(128 + number)
        if self.requested is None:
            self._since = time.monotonic()
            self.requested = number


def _stopped(number: int, remedy: str = "") -> Interrupted:
    return Interrupted(f"Stopped by {signal.Signals(number).name}.", signal_number=number, remedy=remedy)


@contextlib.contextmanager
def ending_signals_raise(remedy: str = "") -> Iterator[None]:
    """Raise :class:`Interrupted` in the main thread for each of these signals. Call it in the main thread.

    Args:
        remedy: what to tell the user to do then.
    """
    with signals_raise(lambda number: _stopped(number, remedy), *_SIGNALS):
        yield
