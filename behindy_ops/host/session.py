"""A session: one connection to one host, and all that work on it shares. :func:`open_session` is the only way in."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Protocol

from tenacity import Retrying, retry_if_exception, wait_fixed

from behindy_ops.errors import STILL_RUNNING, UNCHANGED, BehindyError, Interrupted, LockHeld, SwarmFound
from behindy_ops.facts import survey as surveys
from behindy_ops.facts.container import CONTAINER_TEMPLATE
from behindy_ops.facts.image import IMAGE_TEMPLATE
from behindy_ops.facts.outside import Sighting
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.host import Host, new_mark
from behindy_ops.host.interrupts import Interrupts
from behindy_ops.host.lease import Holder
from behindy_ops.host.outside import begin
from behindy_ops.project.names import Names
from behindy_ops.project.paths import HostPaths
from behindy_ops.project.project import Project
from behindy_ops.project.services import Service, replicas, repository
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Event, Note, StepDone, StepFailed, StepProgress, StepStarted

QUEUE_PAUSE = 2.0
"""Seconds between tries while queueing for the lock."""


class HostLike(Protocol):
    """What a session needs of a host; the tests' simulator is one too."""

    remote_commands: int

    @property
    def sessions(self) -> int | None: ...

    def run(self, command: Command) -> Result: ...

    def begin(self, command: Command) -> Future[Result]: ...

    def end(self, future: Future[Result]) -> Result: ...

    def release(self) -> None: ...

    def take_lease(self, holder: Holder, state_dir: str, mark: str, survey: tuple[str, ...]) -> str: ...


def silent(_: Event) -> None:
    """Listen to events and say nothing."""


@dataclass
class Step:
    """A running step.

    Attributes:
        detail: what it shows when it is done.
        failed: why it is shown as failed instead.
    """

    name: str
    emit: Callable[[Event], None]
    detail: str = ""
    failed: str = ""

    def progress(self, text: str) -> None:
        self.emit(StepProgress(self.name, text.removesuffix("\r")))  # as apt-get ends its lines


