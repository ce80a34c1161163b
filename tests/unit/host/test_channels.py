"""As many commands side by side as the server accepts channels, and one after the other where it accepts few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Interrupted, Kind
from behindy_ops.host import channels
from behindy_ops.host.command import Command
from behindy_ops.host.host import Host
from behindy_ops.host.lease import Holder
from tests.kinds import raises

if TYPE_CHECKING:
    from tests.unit.host.ssh_server import SshServer


def sh(text: str, **fields: object) -> Command:
    return Command(("sh", "-c", text), "try it", **fields)  # type: ignore[arg-type]


def take(host: Host) -> str:
    return host.take_lease(Holder("kim", "deploy", "now"), "./state", "@@", ("echo", "seen"))


@pytest.mark.parametrize("most", [2, 3, 4, 10])
def test_a_lock_and_commands_one_after_the_other_need_two(most: int, server: SshServer) -> None:
    server.most = most
    with Host(server.settings()) as host:
        assert take(host) == "seen\n"
        for number in range(5):
            assert host.run(sh(f"echo {number} >> changed; echo {number}", changes=True)).stdout == f"{number}\n"
        assert host.sessions == (2 if most == 2 else None)
    assert (server.home / "changed").read_text() == "0\n1\n2\n3\n4\n"


@pytest.mark.parametrize("most", [2, 3, 4, 5, 10])
def test_of_commands_side_by_side_those_that_find_no_channel_start_when_they_are_waited_for(
    most: int, server: SshServer
) -> None:
    server.most = most
    with Host(server.settings()) as host:
        take(host)
        begun = [host.begin(sh(f"echo begun {name} >> log; echo {name}")) for name in "ab"]
        if most > 2:  # one at least, and it does not keep the command that is waited for from a channel
            while not (server.home / "log").exists():
                pass
        assert host.run(sh("echo run >> log; echo run")).stdout == "run\n"
        assert [host.end(future).stdout for future in reversed(begun)] == ["b\n", "a\n"]
        assert host.run(sh("cat log")).stdout.count("begun") == 2
    lines = (server.home / "log").read_text().splitlines()
    assert lines == ["run", "begun b", "begun a"] if most == 2 else lines.index("run") > 0


def test_commands_run_beside_each_other_where_there_are_two_channels(server: SshServer) -> None:
    server.most = 2
    with Host(server.settings()) as host:
        first = host.begin(sh("while ! [ -e go ]; do sleep 0.01; done; echo one"))
        assert host.run(sh("touch go; echo two")).stdout == "two\n"
        assert host.end(first).stdout == "one\n"


def test_with_one_channel_a_host_can_be_looked_at_and_not_be_locked(server: SshServer) -> None:
    server.most = 1
    with Host(server.settings()) as host:
        for number in range(3):
            assert host.run(sh(f"echo {number}")).stdout == f"{number}\n"
        assert host.sessions == 1
        assert host.end(host.begin(sh("echo begun"))).stdout == "begun\n"
        with raises(Kind.HOST_NOT_READY, match="MaxSessions 1") as caught:
            take(host)
    assert "MaxSessions 10" in caught.value.remedy


def test_a_command_that_is_no_longer_waited_for_keeps_its_channel_until_it_has_ended(server: SshServer) -> None:
    server.most = 2
    stops: list[Interrupted] = []

    def check() -> None:
        if stops:
            raise stops.pop()

    with Host(server.settings(), check=check) as host:
        take(host)
        command = sh("echo begun; sleep 0.5", on_line=lambda _: stops.append(Interrupted("Stopped.", signal_number=15)))
        with pytest.raises(Interrupted):
            host.run(command)
        assert host.run(sh("echo after")).stdout == "after\n"
        assert host.sessions == 2


def test_channels_that_stay_taken_are_given_up_by_name(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "PATIENCE", 0.2)
    server.most = 1
    with Host(server.settings()) as host:
        host._all_channels().take()
        with raises(Kind.CONNECTION_LOST, match="opening a channel"):
            host.run(sh("true"))


def test_a_server_that_accepts_no_channel_at_all_is_told(server: SshServer) -> None:
    server.most = 0
    with Host(server.settings()) as host, raises(Kind.CONNECTION_LOST, match="opening a channel"):
        host.run(sh("true"))
