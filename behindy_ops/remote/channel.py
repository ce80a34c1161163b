"""One command on one SSH channel, waited for in a way that signals, silence and a dead connection can end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import paramiko

from behindy_ops.remote.command import Command, Result

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Running", "start"]

POLL = 0.05
"""Seconds between looks at a channel that says nothing; its end is noticed at once."""

GRACE = 30.0
"""Seconds a command may be late after its own timeout on the host before the connection is taken for dead."""


class _Check(Protocol):
    def __call__(self) -> None: ...


class Running:
    """A command that has been sent. :meth:`wait` returns how it ended."""

    def __init__(self, command: Command, channel: paramiko.Channel, lost: Callable[[str], Exception]) -> None:
        self.command = command
        self.channel = channel
        self._lost = lost
        self._started = time.monotonic()
        self._out = bytearray()
        self._err = bytearray()
        self._told = 0

    def wait(self, check: _Check) -> Result:
        """Wait for the end.

        :param check: called every :data:`POLL` seconds; what it raises ends the wait (the command goes on).
        :raises ConnectionLost: the connection broke, or nothing came long after the command's own timeout.
        """
        deadline = self._started + self.command.timeout + GRACE
        while not self.channel.status_event.wait(POLL):
            self._drain()
            check()
            self._require_alive(deadline)
        ended = time.monotonic()
        # The status may overtake the last output; the end of the stream tells that all of it is here.
        while not (self.channel.eof_received or self.channel.closed) and time.monotonic() < ended + 2:
            self._drain()
            time.sleep(0.001)
        self._drain()
        code = self.channel.exit_status
        if code == -1 and not self._transport().is_active():
            raise self._lost(f"while it was to {self.command.title}")
        self.channel.close()
        return Result(
            self.command,
            code,
            self._out.decode("utf-8", "replace"),
            self._err.decode("utf-8", "replace"),
            time.monotonic() - self._started,
        )

    def _transport(self) -> paramiko.Transport:
        return self.channel.get_transport()

    def _require_alive(self, deadline: float) -> None:
        if not self._transport().is_active():
            raise self._lost(f"while it was to {self.command.title}")
        if time.monotonic() > deadline:
            raise self._lost(f"(no answer) while it was to {self.command.title}")

    def _drain(self) -> None:
        while self.channel.recv_ready():
            self._out += self.channel.recv(65536)
        while self.channel.recv_stderr_ready():
            self._err += self.channel.recv_stderr(65536)
        self._tell()

    def _tell(self) -> None:
        if self.command.on_line is None:
            return
        end = self._out.rfind(b"\n") + 1
        if end > self._told:
            for line in self._out[self._told : end].decode("utf-8", "replace").splitlines():
                self.command.on_line(line)
            self._told = end


def start(command: Command, line: str, channel: paramiko.Channel, lost: Callable[[str], Exception]) -> Running:
    """Send a command on an open channel, and its standard input.

    :param line: the quoted line for the remote shell.
    :param lost: makes the error for a broken connection, given when it happened.
    :raises ConnectionLost: it could not be sent.
    """
    running = Running(command, channel, lost)
    try:
        channel.exec_command(line)
        if command.stdin:
            channel.sendall(command.stdin)
        channel.shutdown_write()
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise lost(f"before it could {command.title}") from error
    return running
