"""SIGTERM and SIGHUP as exceptions, so that what was started is ended; Python does so for SIGINT alone."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from behindy_ops.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["ending_signals_raise"]


@contextlib.contextmanager
def ending_signals_raise(remedy: str = "") -> Iterator[None]:
    """Raise :class:`Interrupted` in the main thread for each of these signals. Call it in the main thread.

    :param remedy: what to tell the user to do then.
    """

    def stop(number: int, _: FrameType | None) -> None:
        raise Interrupted(f"Stopped by {signal.Signals(number).name}.", signal_number=number, remedy=remedy)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
