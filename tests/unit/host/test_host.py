"""Commands on a real SSH connection: how they end, what they are fed, and what ends the wait for them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

import paramiko
import pytest

from behindy_ops.errors import ConnectionLost, Interrupted, Kind, SwarmFound
from behindy_ops.host import channel, command
from behindy_ops.host.command import Command, Result
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.host import Host, new_mark
from behindy_ops.host.lease import Holder
from behindy_ops.project.settings import Settings
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.host.ssh_server import SshServer


@pytest.fixture
def host(server: SshServer) -> Iterator[Host]:
    with Host(server.settings()) as host:
        yield host


def sh(text: str, **fields: object) -> Command:
    return Command(("sh", "-c", text), "try it", **fields)  # type: ignore[arg-type]


def test_a_command_is_fed_and_what_it_says_comes_back(host: Host) -> None:
    result = host.run(sh("cat; echo no >&2; exit 3", stdin=b"a b\n"))
    assert (result.exit_code, result.stdout, result.stderr) == (3, "a b\n", "no\n")
    assert host.remote_commands == 1


def test_lines_are_told_as_they_come(host: Host) -> None:
    told: list[str] = []
    wrong: list[str] = []
    command = sh(
        "printf 'one\\ntw'; sleep 0.1; printf 'o\\nrest'; echo x >&2", on_line=told.append, on_error_line=wrong.append
    )
    assert host.run(command).stdout == "one\ntwo\nrest"
    assert (told, wrong) == (["one", "two"], ["x"])


def test_what_is_followed_keeps_its_input_open_and_nothing_that_was_told(host: Host) -> None:
    told: list[str] = []
    result = host.run(sh("read -r x; echo $x; printf rest", stdin=b"hello\n", follow=True, on_line=told.append))
    assert (told, result.stdout) == (["hello"], "rest")


def test_what_is_too_large_to_hold_goes_through_in_pieces(host: Host) -> None:
    pieces: list[bytes] = []
    result = host.run(sh("cat", feed=iter([b"x" * 100_000] * 5), sink=pieces.append))
    assert (result.stdout, sum(map(len, pieces))) == ("", 500_000)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_cannot_be_fed_to_its_end_ends_early(host: Host) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    result = host.run(sh("cat", feed=pieces(), timeout=5))
    assert (result.exit_code, result.stdout) == (0, "half")


def test_a_command_that_hangs_is_ended_by_the_host(host: Host) -> None:
    result = host.run(sh("sleep 9", timeout=0.3))
    assert (result.exit_code, result.how()) == (124, "timed out after 0.3 s")


def once_it_runs(server: SshServer, then: Callable[[], None]) -> None:
    """Do something, from elsewhere, as soon as a command has made the file ``runs``."""

    def wait() -> None:
        while not (server.home / "runs").exists():
            time.sleep(0.01)
        then()

    threading.Thread(target=wait, daemon=True).start()


def test_a_command_that_a_signal_ended_has_failed(host: Host, server: SshServer) -> None:
    once_it_runs(server, lambda: server.end("sleep 77"))
    result = host.run(sh("touch runs; exec sleep 77"))
    assert (result.exit_code, result.how()) == (-1, "killed by a signal")


def test_commands_run_beside_each_other_on_one_connection(host: Host, server: SshServer) -> None:
    first = host.begin(sh("while ! [ -e go ]; do sleep 0.01; done; echo one"))
    assert host.run(sh("touch go; echo two")).stdout == "two\n"
    assert host.end(first).stdout == "one\n"
    assert len(server.transports) == 1


def test_what_the_wait_is_checked_by_ends_it(server: SshServer) -> None:
    asked: list[bool] = []

    def check() -> None:
        if asked:
            raise Interrupted("Stopped.", signal_number=15)

    with Host(server.settings(), check=check) as host:
        begun = host.begin(sh("sleep 9"))
        asked.append(True)
        with pytest.raises(Interrupted):
            host.end(begun)
        with pytest.raises(Interrupted):
            host.run(sh("sleep 9"))


class EndsWithTheWait(Future[Result]):
    """Its result comes in the very moment in which a wait for it times out."""

    def result(self, timeout: float | None = None) -> Result:
        if timeout is not None:
            self.set_result(Result(sh(""), 0, "", "", 0.0))
            raise TimeoutError
        return super().result()


def test_a_command_that_ends_as_its_wait_times_out_is_no_error() -> None:
    future = EndsWithTheWait()
    done = Result(sh(""), 0, "", "", 0.0)
    host = Host(Settings(), check=lambda: None if future.done() else future.set_result(done))
    assert host.end(future).ok


def test_an_error_of_a_command_beside_others_is_raised_where_it_is_waited_for(host: Host) -> None:
    begun = host.begin(sh("true", changes=True))
    with pytest.raises(ValueError, match="needs the lock"):
        host.end(begun)


def test_a_connection_that_breaks_is_told_from_a_command_that_fails(host: Host, server: SshServer) -> None:
    once_it_runs(server, server.hang_up)
    with pytest.raises(ConnectionLost, match="while trying to try it") as caught:
        host.run(sh("touch runs; sleep 9"))
    assert "inv deploy.status" in caught.value.remedy
    with pytest.raises(ConnectionLost):
        host.run(sh("true"))


def test_a_command_that_the_host_should_have_ended_long_ago_means_a_lost_connection(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "GRACE", -4.9)
    with pytest.raises(ConnectionLost, match="no answer"):
        host.run(sh("sleep 9", timeout=5))


def test_a_channel_that_is_refused_is_a_lost_connection(host: Host, server: SshServer) -> None:
    host.run(sh("true"))
    time.sleep(0.2)  # the next channel is open already
    server.hang_up()
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            host.run(sh("true", stdin=b"x"))


def test_it_is_entered_before_it_is_used() -> None:
    with pytest.raises(RuntimeError, match="context manager"):
        Host(Settings()).run(sh("true"))
    assert new_mark() != new_mark()


def test_what_a_login_says_is_neither_an_answer_nor_an_error(host: Host, server: SshServer) -> None:
    server.greeting = "echo Welcome; printf 'and more'; echo noise >&2"
    result = host.run(sh("cat; echo no >&2", stdin=b"a b\n"))
    assert (result.stdout, result.stderr) == ("a b\n", "no\n")
    pieces: list[bytes] = []
    host.run(sh("head -c 100000 /dev/zero", sink=pieces.append))
    assert sum(map(len, pieces)) == 100_000
    told: list[str] = []
    host.run(sh("echo one; echo two", on_line=told.append))
    assert told == ["one", "two"]


def test_what_another_program_says_instead_of_the_command_is_told(host: Host, server: SshServer) -> None:
    server.greeting = "echo 'Please login as the user \"ubuntu\".'; echo no >&2; exit 142"
    for run in (lambda: host.run(sh("true")), lambda: take(host)):
        with raises(Kind.LOGIN_REFUSED, match='than the command: Please login as the user "ubu') as caught:
            run()
        assert (caught.value.remedy, caught.value.state) == ("Set BEHINDY_USER=ubuntu", "Nothing changed.")
    server.greeting = "echo 'This account is currently not available.'; exit 1"  # as nologin has it
    with raises(Kind.LOGIN_REFUSED, match="not available.*ordinary shell"):
        host.run(sh("true"))


def take(host: Host, *survey: str) -> str:
    return host.take_lease(Holder("kim", "deploy", "now"), "./state", "@@", survey)


def test_a_connection_that_is_down_ends_the_look_at_the_host(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_down() -> None:
        monkeypatch.setattr(paramiko.Transport, "is_active", lambda _: False)

    with (
        Host(server.settings(), check=go_down) as host,
        pytest.raises(ConnectionLost, match=r"127\.0\.0\.1 was lost while the host was being looked at"),
    ):
        take(host, "sleep", "5")


def test_a_connection_that_breaks_once_the_locks_channel_is_open(host: Host, server: SshServer) -> None:
    assert host.sessions is None  # it is open, then
    server.hang_up()
    host._transport().join(5)
    with pytest.raises(ConnectionLost, match="before the lock was taken"):
        take(host, "true")


@pytest.mark.parametrize("network", ["", "app-swarm"])
def test_the_first_command_alone_finds_out_whether_the_host_manages_a_swarm(
    network: str, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def find(network: str) -> str:
        asked.append(network)
        return f"exit {Code.OTHER_ENGINE:d}\n"

    monkeypatch.setattr(command, "_find", find)
    with Host(server.settings(), find=network) as host:
        if network:
            with pytest.raises(SwarmFound):
                host.run(sh("true"))
        assert host.run(sh("echo ran")).stdout == "ran\n"
        own = host.run(sh(f"exit {Code.OTHER_ENGINE:d}"))  # what a command itself ends with is that
        assert own.exit_code == Code.OTHER_ENGINE
    assert asked == [network] * bool(network)
