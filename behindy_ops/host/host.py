"""A host that commands can be run on: one SSH connection, and the lease if one was taken."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Self

import paramiko

from behindy_ops.errors import ConnectionLost, LeaseLost
from behindy_ops.host import lease as lock
from behindy_ops.host.channel import POLL, start
from behindy_ops.host.command import Command, Result, wire
from behindy_ops.host.connection import open_connection
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    from fabric import Connection


class Host:
    """One connection to one host. Use it as a context manager.

    Args:
        check: called while a command is waited for; what it raises ends the wait.

    Attributes:
        remote_commands: how many commands were sent (each costs a channel and its round trips).
    """

    def __init__(self, settings: Settings, *, check: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.remote_commands = 0
        self._check = check
        self._connection: Connection | None = None
        self._spare: Future[paramiko.Channel] | None = None
        self._spare_lock = threading.Lock()
        self._lease: lock.Lease | None = None

    def __enter__(self) -> Self:
        self._connection = open_connection(self.settings)
        self._open_spare()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        if self._connection is not None:
            self._connection.close()

    def take_lease(self, holder: lock.Holder, state_dir: str, mark: str, survey: tuple[str, ...]) -> str:
        """Take the lock and return what the survey printed under it.

        Args:
            mark: the boundary that frames the parts of the survey; random, so that no output can contain it.

        Raises:
            LockHeld: somebody else has it.
        """
        channel = self._channel()
        self.remote_commands += 1
        command = lock.command(state_dir, mark, survey)
        # The heartbeat follows on the same standard input, so it is not closed here, as `start` would.
        try:
            channel.exec_command(wire_lease(command))
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost("before the lock was taken") from error
        with contextlib.suppress(OSError):  # it has ended already, and says why
            channel.sendall(holder.line())
        lease = lock.Lease(channel, holder, state_dir, mark)
        text = lease.survey(self._check_alive)
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
        """
        return self._run(command, self._guard)

    def begin(self, command: Command) -> Future[Result]:
        """Start a command beside others; :meth:`end` waits for it."""
        future: Future[Result] = Future()

        def work() -> None:
            try:
                future.set_result(self._run(command, self._check_lease))
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                future.set_exception(error)

        threading.Thread(target=work, name=command.title, daemon=True).start()
        return future

    def end(self, future: Future[Result]) -> Result:
        """Wait for a command that was begun; raises as :meth:`run` does."""
        while not wait([future], timeout=POLL).done:
            self._guard()
        return future.result()

    def _run(self, command: Command, check: Callable[[], None]) -> Result:
        fence = self._lease.fence if self._lease else None
        line = wire(command, fence)
        running = start(command, line, self._channel(), self._lost)
        self.remote_commands += 1
        result = running.wait(check)
        if command.changes and result.exit_code == Code.LEASE_LOST:
            raise _lease_lost(f"Lost the deploy lock; refused to {command.title}.")
        return result

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
        """Take the channel opened ahead and open the next one: half the round trips of every command."""
        with self._spare_lock:
            spare, self._spare = self._spare, None
        try:
            channel = spare.result(timeout=30) if spare else self._transport().open_session(timeout=30)
        except (paramiko.SSHException, OSError, EOFError, TimeoutError) as error:
            raise self._lost("when a channel was opened") from error
        self._open_spare()
        return channel

    def _open_spare(self) -> None:
        with self._spare_lock:
            if self._spare is not None:
                return
            future: Future[paramiko.Channel] = Future()
            self._spare = future
        transport = self._transport()

        def work() -> None:
            try:
                future.set_result(transport.open_session(timeout=30))
            except Exception as error:  # noqa: BLE001 - raised where the channel is needed
                future.set_exception(error)

        threading.Thread(target=work, name="spare-channel", daemon=True).start()


def new_mark() -> str:
    """Return a boundary that no output can contain by chance."""
    return f"@@{secrets.token_hex(8)}"


def _lease_lost(what: str) -> LeaseLost:
    return LeaseLost(
        what,
        state="Nothing changed after the lock was lost.",
        remedy="See where the host stands: inv deploy.status. The next deploy puts it in order.",
    )


def wire_lease(command: Command) -> str:
    """Return the lease's line; it has no ``timeout``: it ends when the client is gone or silent."""
    return shlex.join(command.argv)
