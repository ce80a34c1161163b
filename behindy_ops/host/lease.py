"""The lock: a lease held by a process on the host that lives as long as this client is heard.

What it promises and why nothing stale can be left: docs/design.md, "Lock" and "Lease freed after a kill".
"""

from __future__ import annotations

import json
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from behindy_ops.errors import UNCHANGED, BehindyError, ConnectionLost, Kind, LockHeld
from behindy_ops.facts.replies import parse_json
from behindy_ops.host import exit_codes
from behindy_ops.host.command import Command, Fence, Result, script

if TYPE_CHECKING:
    import paramiko

SILENCE = 60
"""Seconds without a heartbeat after which the host frees the lock."""

BEAT = 5.0
"""Seconds between heartbeats."""

DEAF = 30.0
"""Seconds without an echo after which the client takes the connection for lost."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, for people: user and machine, what for, since when (ISO 8601, UTC)."""

    who: str
    what: str
    since: str
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def line(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8") + b"\n"


def command(state_dir: str, mark: str, survey: tuple[str, ...]) -> Command:
    """Return the command that takes the lease and then surveys the host under it (one round trip for both)."""
    argv = script("lock/lease", state_dir, str(SILENCE), mark, *survey)
    return Command(argv, title="take the lock and look at the host", timeout=24 * 3600)


def refusal(word: str, body: str, *, busy_seconds: int = 90) -> BehindyError:
    """Turn what the lease command printed instead of a lease into the error for the operator.

    Args:
        word: ``held`` (a running client), ``hold`` (a person's maintenance lock) or ``busy``.
        body: the holder's JSON line, possibly empty.
    """
    if word == "busy":
        return LockHeld(
            f"A command of an interrupted run has been changing the host for over {busy_seconds} s.",
            state="Nothing changed by this run.",
            remedy="Wait for it, then try again.",
        )
    holder = parse_json(body) or {}
    who, what, since = (holder.get(key, "unknown") for key in ("who", "what", "since"))
    if word == "hold":
        return LockHeld(
            f"{who} has held this host for maintenance since {since}: {holder.get('message', what)}.",
            state="Nothing changed.",
            remedy="Ask them, or end it: inv lock.release",
            by_hand=True,
        )
    return LockHeld(
        f"{who} is changing this host: {what}, since {since}.",
        state="Nothing changed.",
        remedy="Wait for it to end and try again; --wait 10m queues.",
    )


class Lease:
    """A held lease; :meth:`release` or the end of this process frees it."""

    def __init__(self, channel: paramiko.Channel, holder: Holder, state_dir: str, mark: str) -> None:
        self.fence = Fence(state_dir, holder.token)
        self._channel = channel
        self._mark = mark
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._heard = time.monotonic()
        self._sent: float | None = None
        self._stop = threading.Event()
        threading.Thread(target=self._listen, name="lease-listen", daemon=True).start()

    def survey(self, check: Callable[[], None], *, timeout: float = 180.0) -> str:
        """Return what the survey printed, once the lease is ours; starts the heartbeat.

        Raises:
            LockHeld: somebody else has it.
            Kind.HOST_NOT_READY: the host lacks what the lock needs.
            ConnectionLost: the connection broke meanwhile.
        """
        deadline = time.monotonic() + timeout
        self._expect_lease(check, deadline)
        lines: list[str] = []
        while (line := self._next(check, deadline)) != f"{self._mark} ready":
            if line is None:
                raise ConnectionLost("The connection broke while the host was being looked at.", state=UNCHANGED)
            lines.append(line)
        threading.Thread(target=self._beat, name="lease-beat", daemon=True).start()
        return "\n".join(lines) + "\n"

    def _expect_lease(self, check: Callable[[], None], deadline: float) -> None:
        first = self._next(check, deadline)
        if first == f"{self._mark} lease":
            return
        rest: list[str] = []
        while first is not None and (line := self._next(check, deadline)) is not None:
            rest.append(line)
        if first is not None and first.startswith(self._mark):
            raise refusal(first.removeprefix(self._mark).strip(), "\n".join(rest))
        code = self._channel.recv_exit_status()
        raise _no_lease(code, "\n".join([first or "", *rest]), self._channel)

    def _next(self, check: Callable[[], None], deadline: float) -> str | None:
        while True:
            try:
                return self._lines.get(timeout=0.05)
            except queue.Empty:
                check()
                if time.monotonic() > deadline:
                    raise ConnectionLost("The host fell silent while it was looked at.", state=UNCHANGED) from None

    def _listen(self) -> None:
        rest = b""
        try:
            while data := self._channel.recv(65536):
                self._heard = time.monotonic()
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    self._lines.put(line.decode("utf-8", "replace"))
        except OSError:
            pass
        self._lines.put(None)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            try:
                self._sent = self._sent or time.monotonic()
                self._channel.sendall(b"\n")
            except OSError:
                return
            if self._heard >= self._sent:
                self._sent = None

    @property
    def alive(self) -> bool:
        """Whether the process on the host still holds it, as far as this side knows."""
        return not self._channel.closed and not self._channel.exit_status_ready()

    @property
    def deaf(self) -> bool:
        """Whether heartbeats have gone unanswered for :data:`DEAF` seconds."""
        sent = self._sent
        return sent is not None and self._heard < sent and time.monotonic() - sent > DEAF

    def release(self) -> None:
        """Free it: the end of its input ends the process on the host."""
        self._stop.set()
        try:
            self._channel.shutdown_write()
        except OSError:
            return


def _no_lease(code: int, output: str, channel: paramiko.Channel) -> BehindyError:
    errors = b""
    while channel.recv_stderr_ready():
        errors += channel.recv_stderr(65536)
    lines = tuple((errors.decode("utf-8", "replace") or output).strip().splitlines()[-10:])
    if told := exit_codes.error(code, lines):
        return told
    if code == exit_codes.NO_STATUS:
        return ConnectionLost("The connection broke while the lock was taken.", state=UNCHANGED)
    failed = Result(Command((), "take the lock"), code, output, errors.decode("utf-8", "replace"), 0.0)
    return Kind.HOST_NOT_READY(
        f"The lock could not be taken: {failed.how()}.",
        state=UNCHANGED,
        remedy="Check that bash, flock and coreutils are on the host.",
        lines=lines,
    )
