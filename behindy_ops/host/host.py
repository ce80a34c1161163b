"""A host that commands can be run on: one SSH connection, and the lease if one was taken."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

import paramiko

from behindy_ops.errors import UNCHANGED, ConnectionLost, Kind, LeaseLost
from behindy_ops.facts.machine import MORE_SESSIONS, ONE_SESSION
from behindy_ops.host import lease as lock
from behindy_ops.host.channel import POLL, Running, not_run
from behindy_ops.host.channels import Channels
from behindy_ops.host.command import Command, Result, as_told_to, begun, quoted, wire
from behindy_ops.host.connection import close, open_connection
from behindy_ops.host.exit_codes import NO_STATUS, Code
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    from fabric import Connection

T = TypeVar("T")


class Host:
    """One connection to one host. Use it as a context manager.

    Args:
        check: called while a command is waited for; what it raises ends the wait.
        tell: is told why the connection takes long, where it does.
        find: a network of a swarm: the first command finds out whether the host manages one that has it.

    Attributes:
        remote_commands: how many commands were sent (each costs a channel and its round trips).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        check: Callable[[], None] = lambda: None,
        tell: Callable[[str], None] = lambda _: None,
        find: str = "",
    ) -> None:
        self.settings = settings
        self._tell = tell
        self.remote_commands = 0
        self._check = check
        self._connection: Connection | None = None
        self._channels: Channels | None = None
        self._wanted: dict[Future[Result], threading.Event] = {}
        self._lease: lock.Lease | None = None
        self._find = find

    def __enter__(self) -> Self:
        self._connection = open_connection(self.settings, tell=self._tell, sleep=self._rest)
        self._channels = Channels(partial(self._transport().open_session, timeout=30))
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        close(self._connection)

    def take_lease(self, holder: lock.Holder, state_dir: str, mark: str, survey: tuple[str, ...]) -> str:
        """Take the lock and return what the survey printed under it.

        Args:
            mark: the boundary that frames the parts of the survey; random, so that no output can contain it.

        Raises:
            LockHeld: somebody else has it.
            SwarmFound: as for :meth:`run`.
        """
        channel = self._channel()
        self.remote_commands += 1
        # Its input stays open for the heartbeat. It has no `timeout`: it ends when this client is gone or silent.
        try:
            line = quoted(lock.argv(holder, state_dir, mark, self._told(survey)))
            channel.exec_command(begun(line, mark, find=self._finds()))
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost("before the lock was taken") from error
        lease = lock.Lease(channel, holder, state_dir, mark)
        text = lease.survey(self._check_alive)
        if self.sessions == 1:
            lease.release()
            raise Kind.HOST_NOT_READY(ONE_SESSION, state=UNCHANGED, remedy=MORE_SESSIONS)
        self._lease = lease
        return text

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def run(self, command: Command) -> Result:
        """Run one command and wait for its end.

        Returns:
            how it ended; a failure is a result, not an exception.

        Raises:
            LeaseLost: it changes something and our lease is gone; it was not run.
            ConnectionLost: the connection broke; whether it was run is not known.
            SwarmFound: it was to find whether the host manages a swarm, which it does; it was not run.
        """
        return self._run(command, self._guard, self._channel)

    @property
    def sessions(self) -> int | None:
        """How many channels the server accepts on one connection; None as long as it has refused none."""
        return self._all_channels().limit()

    def begin(self, command: Command) -> Future[Result]:
        """Start a command beside others; :meth:`end` waits for it.

        Where the server does not accept enough channels for that, it starts once it is waited for.
        """
        wanted = threading.Event()

        def take() -> paramiko.Channel:
            if channel := self._opened(self._all_channels().take_beside):
                return channel
            wanted.wait()
            return self._channel()

        future = _beside(command.title, lambda: self._run(command, self._check_lease, take))
        self._wanted[future] = wanted
        return future

    def end(self, future: Future[Result]) -> Result:
        """Wait for a command that was begun; raises as :meth:`run` does."""
        if wanted := self._wanted.pop(future, None):
            wanted.set()
        while not wait([future], timeout=POLL).done:
            self._guard()
        return future.result()

    def _run(self, command: Command, check: Callable[[], None], take: Callable[[], paramiko.Channel]) -> Result:
        command = replace(command, argv=self._told(command.argv))
        line = wire(command, self._lease.fence if self._lease else ())
        running = Running(command, line, new_mark(), take(), self._lost, find=self._finds())
        self.remote_commands += 1
        result = running.wait(check)
        if not running.begun and result.exit_code == Code.OTHER_ENGINE:  # a command of somebody's may end with it, too
            raise lock.swarm_found()
        if not running.begun and result.exit_code != NO_STATUS:
            raise not_run(f"{result.stderr}\n{result.stdout}")
        if command.changes and result.exit_code == Code.LEASE_LOST:
            raise _lease_lost(f"Lost the deploy lock; refused to {command.title}.")
        return result

    def _told(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """Return the words with the scripts as this host's engine has them."""
        texts = as_told_to(self.settings.scripts)
        return tuple(texts.get(word, word) for word in argv)

    def _finds(self) -> str:
        """Return what the command that is about to be sent is to find."""
        find, self._find = self._find, ""
        return find

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._check()
            time.sleep(POLL)

    def _guard(self) -> None:
        self._check()
        self._check_lease()

    def _check_alive(self) -> None:
        self._check()
        if not self._transport().is_active():
            raise self._lost("while the host was being looked at")

    def _check_lease(self) -> None:
        if self._lease is not None and self._lease.deaf:
            raise self._lost(f"(no answer for {lock.DEAF:g} s)")
        if self._lease is not None and not self._lease.alive and self._transport().is_active():
            raise _lease_lost("Lost the deploy lock: the host has ended it.")

    def _lost(self, when: str) -> ConnectionLost:
        return ConnectionLost(
            f"The connection to {self.settings.host} was lost {when}.",
            state="Whether that command was carried out is not known; the site goes on serving.",
            remedy="See where the host stands: inv deploy.status. The next deploy puts it in order.",
        )

    def _transport(self) -> paramiko.Transport:
        if self._connection is None:
            raise RuntimeError("the host is used as a context manager")
        transport: paramiko.Transport = self._connection.transport
        return transport

    def _channel(self) -> paramiko.Channel:
        return self._opened(partial(self._all_channels().take, self._check))

    def _all_channels(self) -> Channels:
        if self._channels is None:
            raise RuntimeError("the host is used as a context manager")
        return self._channels

    def _opened(self, take: Callable[[], T]) -> T:
        try:
            return take()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost("while opening a channel") from error


def _beside(name: str, work: Callable[[], T]) -> Future[T]:
    """Do some work in a thread that does not keep the program from ending; what it raises, the future raises."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def new_mark() -> str:
    """Return a boundary that no output can contain by chance."""
    return f"@@{secrets.token_hex(8)}"


def _lease_lost(what: str) -> LeaseLost:
    return LeaseLost(
        what,
        state="Nothing changed after the lock was lost.",
        remedy="See where the host stands: inv deploy.status. The next deploy puts it in order.",
    )
