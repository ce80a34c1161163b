"""The lock over a real SSH connection: one holds it, the others are told who, and nothing changes without it."""

from __future__ import annotations

import json
import queue
import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import paramiko
import pytest

from behindy_ops.errors import UNCHANGED, ConnectionLost, Kind, LeaseLost, LockHeld
from behindy_ops.host import hold, lease
from behindy_ops.host.command import Command
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.host import Host
from behindy_ops.host.lease import Holder, Lease, refusal
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.host.ssh_server import SshServer

STATE = "./state"
SURVEY = ("echo", "the survey")
CHANGE = Command(("touch", "changed"), "change it", changes=True)


@pytest.fixture
def host(server: SshServer) -> Iterator[Host]:
    with Host(server.settings()) as host:
        yield host


def take(host: Host, what: str = "deploy") -> str:
    return host.take_lease(Holder("kim", what, "now"), STATE, "@@", SURVEY)


def test_it_comes_with_the_survey_and_changes_may_be_made(host: Host, server: SshServer) -> None:
    with pytest.raises(ValueError, match="needs the lock"):
        host.run(CHANGE)
    assert take(host) == "the survey\n"
    assert host.run(CHANGE).ok
    assert (server.home / "changed").exists()
    assert json.loads((server.home / "state/lock.json").read_text())["who"] == "kim"


def test_another_is_told_who_has_it_and_gets_it_afterwards(host: Host, server: SshServer) -> None:
    take(host)
    with Host(server.settings()) as other:
        with pytest.raises(LockHeld, match="kim is changing this host: deploy, since now"):
            take(other)
        assert hold.status(other, STATE).lease["what"] == "deploy"
        host.release()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                assert take(other) == "the survey\n"
                break
            except LockHeld:
                time.sleep(0.02)
        else:
            pytest.fail("it was not given back")


def test_a_person_holds_it_until_it_is_released(host: Host) -> None:
    (free,) = [hold.status(host, STATE)] if host.run(Command(("mkdir", "state"), "make it")).ok else []
    assert (free.hold, free.lease) == ({}, {})
    hold.acquire(host, STATE, who="kim", message="disk", since="now")
    with pytest.raises(LockHeld, match="disk"):
        hold.acquire(host, STATE, who="lee", message="x", since="now")
    with pytest.raises(LockHeld, match="maintenance") as caught:
        take(host)
    assert caught.value.by_hand
    assert hold.release(host, STATE) == {"who": "kim", "message": "disk", "since": "now"}
    assert hold.release(host, STATE) == {}
    take(host)
    with pytest.raises(LockHeld, match="is changing this host"):
        hold.acquire(host, STATE, who="lee", message="x", since="now")


def test_a_hold_that_cannot_be_read_is_one_by_somebody(host: Host, server: SshServer) -> None:
    (server.home / "state").mkdir()
    (server.home / "state/hold.json").write_text("half a li")
    assert hold.status(host, STATE).hold == {"who": "unknown"}


def test_a_lease_that_the_host_has_ended_is_noticed(host: Host, server: SshServer) -> None:
    take(host)
    begun = host.begin(Command(("sleep", "9"), "wait"))
    server.end("lock/lease")
    with pytest.raises(LeaseLost, match="host has ended it"):
        host.end(begun)
    with pytest.raises(LeaseLost):
        host.run(CHANGE)


def test_a_change_is_refused_when_another_has_the_lock_now(host: Host, server: SshServer) -> None:
    take(host)
    (server.home / "state/lock.json").write_text("somebody else's")
    with pytest.raises(LeaseLost, match="refused to change it"):
        host.run(CHANGE)
    assert not (server.home / "changed").exists()


def test_heartbeats_that_are_not_answered_mean_a_lost_connection(host: Host) -> None:
    take(host)
    held = host._lease
    assert held is not None
    held._sent = time.monotonic() - lease.DEAF - 1
    held._heard = held._sent - 1
    with pytest.raises(ConnectionLost, match="no answer for 30 s"):
        host.run(Command(("sleep", "9"), "wait"))


def test_a_connection_that_breaks_before_the_lock_is_taken(host: Host, server: SshServer) -> None:
    server.hang_up()
    with pytest.raises(ConnectionLost):
        take(host)


def test_a_host_that_goes_away_while_it_is_looked_at(host: Host, server: SshServer) -> None:
    def end() -> None:
        while not (server.home / "surveying").exists():
            time.sleep(0.01)
        server.end("lock/lease")

    threading.Thread(target=end).start()
    with pytest.raises(ConnectionLost, match="being looked at"):
        host.take_lease(Holder("kim", "x", "now"), STATE, "@@", ("sh", "-c", "touch surveying; sleep 77"))


def test_what_the_host_lacks_is_told(host: Host, server: SshServer) -> None:
    with raises(Kind.FILES_MISSING):
        host.take_lease(Holder("kim", "x", "now"), "no/state", "@@", SURVEY)
    with raises(Kind.FILES_MISSING):
        hold.status(host, "no/state")
    (server.home / "state").mkdir()
    (server.home / "state/lock").mkdir()
    with raises(Kind.HOST_NOT_READY, match="cannot be written"):
        take(host)


