"""The lock over a real SSH connection: one holds it, the others are told who, and nothing changes without it."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import ConnectionLost, Kind, LeaseLost, LockHeld
from behindy_ops.host import hold, lease
from behindy_ops.host.command import Command
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.host import Host
from behindy_ops.host.lease import Holder, refusal
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Iterator

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
