"""A deploy that can be interrupted: the client in a process of its own, and the ways to bring it, or its host, down."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import IO, TYPE_CHECKING, Any, Self, cast

from sandbox.host import docker_cli
from tests.sandbox.support import ROOT, Ran, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

STEPS = ("connect", "survey", "pull", "start", "internal", "rehearsal", "switch")
"""The steps of a deploy up to the switch, in order, by the names their events have."""

STEPS_AFTER_SWITCH = ("external", "watch", "verify", "tidy", "drain")


class Kind(Enum):
    """What happens to a deploy; the value is how the table calls it."""

    KILL = "SIGKILL of the client"
    TERM = "SIGTERM of the client"
    INT = "SIGINT of the client"
    HUP = "SIGHUP of the client"
    TWICE = "SIGINT twice"
    CUT = "connection cut"
    ENGINE = "dockerd killed"
    REBOOT = "host restarted"
    POWER = "host lost power"

    @property
    def downs_host(self) -> bool:
        """Whether the site itself is down for a while, whatever a deploy does."""
        return self in (Kind.ENGINE, Kind.REBOOT, Kind.POWER)


SIGNALS = {
    Kind.KILL: signal.SIGKILL,
    Kind.TERM: signal.SIGTERM,
    Kind.INT: signal.SIGINT,
    Kind.HUP: signal.SIGHUP,
    Kind.TWICE: signal.SIGINT,
}


@dataclass(frozen=True)
class Moment:
    """When it happens: right when a step is ``done``, or has ``started`` and ``delay`` seconds have passed."""

    step: str
    edge: str = "done"
    delay: float = 0.0

    def reached(self, event: dict[str, Any]) -> bool:
        return (event["event"], event.get("step")) == (f"step_{self.edge}", self.step)

    def __str__(self) -> str:
        if self.edge == "done":
            return self.step
        return f"in {self.step}" + (f" +{self.delay:g} s" if self.delay else "")


class Client:
    """``inv`` with these words in a process of its own; its events are read as they come."""

    def __init__(self, *words: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
        self.begun = time.monotonic()
        self.ended = 0.0
        self._lines: dict[str, list[str]] = {"out": [], "err": []}
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            cwd=cwd,
            env=env or environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(name, cast("IO[str]", stream)), daemon=True)
            for name, stream in (("out", self._process.stdout), ("err", self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def until(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 60) -> dict[str, Any]:
        """Wait for an event, those of the past included, and return it."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._news:
            while True:
                lines = self._lines["out"]
                for event in map(_event, lines[seen:]):
                    if event and wanted(event):
                        return event
                seen = len(lines)
                over = self._process.poll() is not None and not self._readers[0].is_alive()
                assert not over, f"it ended before that: {self._text()}"
                assert time.monotonic() < deadline, f"that did not come within {timeout:g} s: {self._text()}"
                self._news.wait(0.05)

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, timeout: float = 120) -> Ran:
        """Wait for its end; a signal that ended it gives a negative code."""
        code = self._process.wait(timeout)
        self.ended = time.monotonic()
        for reader in self._readers:
            reader.join(10)
        return Ran(code, "".join(self._lines["out"]), "".join(self._lines["err"]), self.ended - self.begun)

    def _read(self, name: str, stream: IO[str]) -> None:
        for line in stream:
            with self._news:
                self._lines[name].append(line)
                self._news.notify_all()

    def _text(self) -> str:
        return "".join(self._lines["out"] + self._lines["err"])[-3000:]


def _event(line: str) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        found = json.loads(line)
        return found if isinstance(found, dict) and "event" in found else None
    return None


class Armed:
    """A script on the host, as root, that starts when :meth:`fire` says so: one started then would come 0.2 s late."""

    def __init__(self, container: str, script: str) -> None:
        self._process = subprocess.Popen(
            ["docker", "exec", "--interactive", container, "bash", "-c", f"echo armed; read -r _ || exit 0\n{script}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._out.readline() == "armed\n"

    def fire(self) -> None:
        """Let it go, without waiting for its end."""
        stdin = cast("IO[str]", self._process.stdin)
        stdin.write("\n")
        stdin.flush()

    def output(self, timeout: float = 60) -> str:
        """Wait for its end and return what it printed."""
        said, _ = self._process.communicate(timeout=timeout)
        assert self._process.returncode == 0, said
        return said.strip()

    @property
    def _out(self) -> IO[str]:
        return cast("IO[str]", self._process.stdout)

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            cast("IO[str]", self._process.stdin).close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()


CUT = """
for monitor in $(ps -o pid= --ppid "$(cat /run/sshd.pid)"); do
  kill -9 $(ps -o pid= --ppid "$monitor") "$monitor"
done
"""
"""Ends the SSH sessions of the host without a word to anybody; what they were running stays."""

KILL_ENGINE = 'kill -9 "$(cat /run/docker.pid)"'
"""The host's init starts dockerd again."""


@contextlib.contextmanager
def armed(kind: Kind, client: Callable[[], Client], container: str) -> Iterator[Callable[[], None]]:
    """Prepare an interruption; the function given lets it happen at once.

    Args:
        client: gives the client, which may be started after this.
    """
    if kind in SIGNALS:
        yield lambda: _signal(client(), kind)
    elif kind in (Kind.CUT, Kind.ENGINE):
        with contextlib.closing(Armed(container, CUT if kind is Kind.CUT else KILL_ENGINE)) as script:
            yield script.fire
    else:
        # A plain restart lets the engine stop its containers; without a second of grace it is a pulled plug.
        grace = ("--time", "0") if kind is Kind.POWER else ()
        yield lambda: _restart(container, *grace)


def _signal(client: Client, kind: Kind) -> None:
    client.send(SIGNALS[kind])
    if kind is Kind.TWICE:
        time.sleep(0.05)
        client.send(SIGNALS[kind])


def _restart(container: str, *grace: str) -> None:
    docker_cli.docker("restart", *grace, container, timeout=120)


FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"