def test_a_host_that_cannot_even_run_the_script_is_told_with_what_it_said() -> None:
    command = lease.command(STATE, "@@", SURVEY)
    assert command.argv[3] == "lock/lease"
    problem = refusal("busy", "")
    assert isinstance(problem, LockHeld)
    assert "interrupted run" in problem.what
    assert refusal("held", "no json").what.startswith("unknown is changing")
    assert Code.BUSY not in (Code.HELD, Code.LEASED)


class LeaseChannel:
    """The channel of a lease, whose host says what a test lets it say; time passes only as a test lets it pass.

    Attributes:
        now: the client's clock, in seconds.
        beats: what to do at each heartbeat; the connection is gone after the last.
        over: the heartbeat has met the end of the connection.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *said: bytes | OSError, code: int = 0) -> None:
        self.now = 0.0
        self.beats: list[Callable[[], None]] = []
        self.sent = 0
        self.over = threading.Event()
        self.closed = False
        self._code = code
        self._said: queue.Queue[bytes | OSError] = queue.Queue()
        self._reading = False
        for piece in said:
            self._said.put(piece)
        monkeypatch.setattr(lease, "BEAT", 0.0)
        monkeypatch.setattr(lease, "time", SimpleNamespace(monotonic=self.monotonic))

    def monotonic(self) -> float:
        self.now += 0.001  # no two moments are the same
        return self.now

    def lease(self) -> Lease:
        return Lease(cast("paramiko.Channel", self), Holder("kim", "deploy", "now"), STATE, "@@")

    def echo(self) -> None:
        """Let the host say something, and go on when it was heard."""
        self._said.put(b"\n")
        self._said.join()

    def recv(self, _: int) -> bytes:
        if self._reading:
            self._said.task_done()
        self._reading = True
        piece = self._said.get()
        if isinstance(piece, OSError):
            raise piece
        return piece

    def sendall(self, _: bytes) -> None:
        if self.sent == len(self.beats):
            self.over.set()
            raise OSError
        self.sent += 1
        self.beats[self.sent - 1]()

    def shutdown_write(self) -> None:
        raise OSError

    def recv_exit_status(self) -> int:
        return self._code

    def recv_stderr_ready(self) -> bool:
        return False


def test_a_host_that_says_nothing_for_three_minutes_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = LeaseChannel(monkeypatch, b"@@ lease\nhalf a survey\n")
    waited: list[float] = []

    def check() -> None:
        assert len(waited) < 9, "it is waited for still"
        waited.append(channel.now)
        channel.now += 59

    with pytest.raises(ConnectionLost, match=r"silent|stopped responding") as caught:
        channel.lease().survey(check)
    assert caught.value.state == UNCHANGED
    assert (len(waited), channel.now > 180 > waited[-1]) == (4, True)


def test_a_connection_that_breaks_in_the_middle_of_the_survey_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = LeaseChannel(monkeypatch, b"@@ lease\nhalf a survey\n", OSError())

    def check() -> None:
        channel.now += 59

    with pytest.raises(ConnectionLost, match="broke while the host was being looked at"):
        channel.lease().survey(check)


def test_a_lease_command_that_ends_without_a_status_is_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionLost, match="broke while the lock was taken") as caught:
        LeaseChannel(monkeypatch, b"", code=-1).lease().survey(lambda: None)
    assert caught.value.state == UNCHANGED


def test_heartbeats_in_a_row_without_an_echo_mean_that_nobody_hears_them(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = LeaseChannel(monkeypatch, b"@@ lease\n@@ ready\n")

    def answered() -> None:
        channel.now += 20
        channel.echo()

    def unanswered() -> None:
        channel.now += 20

    channel.beats = [answered, answered, unanswered, unanswered]
    held = channel.lease()
    held.survey(lambda: None)
    assert channel.over.wait(5)
    assert (channel.sent, held.deaf) == (4, True)
    channel.echo()
    assert not held.deaf


def test_a_heartbeat_may_be_answered_late_and_not_later(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = LeaseChannel(monkeypatch, b"@@ lease\n@@ ready\n")
    deaf: list[bool] = []

    def answered_after(seconds: float) -> None:
        channel.now += seconds
        deaf.append(held.deaf)
        channel.echo()
        deaf.append(held.deaf)

    channel.beats = [partial(answered_after, lease.DEAF - 1), partial(answered_after, lease.DEAF + 1)]
    held = channel.lease()
    held.survey(lambda: None)
    assert channel.over.wait(5)
    assert deaf == [False, False, True, False]


def test_giving_it_back_ends_the_heartbeat_even_if_the_connection_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = LeaseChannel(monkeypatch)
    held = channel.lease()
    held.release()
    held._beat()
    assert not channel.over.is_set()


def test_a_connection_that_is_down_ends_the_look_at_the_host(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_down() -> None:
        monkeypatch.setattr(paramiko.Transport, "is_active", lambda _: False)

    with (
        Host(server.settings(), check=go_down) as host,
        pytest.raises(ConnectionLost, match=r"127\.0\.0\.1 was lost while the host was being looked at"),
    ):
        host.take_lease(Holder("kim", "deploy", "now"), STATE, "@@", ("sleep", "5"))


def test_a_connection_that_breaks_with_the_channel_open_already(host: Host, server: SshServer) -> None:
    spare = host._spare
    assert spare is not None
    spare.result(5)
    server.hang_up()
    host._transport().join(5)
    with pytest.raises(ConnectionLost, match="before the lock was taken"):
        take(host)
