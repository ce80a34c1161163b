"""One command on one SSH channel, waited for in a way that signals, silence and a dead connection can end."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterable

import paramiko

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.host import exit_codes
from behindy_ops.host.command import Command, Result, begun, goes_along

POLL = 0.05
"""Seconds between looks at a channel that says nothing; its end is noticed at once."""

GRACE = 30.0
"""Seconds a command may be late after its own timeout on the host before the connection is taken for dead."""


class Running:
    """A command that has been sent on an open channel, with its standard input. :meth:`wait` returns how it ended.

    Args:
        line: the quoted line for the remote shell.
        mark: what the host says on both streams before the command itself says anything.
        find: as for :func:`begun`.
        lost: makes the error for a broken connection, given when it happened.

    Raises:
        ConnectionLost: it could not be sent.
    """

    def __init__(
        self,
        command: Command,
        line: str,
        mark: str,
        channel: paramiko.Channel,
        lost: Callable[[str], Exception],
        *,
        find: str = "",
    ) -> None:
        self.command = command
        self.channel = channel
        self._lost = lost
        self._started = time.monotonic()
        self._out = _Told(command.on_line, keep=not command.follow)
        self._err = _Told(command.on_error_line, keep=not command.follow)
        self._from_out = AfterMark(mark, command.sink or self._out.add)
        self._from_err = AfterMark(mark, self._err.add)
        try:
            along = goes_along(command)
            channel.exec_command(begun(line, mark, command.stdin if along else b"", find=find))
            if command.stdin and not along:
                channel.sendall(command.stdin)
            if command.feed is not None:
                threading.Thread(target=self._feed, args=(command.feed,), name=command.title, daemon=True).start()
            elif not command.follow:
                channel.shutdown_write()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise lost(f"before it could {command.title}") from error

    def wait(self, check: Callable[[], None]) -> Result:
        """Wait for the end.

        Args:
            check: called every :data:`POLL` seconds; what it raises ends the wait (the command goes on).

        Raises:
            ConnectionLost: the connection broke, or nothing came long after the command's own timeout.
        """
        deadline = self._started + self.command.timeout + GRACE
        over = ""
        while not self.channel.status_event.wait(POLL):
            self._drain()
            if over:  # found before this wait: an end that came in the meantime counts
                raise self._lost(f"{over} trying to {self.command.title}")
            check()
            over = "" if self._connected() else "while"
            over = over or ("(no answer) while" if time.monotonic() > deadline else "")
        ended = time.monotonic()
        # The status may overtake the last output; the end of the stream tells that all of it is here.
        while not (self.channel.eof_received or self.channel.closed) and time.monotonic() < ended + 2:
            self._drain()
            time.sleep(0.001)
        self._drain()
        code = self.channel.exit_status
        if code == exit_codes.NO_STATUS and not self._outlived():
            raise self._lost(f"while trying to {self.command.title}")
        self.channel.close()
        out, err = self._from_out.never_begun + self._out.rest(), self._from_err.never_begun + self._err.rest()
        return Result(self.command, code, out, err, time.monotonic() - self._started)

    @property
    def begun(self) -> bool:
        """Whether the host ran the command; else it ran something of its own."""
        return self._from_out.begun or self._from_err.begun

    def _feed(self, pieces: Iterable[bytes]) -> None:
        """Send what the command is fed, then close its input; in a thread, since the host may be slow to take it.

        What cannot be sent is no failure here: the command tells how it ended. What the feed raises ends it early, and
        the command has to notice that something is missing.
        """
        try:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                for piece in pieces:
                    self.channel.sendall(piece)
        finally:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                self.channel.shutdown_write()

    def _outlived(self) -> bool:
        """Whether the connection goes on after a command without a status; one that ends closes its channels first."""
        self.channel.get_transport().join(4 * POLL)
        return self._connected()

    def _connected(self) -> bool:
        return bool(self.channel.get_transport().is_active())

    def _drain(self) -> None:
        while self.channel.recv_ready():
            self._from_out.add(self.channel.recv(65536))
        while self.channel.recv_stderr_ready():
            self._from_err.add(self.channel.recv_stderr(65536))


class AfterMark:
    """Passes on what follows a line of ours, and keeps aside what a login shell says before it."""

    def __init__(self, mark: str, add: Callable[[bytes], object]) -> None:
        self._line = f"{mark}\n".encode()
        self._add = add
        self._before = bytearray()
        self.begun = False

    def add(self, data: bytes) -> None:
        if not self.begun:
            self._before += data
            _, found, rest = self._before.partition(self._line)
            if not found:
                return
            self.begun, data = True, bytes(rest)
        if data:
            self._add(data)

    @property
    def never_begun(self) -> str:
        """What came, if our line never did: something else than the command was run, and this is what it said."""
        return "" if self.begun else self._before.decode("utf-8", "replace")


def not_run(said: str) -> BehindyError:
    """Return the error for a login for which the host runs something else than the command, with what that said."""
    other = re.search(r'as the user "([\w.-]+)"', said)
    lines = tuple(said.strip().splitlines()[-5:])
    return Kind.LOGIN_REFUSED(
        "The host let this login in, but ran something else than the command" + (f": {lines[-1]}" if lines else "."),
        state=UNCHANGED,
        remedy=f"Set BEHINDY_USER={other[1]}"
        if other
        else "Set BEHINDY_USER to a login with an ordinary shell (on the host: getent passwd), whose key in "
        "~/.ssh/authorized_keys has no command= before it.",
        lines=lines,
    )


class _Told:
    """What came on one stream. Whole lines are told as they come; with ``keep`` they are returned at the end too."""

    def __init__(self, tell: Callable[[str], None] | None, *, keep: bool) -> None:
        self._tell = tell
        self._keep = keep or tell is None
        self._bytes = bytearray()
        self._told = 0

    def add(self, data: bytes) -> None:
        self._bytes += data
        if self._tell is None:
            return
        end = self._bytes.rfind(b"\n") + 1
        if end <= self._told:
            return
        for line in self._bytes[self._told : end].decode("utf-8", "replace").split("\n")[:-1]:
            self._tell(line)
        self._told = end
        if not self._keep:
            del self._bytes[:end]
            self._told = 0

    def rest(self) -> str:
        return self._bytes.decode("utf-8", "replace")
