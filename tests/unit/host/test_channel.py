"""What one command on one channel says, and a connection that is gone before the channel knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paramiko
import pytest

from behindy_ops.errors import ConnectionLost
from behindy_ops.host.channel import _Told
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