@dataclass
class Session:
    """A connection on which a host is looked at and changed.

    Attributes:
        services: those of interest; only their images and configurations are read.
        emit: is told what happens.
        who: who runs this, for the lock and the history.
        randomness: gives so many hexadecimal digits, for ids.
        durations: seconds that each step took, in the order in which they ended.
        counted: remote commands that were already reported.
        epoch: the host's clock when ours was at zero, in seconds; None until it was looked at.
        outside: begins to ask a public URL from this machine, as ``begin`` in host/outside.py; None for never.
        reach: opens a session on another host, which is about no service and tells nothing; None for never.
        running: the titles of the steps that have begun and not ended.
        locked: it has the lock.
    """

    host: HostLike
    project: Project
    settings: Settings
    services: Sequence[Service]
    emit: Callable[[Event], None]
    who: str
    interrupts: Interrupts = field(default_factory=Interrupts)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    randomness: Callable[[int], str] = lambda digits: secrets.token_hex(digits)[:digits]
    durations: dict[str, float] = field(default_factory=dict)
    counted: int = 0
    epoch: float | None = None
    outside: Callable[[str], Callable[[], Sighting | None]] | None = None
    reach: Reach | None = None
    running: list[str] = field(default_factory=list)
    locked: bool = False

    def __post_init__(self) -> None:
        self.interrupts.tell = self._stopping

    def _stopping(self, asked: str, put_off: bool) -> None:
        """Say what is done about a request to stop."""
        what = f"'{self.running[-1]}'" if self.running else "this"
        done = "is finished first, then the host is put in order" if put_off else "is stopped, the host put in order"
        again = "; Ctrl-C again leaves it as it is" if asked == "Ctrl-C" else ""
        self.emit(Note(f"{asked}: {what} {done}{again}."))

    @property
    def paths(self) -> HostPaths:
        return HostPaths(self.settings.host_dir)

    @cached_property
    def names(self) -> Names:
        """What the project calls its things on the host.

        Raises:
            Kind.COMPOSE_INVALID: the compose file does not tell.
        """
        return self.project.names(self.settings)

    def host_now(self) -> datetime:
        """Return the time by the host's clock, for what is recorded there; by ours until it was looked at."""
        return self.now() if self.epoch is None else datetime.fromtimestamp(self.epoch + self.clock(), UTC)

    @contextlib.contextmanager
    def step(self, name: str, title: str) -> Iterator[Step]:
        """Report the block as one step, with its time, whatever its end."""
        begun = self.clock()
        step = Step(name, self.emit)
        self.emit(StepStarted(name, title))
        self.running.append(title)
        try:
            yield step
        except BaseException as error:
            if not isinstance(error, SwarmFound):  # it is begun once more
                step.failed = error.what if isinstance(error, BehindyError) else type(error).__name__
            raise
        finally:
            self.running.remove(title)
            seconds = self.clock() - begun
            self.durations[name] = self.durations.get(name, 0.0) + seconds
            self.emit(StepFailed(name, seconds, step.failed) if step.failed else StepDone(name, seconds, step.detail))

    def survey_argv(self, mark: str) -> tuple[str, ...]:
        """Return the command that surveys the host; ``mark`` is the boundary between its parts."""
        settings, proxy = self.settings, self.names.proxy
        asked = "|".join(dict.fromkeys(filter(None, (proxy.stanza, proxy.container))))
        pairs = [word for each in self.services for word in (each.name, repository(each, settings.image_prefix))]
        return script(
            *("host/survey", mark, settings.host_dir, settings.domain, settings.public_address),
            *(self.names.network, proxy.container, asked, CONTAINER_TEMPLATE, IMAGE_TEMPLATE, *pairs),
        )

    def from_here(self, seeing: Callable[[], Sighting | None]) -> Sighting:
        """Wait for what this machine sees, which takes 5 s at most; told to stop, no longer."""
        while (sight := seeing()) is None:
            self.interrupts.check()
            self.sleep(0.05)
        return sight

    def ask(
        self, name: str, *words: str, title: str, timeout: float = 30.0, stdin: bytes = b"", changes: bool = False
    ) -> Reply:
        """Run a script and return its answer in sections.

        Args:
            words: its arguments after the boundary.
            timeout: seconds.

        Raises:
            BehindyError: it failed, or its answer is cut short.
        """
        mark = new_mark()
        command = Command(script(name, mark, *words), title=title, timeout=timeout, stdin=stdin, changes=changes)
        return self.host.run(command).require(state=UNCHANGED, remedy="Try again.").reply(mark)

    def look(self, parts: str = "") -> Survey:
        """Survey the host without the lock; changes nothing.

        Args:
            parts: of the survey, with blanks between them; empty for all.
        """
        mark, before = new_mark(), self.now()
        chosen = ("env", f"SURVEY_PARTS={parts}") if parts else ()
        argv = (*chosen, *self.survey_argv(mark))
        result = self.host.run(Command(argv, title="look at the host", timeout=60))
        return self._surveyed(result.require().stdout, mark, before)

    def _surveyed(self, text: str, mark: str, before: datetime) -> Survey:
        survey = surveys.parse(text, mark, self.names).compared(before, self.now())
        survey = replace(survey, changing=None) if self.locked else survey  # that is us
        self.epoch = survey.now - self.clock() if survey.now else None
        return survey

    def lock(self, what: str, wait: float = 0.0) -> Survey:
        """Take the lock and survey the host under it, in one round trip.

        Args:
            what: what it is taken for, for whoever meets it.
            wait: seconds to queue for it, saying who holds it; a person's hold is not waited for.

        Raises:
            LockHeld: somebody else has it.
        """
        mark, before = new_mark(), self.now()

        def take() -> str:
            nonlocal before
            before = self.now()  # what was waited for the lock is no time in which the host may have told its own
            return self.host.take_lease(holder, self.paths.state, mark, self.survey_argv(mark))

        holder = Holder(who=self.who, what=what, since=datetime.now(UTC).isoformat(timespec="seconds"))
        deadline = self.clock() + wait
        with self.step("survey", "Take the lock and look at the host") as step:
            try:
                text = self._queue(step, deadline)(take)
            except Interrupted as error:
                raise error.but(state=STILL_RUNNING) from error
            self.locked = True
            survey = self._surveyed(text, mark, before)
            engine = f"Docker {survey.docker}" if survey.docker else "no Docker yet"
            step.detail = f"{engine}, {survey.memory.get('MemAvailable', 0) // 2**20} MB available"
        return survey

    def unlock(self) -> None:
        """Give the lock back, if it is held; the connection stays."""
        self.host.release()
        self.locked = False

    def _queue(self, step: Step, deadline: float) -> Retrying:
        """Return what tries again until the deadline, by our clock, while another client has the lock."""
        return Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, LockHeld) and not error.by_hand),
            stop=lambda _: self.clock() >= deadline,
            wait=wait_fixed(QUEUE_PAUSE),
            sleep=self._rest,
            before_sleep=lambda tried: step.progress(f"waiting: {tried.outcome and tried.outcome.exception()}"),
            reraise=True,
        )

    def _rest(self, seconds: float) -> None:
        end = self.clock() + seconds
        while self.clock() < end:
            self.interrupts.check()
            self.sleep(0.1)


