"""The lock: a lease held by a process on the host that lives as long as this client is heard.

What it promises and why nothing stale can be left: docs/design.md, "Lock" and "Lease freed after a kill".
"""

from __future__ import annotations

import contextlib
import json
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from behindy_ops.errors import UNCHANGED, BehindyError, ConnectionLost, Kind, LockHeld, SwarmFound
from behindy_ops.facts.replies import parse_json
from behindy_ops.host import exit_codes
from behindy_ops.host.channel import AfterMark, not_run
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.exit_codes import Code

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

    def line(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


def argv(holder: Holder, state_dir: str, mark: str, survey: tuple[str, ...]) -> tuple[str, ...]:
    """Return what takes the lease and then surveys the host under it (one round trip for both)."""
    return script("lock/lease", state_dir, str(SILENCE), mark, holder.line(), *survey)


def swarm_found() -> SwarmFound:
    """Return what tells that the host manages a swarm, which the settings do not say."""
    code = Code.OTHER_ENGINE
    return SwarmFound(code.what, state=UNCHANGED, remedy=code.remedy)


def refusal(code: int, output: str) -> BehindyError | None:
    """Return why the lock was not given: who has it, by the JSON line that was printed. None if nobody has it."""
    if code == Code.OTHER_ENGINE:
        return swarm_found()
    if code == Code.BUSY:
        return LockHeld(
            "A command of an interrupted run has been changing the host for over 90 s.",
            state="Nothing changed by this run.",
            remedy="Wait for it, then try again.",
        )
    holder = parse_json(output) or {}
    who, what, since = (holder.get(key, "unknown") for key in ("who", "what", "since"))
    if code == Code.HELD:
        return LockHeld(
            f"{who} has held this host for maintenance since {since}: {holder.get('message', what)}.",
            state=UNCHANGED,
            remedy="Ask them, or end it: inv lock.release",
            by_hand=True,
        )
    if code == Code.LEASED:
        return LockHeld(
            f"{who} is changing this host: {what}, since {since}.",
            state=UNCHANGED,
            remedy="Wait for it to end and try again; --wait 10m queues.",
        )
    return None


class Lease:
    """A held lease; :meth:`release` or the end of this process frees it."""

    def __init__(self, channel: paramiko.Channel, holder: Holder, state_dir: str, mark: str) -> None:
        self.fence = script("lock/fenced", state_dir, holder.token)
        self._channel = channel
        self._mark = mark
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._heard = time.monotonic()
        self._sent: float | None = None
        self._rest = b""
        self._begun = False
        self._stop = threading.Event()
        threading.Thread(target=self._listen, name="lease-listen", daemon=True).start()

    def survey(self, check: Callable[[], None]) -> str:
        """Return what the survey printed, once the lease is ours; starts the heartbeat.

        Raises:
            LockHeld: somebody else has it.
            Kind.HOST_NOT_READY: the host lacks what the lock needs.
            ConnectionLost: the connection broke meanwhile.
        """
        deadline = time.monotonic() + 180
        said, ours = self._until("lease", check, deadline)
        if not ours:
            raise self._refused(said)
        survey, whole = self._until("ready", check, deadline)
        if not whole:
            raise ConnectionLost("The connection broke while the host was being looked at.", state=UNCHANGED)
        threading.Thread(target=self._beat, name="lease-beat", daemon=True).start()
        return survey

    def _until(self, word: str, check: Callable[[], None], deadline: float) -> tuple[str, bool]:
        """Return what came before this line of ours, and whether it came before the end."""
        lines: list[str] = []
        while (line := self._next(check, deadline)) not in (None, f"{self._mark} {word}"):
            lines.append(f"{line}\n")
        return "".join(lines), line is not None

    def _refused(self, output: str) -> BehindyError:
        code = self._channel.recv_exit_status()
        if held := refusal(code, output):
            return held
        errors = b""
        while self._channel.recv_stderr_ready():
            errors += self._channel.recv_stderr(65536)
        said = errors.partition(f"{self._mark}\n".encode())
        if not (self._begun or said[1] or code == exit_codes.NO_STATUS):
            return not_run(f"{errors.decode('utf-8', 'replace')}\n{output}")
        result = Result(
            Command((), "take the lock"), code, output, (said[2] or said[0]).decode("utf-8", "replace"), 0.0
        )
        if told := exit_codes.error(code, result.last_lines()):
            return told
        if code == exit_codes.NO_STATUS:
            return ConnectionLost("The connection broke while the lock was taken.", state=UNCHANGED)
        return Kind.HOST_NOT_READY(
            f"The lock could not be taken: {result.how()}.",
            state=UNCHANGED,
            remedy="Check that bash, flock and coreutils are on the host.",
            lines=result.last_lines(),
        )

    def _next(self, check: Callable[[], None], deadline: float) -> str | None:
        while True:
            late = time.monotonic() > deadline  # judged before the wait: what is here by its end counts
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=0.05)
            if late:
                break
            check()
        raise ConnectionLost("The host stopped responding while it was being looked at.", state=UNCHANGED)

    def _listen(self) -> None:
        heard = AfterMark(self._mark, self._take)
        with contextlib.suppress(OSError):
            while data := self._channel.recv(65536):
                self._heard = time.monotonic()
                heard.add(data)
        self._begun = heard.begun
        self._take(f"{heard.never_begun}\n".encode())
        self._lines.put(None)

    def _take(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._lines.put(line.decode("utf-8", "replace"))

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
        with contextlib.suppress(OSError):
            self._channel.shutdown_write()
