"""What one command on one channel says, and a connection that is gone before the channel knows."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import paramiko
import pytest

from behindy_ops.errors import ConnectionLost
from behindy_ops.host import channel
from behindy_ops.host.channel import Running, _Told
from behindy_ops.host.command import Command
from behindy_ops.host.host import Host

if TYPE_CHECKING:
    from tests.unit.host.ssh_server import SshServer


@pytest.mark.parametrize(("keep", "rest"), [(True, "half\nnext\nre"), (False, "re")])
def test_half_a_line_is_told_once_its_other_half_has_come(keep: bool, rest: str) -> None:
    told: list[str] = []
    stream = _Told(told.append, keep=keep)
    stream.add(b"ha")
    assert told == []
    stream.add(b"lf\nne")
    stream.add(b"x")
    assert told == ["half"]
    stream.add(b"t\nre")
    assert (told, stream.rest()) == (["half", "next"], rest)


def test_a_connection_that_is_down_ends_the_wait_for_a_channel_that_is_open_still(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []

    def go_down() -> None:
        looks.append(True)
        monkeypatch.setattr(paramiko.Transport, "is_active", lambda _: False)

    with (
        Host(server.settings(), check=go_down) as host,
        pytest.raises(ConnectionLost, match=r"127\.0\.0\.1 was lost while .* wait for it"),
    ):
        host.run(Command(("sleep", "5"), "wait for it"))
    assert len(looks) == 1


class Ending:
    """A channel whose command ends during the second wait for it, whatever was found in between."""

    def __init__(self, *, code: int = 0, up: bool = True, broken: bool = False) -> None:
        self.eof_received = self.closed = False
        self.exit_status = code
        self.status_event = self
        self.up = up
        self.broken = broken
        self.waits = 0

    def wait(self, _: float) -> bool:
        self.waits += 1
        self.eof_received = self.closed = True
        return self.waits > 1

    def get_transport(self) -> SimpleNamespace:
        return SimpleNamespace(is_active=lambda: self.up, join=self.join)

    def join(self, _: float) -> None:
        """The thread of a connection that breaks closes its channels before it is down itself."""
        self.up = self.up and not self.broken

    def nothing(self, *_: object) -> bool:
        return False

    shutdown_write = recv_ready = recv_stderr_ready = close = nothing
    sendall = _event_pending = _wait_for_event = nothing
    active = True
    event = SimpleNamespace(wait=lambda _: True)
    remote_chanid = 0
    transport = SimpleNamespace(_send_user_message=nothing)


def run(ending: Ending, timeout: float) -> int:
    command = Command(("true",), "try it", timeout=timeout)
    running = Running(command, "true", "@@", cast("Any", ending), ConnectionLost)
    return running.wait(lambda: None).exit_code


class Asked(Ending):
    """A channel that notes what is sent on it, and when its answer is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[object] = []
        self.transport = SimpleNamespace(_send_user_message=lambda message: self.order.append(message.asbytes()))

    def sendall(self, *data: object) -> bool:
        self.order += data
        return True

    def _wait_for_event(self, *_: object) -> bool:
        self.order.append("answered")
        return True


def test_what_a_command_reads_is_sent_before_the_host_has_answered() -> None:
    asked = Asked()
    Running(Command(("cat",), "try it", stdin=b"a line\n"), "cat", "@@", cast("Any", asked), ConnectionLost)
    request, read, answered = asked.order
    assert isinstance(request, bytes)
    assert b"exec" in request
    assert (read, answered) == (b"a line\n", "answered")


def test_a_channel_that_was_closed_before_is_sent_nothing_and_waited_for_by_nobody() -> None:
    asked = Asked()
    asked.closed = True
    with pytest.raises(ConnectionLost):
        Running(Command(("cat",), "try it"), "cat", "@@", cast("Any", asked), ConnectionLost)
    assert asked.order == []


def test_an_answer_that_a_connection_took_with_it_is_not_waited_for() -> None:
    asked = Asked()
    asked.event = SimpleNamespace(wait=lambda _: False)
    asked.transport.is_active = lambda: False
    with pytest.raises(ConnectionLost):
        Running(Command(("cat",), "try it"), "cat", "@@", cast("Any", asked), ConnectionLost)
    assert "answered" not in asked.order


def test_paramiko_has_what_that_needs() -> None:
    """The three that ``execute`` takes from its inside, as ``Channel.exec_command`` uses them."""
    own = inspect.getsource(paramiko.Channel.exec_command)
    used = ["self._event_pending()", "self.transport._send_user_message(m)", "self._wait_for_event()"]
    assert [line.strip() for line in own.splitlines()][-3:] == used


@pytest.mark.parametrize("left", [True, False])
def test_a_command_that_ends_as_it_is_given_up_has_ended(left: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "GRACE", 0.0 if left else -9.0)
    assert run(Ending(code=3, up=not left), timeout=5) == 3


def test_a_channel_that_closes_just_before_its_connection_was_lost_with_it() -> None:
    assert run(Ending(code=-1), timeout=5) == -1
    with pytest.raises(ConnectionLost):
        run(Ending(code=-1, broken=True), timeout=5)
