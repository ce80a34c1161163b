"""A session: commands are typed, really run in a terminal of their own, and what that showed is kept with its times."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.recording.picture import Frame
from sandbox.recording.screen import COLUMNS, ROWS, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Session"]

_PROMPT = "\x1b[32m$\x1b[0m "
_KEY_SECONDS, _PAUSE_SECONDS = 0.04, 0.8
_LONGEST = 300.0


class Session:
    """Collects frames. Typing is drawn at a steady pace; what a command shows has the times of its run.

    Args:
        cleaned: takes from what is shown whatever is this machine's own.
    """

    def __init__(self, cleaned: Callable[[str], str]) -> None:
        self._cleaned = cleaned
        self._screen = Screen()
        self._now = 0.0
        self.frames: list[Frame] = []

    def typed(self, words: str) -> None:
        """A person types this behind the prompt."""
        self._show(_PROMPT)
        self._now += _PAUSE_SECONDS
        for character in words:
            self._show(character)
            self._now += _KEY_SECONDS
        self._now += _PAUSE_SECONDS / 2
        self._show("\r\n")

    def said(self, text: str) -> None:
        """Something is shown all at once."""
        self._show(text.replace("\n", "\r\n"))

    def run(self, argv: Sequence[str], environ: Mapping[str, str], cwd: str) -> int:
        """Run a command in a terminal, show what it shows when it does, and return its exit code.

        Raises:
            Kind.SANDBOX: it does not end.
        """
        process, terminal = pty.fork()
        if not process:  # pragma: no cover - the other process
            os.chdir(cwd)
            os.execvpe(argv[0], list(argv), dict(environ))  # noqa: S606 - a command of this checkout, without a shell
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        begun, offset = time.monotonic(), self._now
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while (data := _read(terminal)) is not None:
                self._now = offset + time.monotonic() - begun
                self._show(decoder.decode(data))
                if self._now - offset > _LONGEST:
                    os.kill(process, signal.SIGTERM)
                    raise Kind.SANDBOX(f"{' '.join(argv)} does not end.")
        finally:
            os.close(terminal)
            status = os.waitpid(process, 0)[1]
        self._now = offset + time.monotonic() - begun
        return os.waitstatus_to_exitcode(status)

    def _show(self, text: str) -> None:
        self._screen.feed(self._cleaned(text))
        self.frames.append(Frame(self._now, self._screen.rows()))


def _read(terminal: int) -> bytes | None:
    """What the command has written, or None once nobody writes any more."""
    try:
        return os.read(terminal, 1 << 16) or None
    except OSError:  # Linux's way to say so
        return None
