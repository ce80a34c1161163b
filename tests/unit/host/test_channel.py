"""What one command on one channel says, and a connection that is gone before the channel knows."""

from __future__ import annotations

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
        self.eof_received = self.closed = True
        self.exit_status = code
        self.status_event = self
        self.up = up
        self.broken = broken
        self.waits = 0

    def wait(self, _: float) -> bool:
        self.waits += 1
        return self.waits > 1

    def get_transport(self) -> SimpleNamespace:
        return SimpleNamespace(is_active=lambda: self.up, join=self.join)

    def join(self, _: float) -> None:
        """The thread of a connection that breaks closes its channels before it is down itself."""
        self.up = self.up and not self.broken

    def nothing(self, *_: object) -> bool:
        return False

    exec_command = shutdown_write = recv_ready = recv_stderr_ready = close = nothing


def run(ending: Ending, timeout: float) -> int:
    command = Command(("true",), "try it", timeout=timeout)
    running = Running(command, "true", "@@", cast("Any", ending), ConnectionLost)
    return running.wait(lambda: None).exit_code


@pytest.mark.parametrize("left", [True, False])
def test_a_command_that_ends_as_it_is_given_up_has_ended(left: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "GRACE", 0.0 if left else -9.0)
    assert run(Ending(code=3, up=not left), timeout=5) == 3


def test_a_channel_that_closes_just_before_its_connection_was_lost_with_it() -> None:
    assert run(Ending(code=-1), timeout=5) == -1
    with pytest.raises(ConnectionLost):
        run(Ending(code=-1, broken=True), timeout=5)
