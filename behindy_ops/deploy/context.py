"""What every step of a deploy shares: the host, the settings, the event stream, the clock, and signals."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from behindy_ops.deploy.commands import Paths
from behindy_ops.errors import BehindyError
from behindy_ops.host.interrupts import Interrupts
from behindy_ops.report.events import Event, StepDone, StepFailed, StepProgress, StepStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from behindy_ops.host.command import Command, Result
    from behindy_ops.project.settings import Settings

__all__ = ["Context", "HostLike", "Step"]


def _random_hex(digits: int) -> str:
    return secrets.token_hex((digits + 1) // 2)[:digits]


class HostLike(Protocol):
    """What the deploy needs of a host; the tests' simulator is one too."""

    remote_commands: int

    def run(self, command: Command) -> Result: ...

    def begin(self, command: Command) -> Future[Result]: ...

    def end(self, future: Future[Result]) -> Result: ...


@dataclass
class Step:
    """A running step. ``detail`` is what it shows when it is done, ``failed`` why it is shown as failed instead."""

    name: str
    detail: str = ""
    failed: str = ""
    emit: Callable[[Event], None] = field(default=lambda _: None, repr=False)

    def progress(self, text: str) -> None:
        self.emit(StepProgress(self.name, text))


@dataclass
class Context:
    """Everything a step may use.

    :param who: who runs this, for the lock and the history.
    :param randomness: gives hexadecimal digits for ids.
    :ivar counted: remote commands already told of, by an earlier service's deploy on this connection.
    :ivar begun: the lock was held, so something may have been changed.
    :ivar durations: seconds each step took, in the order they ended.
    """

    host: HostLike
    settings: Settings
    emit: Callable[[Event], None]
    who: str
    interrupts: Interrupts = field(default_factory=Interrupts)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    randomness: Callable[[int], str] = field(default=_random_hex)
    durations: dict[str, float] = field(default_factory=dict)
    begun: bool = False
    counted: int = 0

    @property
    def paths(self) -> Paths:
        return Paths(self.settings.host_dir)

    @contextlib.contextmanager
    def step(self, name: str, title: str) -> Iterator[Step]:
        """Report the block as one step, with its time, whatever its end."""
        begun = self.clock()
        step = Step(name, emit=self.emit)
        self.emit(StepStarted(name, title))
        try:
            yield step
        except BaseException as error:
            seconds = self._took(name, begun)
            reason = error.what if isinstance(error, BehindyError) else type(error).__name__
            self.emit(StepFailed(name, seconds, reason))
            raise
        seconds = self._took(name, begun)
        self.emit(StepFailed(name, seconds, step.failed) if step.failed else StepDone(name, seconds, step.detail))

    def _took(self, name: str, begun: float) -> float:
        seconds = self.clock() - begun
        self.durations[name] = self.durations.get(name, 0.0) + seconds
        return seconds
