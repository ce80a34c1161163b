"""The lock over a real SSH connection: one holds it, the others are told who, and nothing changes without it."""

from __future__ import annotations

import json
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from behindy_ops.errors import ConnectionLost, Kind, LeaseLost, LockHeld, SwarmFound
from behindy_ops.host import hold, lease
from behindy_ops.host.command import Command
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.host import Host
from behindy_ops.host.lease import Holder, refusal
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


def test_who_has_the_lock_is_told_whatever_is_known_of_them() -> None:
    busy = refusal(Code.BUSY, "")
    assert busy
    assert "interrupted run" in busy.what
    leased = refusal(Code.LEASED, "no json")
    assert leased
    assert leased.what.startswith("unknown is changing")
    assert refusal(Code.NO_FLOCK, "") is None
    assert isinstance(refusal(Code.OTHER_ENGINE, ""), SwarmFound)


def test_a_host_that_cannot_even_run_the_script_is_told_with_what_it_said(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "argv", lambda *_: ("sh", "-c", "echo bash: not found >&2; exit 127"))
    with raises(Kind.HOST_NOT_READY, match="could not be taken: exit code 127") as caught:
        take(host)
    assert caught.value.lines == ("bash: not found",)
    assert "bash, flock and coreutils" in caught.value.remedy


class Line:
    """The channel of a lease whose host says what a test says; ``sent`` is what it was sent."""

    def __init__(self, *said: bytes, broken: bool = False) -> None:
        self._said = [b"Welcome to this host\n", b"@", b"@\n", *said]
        self._more = threading.Event()
        self._broken = broken
        self.sent = 0
        self.closed = False

    def say(self, text: bytes) -> None:
        self._said.append(text)
        self._more.set()

    def recv(self, _: int) -> bytes:
        if not self._said:
            self._more.wait(5)
            self._more.clear()
        return self._said.pop(0) if self._said else b""

    def sendall(self, _: bytes) -> None:
        self.sent += 1
        if self._broken:
            raise OSError

    def recv_exit_status(self) -> int:
        return -1

    def recv_stderr_ready(self) -> bool:
        return False


def taken(line: Line) -> lease.Lease:
    return lease.Lease(cast("Any", line), Holder("kim", "x", "now"), STATE, "@@")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_heartbeat_is_sent_again_and_again_and_its_echo_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.005)
    line = Line(b"@@ lease\nseen\n@@ ready\n")
    held = taken(line)
    assert held.survey(lambda: None) == "seen\n"
    wait_until(lambda: line.sent > 2)
    first = held._sent
    assert first is not None  # of beats that nobody answers, the first one counts
    assert held._sent == first
    line.say(b"\n")
    wait_until(lambda: held._sent != first)
    held._stop.set()


def test_a_heartbeat_ends_with_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.005)
    line = Line(b"@@ lease\n@@ ready\n", broken=True)
    taken(line).survey(lambda: None)
    beating = [thread for thread in threading.enumerate() if thread.name == "lease-beat"]
    for thread in beating:
        thread.join(5)
    assert not any(thread.is_alive() for thread in beating)
    assert line.sent == 1


def test_a_host_that_says_no_more_while_it_is_looked_at_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[float] = []
    clock = iter([0.0, 0.0, 0.0, 181.0])
    held = taken(Line(b"@@ lease\n"))
    wait_until(lambda: held._lines.qsize() == 1)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock, 181.0))
    with pytest.raises(ConnectionLost, match="stopped responding"):
        held.survey(lambda: checked.append(0))
    assert checked == [0]


def test_an_answer_that_comes_as_its_wait_times_out_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(b"@@ lease\nseen\n")
    held = taken(line)
    wait_until(lambda: held._lines.qsize() == 2)
    late: list[bool] = []

    def get(timeout: float = 0.0) -> str | None:
        """As the queue does, and the rest is there once a wait for it has timed out."""
        try:
            return queue.Queue.get(held._lines, timeout=timeout)
        except queue.Empty:
            late.append(True)
            line.say(b"@@ ready\n")
            wait_until(lambda: not held._lines.empty())
            raise

    monkeypatch.setattr(held._lines, "get", get)
    monkeypatch.setattr(time, "monotonic", lambda: 1e9 if late else 0.0)
    assert held.survey(lambda: None) == "seen\n"


def test_what_a_login_says_is_no_word_of_ours(host: Host, server: SshServer) -> None:
    server.greeting = "echo Welcome; echo '{\"who\": \"nobody\"}'; printf 'no newline' >&2; printf 'nor here'"
    assert take(host) == "the survey\n"
    assert host.run(CHANGE).ok
    with Host(server.settings()) as other, pytest.raises(LockHeld, match="kim is changing this host"):
        take(other)


def test_a_line_that_breaks_without_a_word_is_a_lost_connection() -> None:
    with pytest.raises(ConnectionLost, match="while the lock was taken"):
        taken(Line(b"half of a")).survey(lambda: None)


@pytest.mark.parametrize("said", ["[1]", "7", '"kim"', '{"who'])
def test_a_holder_that_cannot_be_read_is_unknown(said: str) -> None:
    held = refusal(Code.LEASED, said)
    assert held is not None
    assert "unknown is changing this host" in held.what
    assert hold._read(said) == {"who": "unknown"}
