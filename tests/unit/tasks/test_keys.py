"""A watched view on a terminal of its own: keys, sizes, and how it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from behindy_ops.tasks.keys import hidden_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parents[3]

WATCHING = """
import contextlib, fcntl, termios, time
from types import SimpleNamespace
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from invoke import Context
from behindy_ops.host.interrupts import Interrupts
from behindy_ops.project.settings import Settings
from behindy_ops.report.text import Line
from behindy_ops.tasks import ops
from behindy_ops.views import stats

@contextlib.contextmanager
def faked(**_):
    yield SimpleNamespace(settings=Settings(host="h"), connect=contextlib.nullcontext)

def watch(session, watcher, *, interval):
    with Interrupts() as interrupts:
        for turn in range(100000):
            watcher._tell(None, [Line(f"pict {turn} " + "word " * 30)])
            interrupts.check()
            time.sleep(0.05)

ops.client = faked
stats.watch = watch
ops.stats(Context(), watch=True)
"""
"""A task that watches a host which is not there."""


CLEARED = "\x1b[2J"


class Terminal:
    """A process on a terminal of its own, what it shows, and the keys that are typed there."""

    def __init__(self, ours: int, theirs: int, process: subprocess.Popen[bytes]) -> None:
        self.ours, self.theirs, self.process = ours, theirs, process
        self._shown = bytearray()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self.ours, 65536):
                self._shown += data

    @property
    def shown(self) -> str:
        return self._shown.decode("utf-8", "replace")

    def type(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.shown
            time.sleep(0.02)

    def ended(self) -> int:
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def on_a_terminal(columns: int = 80) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-c", WATCHING]
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "GITHUB_ACTIONS")
    }
    env = {**inherited, "TERM": "xterm", "PYTHONPATH": str(CHECKOUT)}

    with subprocess.Popen(
        command, cwd=CHECKOUT, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        try:
            terminal = Terminal(ours, theirs, process)
            terminal.wait_for(lambda: "pict 2" in terminal.shown)
            yield terminal
        finally:
            process.kill()
            process.wait()
            os.close(theirs)
            os.close(ours)


def modes(terminal: int) -> int:
    return int(termios.tcgetattr(terminal)[3] & (termios.ECHO | termios.ICANON))


def test_typed_keys_are_hidden_and_q_ends_it_well() -> None:
    with on_a_terminal() as terminal:
        assert modes(terminal.theirs) == 0
        terminal.type(b"ZYX\n")
        seen = terminal.shown.count("pict")
        terminal.wait_for(lambda: terminal.shown.count("pict") > seen + 2)
        assert not re.search("[ZYX]", terminal.shown)
        terminal.type(b"q")
        assert terminal.ended() == 0
        assert modes(terminal.theirs) == termios.ECHO | termios.ICANON
        terminal.wait_for(lambda: terminal.shown.rstrip().endswith("\x1b[?25h"))
        assert "Traceback" not in terminal.shown


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_ctrl_c_is_a_good_end_too_and_another_signal_is_told(number: signal.Signals, code: int) -> None:
    with on_a_terminal() as terminal:
        terminal.process.send_signal(number)
        assert terminal.ended() == code
        assert modes(terminal.theirs) == termios.ECHO | termios.ICANON


@pytest.mark.parametrize("columns", [10, 30])
def test_a_narrow_terminal_and_one_that_becomes_narrow_have_whole_lines(columns: int) -> None:
    with on_a_terminal() as terminal:
        terminal.resize(columns)
        terminal.wait_for(lambda: CLEARED in terminal.shown and terminal.shown.rpartition(CLEARED)[2].count("pict") > 2)
        after = terminal.shown.rpartition(CLEARED)[2]
        lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", after).splitlines()
        assert max(map(cell_len, lines)) <= columns
        assert any(line.endswith("…") for line in lines), "a line is cut, not wrapped"
        terminal.type(b"q")
        assert terminal.ended() == 0


def test_what_is_no_terminal_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("q")
    called: list[str] = []
    with file.open() as stream, hidden_keys(stream, lambda: called.append("q")) as ours:
        assert not ours
    assert called == []