Reach = Callable[[Settings], AbstractContextManager[Session]]
"""Opens a session on another host."""

Connect = Callable[[], AbstractContextManager[Session]]
"""Opens a new session with the same settings, services and listener; given to work that may need several."""


@contextlib.contextmanager
def open_session(
    project: Project,
    settings: Settings,
    services: Sequence[Service] = (),
    emit: Callable[[Event], None] = silent,
    environ: Mapping[str, str] = os.environ,
    *,
    find: str = "",
) -> Iterator[Session]:
    """Connect to the host of these settings; signals are put off to the ends of steps while it is open.

    Args:
        find: as for :class:`Host`.

    Raises:
        SwarmFound: it does; nothing was run on it.
        Kind.HOST_UNREACHABLE: it does not answer.
        Kind.HOST_KEY_UNKNOWN: its key is not pinned.
        Kind.HOST_KEY_CHANGED: it showed another key than the pinned one.
        Kind.LOGIN_REFUSED: it refused the user or the key.
    """
    with Interrupts() as interrupts:
        host = Host(settings, check=interrupts.check, tell=lambda text: emit(StepProgress("connect", text)), find=find)
        containers = [each for service in services for each in replicas(service)]
        session = Session(host, project, settings, containers, emit, who_am_i(environ), interrupts=interrupts)
        session.outside = lambda url: begin(url, settings)
        session.reach = lambda other: open_session(project, other, environ=environ)
        with contextlib.ExitStack() as stack:
            with session.step("connect", f"Connect to {settings.target}"):
                stack.enter_context(host)
            yield session


def who_am_i(environ: Mapping[str, str]) -> str:
    """Return who runs this, for people: the GitHub actor and run, or the git user, or the login name and machine."""
    if environ.get("GITHUB_ACTIONS") == "true":
        run = "/".join(environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
        return f"{environ.get('GITHUB_ACTOR', 'unknown')} ({run}/actions/runs/{environ.get('GITHUB_RUN_ID', '')})"
    name = ""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        answer = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, timeout=5, check=False)
        name = answer.stdout.strip()
    with contextlib.suppress(KeyError, OSError):  # a user without a name in the system's list
        name = name or getpass.getuser()
    return f"{name or os.getuid()}@{platform.node() or 'unknown'}"
