"""Keys that are typed while something is watched: they are not shown, and one of them ends it."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
from typing import TYPE_CHECKING, TextIO

from behindy_ops.host.interrupts import WHEN_LEAVING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUIT = b"q"


@contextlib.contextmanager
def hidden_keys(stream: TextIO, quit_: Callable[[], None]) -> Iterator[bool]:
    """Hide what is typed for as long as this lasts; then the terminal is as it was, and what was typed is forgotten.

    Args:
        stream: what is read.
        quit_: is called once, in a thread of its own, when ``q`` is typed.

    Yields:
        whether it is a terminal whose keys are ours; else nothing is done to it.
    """
    try:
        terminal = stream.fileno()
        before = termios.tcgetattr(terminal)
        ours = os.tcgetpgrp(terminal) == os.getpgrp()  # in the background, a change of the terminal stops the process
    except (OSError, ValueError, termios.error):
        ours = False
    if not ours:
        yield False
        return

    def restore() -> None:
        with contextlib.suppress(termios.error):  # it was closed
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    hidden = termios.tcgetattr(terminal)
    hidden[3] &= ~(termios.ECHO | termios.ICANON)
    ended, end = os.pipe()
    reader = threading.Thread(target=_read, args=(terminal, ended, quit_), name="keys", daemon=True)
    WHEN_LEAVING.append(restore)
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, hidden)
        reader.start()
        yield True
    finally:
        os.close(end)
        reader.join()
        os.close(ended)
        restore()
        WHEN_LEAVING.remove(restore)


def _read(terminal: int, ended: int, quit_: Callable[[], None]) -> None:
    """Read keys until one quits, the terminal is gone, or the other end of ``ended`` is closed."""
    with contextlib.suppress(OSError):
        while ended not in (ready := select.select([terminal, ended], [], [])[0]):
            keys = os.read(terminal, 1024) if ready else b""
            if QUIT in keys.lower():
                quit_()
            if not keys or QUIT in keys.lower():
                return
