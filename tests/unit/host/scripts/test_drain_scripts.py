"""The drain that belongs to the host: a process that outlives the command that began it, run by bash."""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from behindy_ops.facts.draining import Draining, parse_draining
from tests.unit.host.scripts.fake_host import MARK, Answer, FakeHost, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILLED_IN = ("at", "outcome", "reason")

LINE = json.dumps({"event": "drained", "seconds": {"drain": "@seconds@"}} | {name: f"@{name}@" for name in FILLED_IN})


def uptime() -> int:
    return int(float(Path("/proc/uptime").read_text().split()[0]) * 1000)


class Busy:
    """A container of a host: a process, and a connection to a port that somebody listens on."""

    def __init__(self, host: FakeHost) -> None:
        self.host, self.state = host, host.file("home/state/x").parent
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.client = socket.create_connection(self.listener.getsockname())
        self.server, _ = self.listener.accept()
        self.process = subprocess.Popen(["sleep", "60"])
        self.port = str(self.listener.getsockname()[1])
        host.on("docker", "container inspect --format {{.State.Pid}} c", f"{self.process.pid}\n")
        host.on("docker", "container inspect --format {{.Name}} c", "/web-blue\n")
        host.on("docker", "container inspect --format {{.Id}} c", "c\n")
        host.on("docker", "container inspect --format {{.State.Running}} *", "true false \n")
        host.on("docker", "container inspect --format *behindy.release* c", "-v\n")
        host.on("docker", "stop -t 7 c")
        host.on("docker", "rm -f -v c")

    def leave(self, *, earliest: int = 0, limit: int = 60) -> Ran:
        moments = (str(earliest), str(uptime() + limit * 1000), str(limit))
        history = str(self.state / "history.jsonl")
        words = ("web", "c", self.port, *moments, "2", "7", "r0", history, "")
        return self.host.run("deploy/leave", str(self.state), *words, stdin=f"{LINE}\n")

    def hang_up(self) -> None:
        self.client.close()
        self.server.close()

    def drains(self) -> bool:
        with (self.state / "drain-web.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def ended(self) -> dict[str, object]:
        """What it has written to the history; waits for that."""
        wait_for(lambda: not self.drains())
        found: dict[str, object] = json.loads((self.state / "history.jsonl").read_text())
        return found

    def close(self) -> None:
        self.hang_up()
        self.listener.close()
        wait_for(lambda: not self.drains())
        self.process.kill()
        self.process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def blue(host: FakeHost) -> Iterator[Busy]:
    found = Busy(host)
    yield found
    with contextlib.suppress(FileNotFoundError):
        found.close()


def calls(host: FakeHost) -> str:
    path = host.root / "calls"
    return path.read_text() if path.exists() else ""


def test_it_is_left_to_a_process_that_stops_it_once_it_is_idle(host: FakeHost, blue: Busy) -> None:
    ran = blue.leave()
    assert (ran.code, ran.values["open"], abs(int(ran.values["until"]) - time.time() - 60) < 3) == (0, "1", True)
    assert blue.drains()
    assert not (blue.state / "history.jsonl").exists()
    blue.hang_up()
    entry = blue.ended()
    assert (entry["event"], entry["outcome"], entry["reason"]) == ("drained", "removed", "it was idle")
    assert abs(time.time() - time.mktime(time.strptime(str(entry["at"])[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 5
    seconds = entry["seconds"]
    assert isinstance(seconds, dict)
    assert 0 < seconds["drain"] < 15
    assert "docker stop -t 7 c" in calls(host)
    assert "docker rm -f -v c" in calls(host)
    assert not (blue.state / "drain-web").exists()


def test_it_outlives_whoever_began_it_and_holds_none_of_their_locks(host: FakeHost, blue: Busy) -> None:
    host.moved["umask 007"] = f'umask 007; exec 8>>"{blue.state}/busy"; flock -s 8'  # as lock/fenced.sh has it
    blue.leave()
    with (blue.state / "busy").open("w") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert blue.drains()


def test_it_is_not_called_idle_before_callers_have_forgotten_its_address(blue: Busy) -> None:
    blue.hang_up()
    earliest = uptime() + 700
    blue.leave(earliest=earliest)
    blue.ended()
    assert uptime() >= earliest


def test_what_is_still_open_at_the_end_of_its_time_is_cut_and_counted(blue: Busy) -> None:
    blue.leave(limit=1)
    assert blue.ended()["reason"] == "1 connection(s) were still open at its end"


@pytest.mark.parametrize(
    ("word", "outcome", "reason"),
    [
        ("now", "removed", "1 connection(s) were still open at its end"),
        ("leave", "left", "a command has taken it over"),
    ],
)
def test_a_command_can_have_it_end(host: FakeHost, blue: Busy, word: str, outcome: str, reason: str) -> None:
    blue.leave()
    ran = host.run("deploy/await", str(blue.state), "web", word, "10")
    assert (ran.code, blue.drains()) == (0, False)
    assert {*ran.out.splitlines()} <= {"open 1"}
    entry = blue.ended()
    assert (entry["outcome"], entry["reason"]) == (outcome, reason)
    assert ("docker stop -t 7 c" in [*ran.calls, *calls(host).splitlines()]) is (word == "now")
    assert not (blue.state / "drain-web.word").exists()


def test_who_waits_for_it_is_told_when_it_does_not_end(host: FakeHost, blue: Busy) -> None:
    blue.leave()
    ran = host.run("deploy/await", str(blue.state), "web", "", "1")
    assert (ran.code, ran.out.splitlines()[0], ran.err) == (1, "open 1", "it has not ended within 1 s\n")
    blue.hang_up()
    assert host.run("deploy/await", str(blue.state), "web", "", "10").code == 0


@pytest.mark.parametrize(
    ("asked", "answer", "outcome", "reason"),
    [
        ("{{.Name}} c", "/web\n", "left", "it has another name"),
        ("{{.State.Running}} *", "false false \n", "left", "its successor does not run"),
        ("{{.State.Running}} *", "true true \n", "left", "its successor does not run"),
        ("{{.State.Running}} *", "true false unhealthy\n", "left", "its successor is not healthy"),
    ],
)
def test_it_stops_nothing_that_may_be_needed(
    host: FakeHost, blue: Busy, asked: str, answer: str, outcome: str, reason: str
) -> None:
    host.on("docker", f"container inspect --format {asked}", answer)
    blue.hang_up()
    blue.leave()
    entry = blue.ended()
    assert (entry["outcome"], entry["reason"]) == (outcome, reason)
    assert "docker stop" not in calls(host)


def test_only_one_drains_a_service(host: FakeHost, blue: Busy) -> None:
    first = blue.leave()
    again = blue.leave()
    assert (again.code, again.values) == (0, first.values)
    (blue.state / "drain-web").write_text((blue.state / "drain-web").read_text().replace("web c", "web other"))
    ran = blue.leave()
    assert (ran.code, ran.err) == (1, "another container of web is being drained\n")
    blue.hang_up()
    blue.ended()  # once


def test_a_survey_tells_what_drains_and_nothing_of_one_that_was_killed(host: FakeHost, blue: Busy) -> None:
    host.moved["report ${"] = "report draining # ${"
    blue.leave()
    words = (str(host.home), "", "", "net", "nginx", "nginx", "", "")

    def draining() -> dict[str, Draining]:
        return parse_draining(host.run("host/survey", MARK, *words).reply.rows("draining"))

    found = draining()["web"]
    assert (found.container, found.release, found.connections) == ("c", "r0", 1)
    blue.hang_up()
    blue.ended()
    (blue.state / "drain-web").write_text("web c r0 1 1 80\n")
    assert draining() == {}


def test_a_command_that_takes_it_over_need_not_wait_for_anything(host: FakeHost, blue: Busy) -> None:
    blue.leave(earliest=uptime() + 30_000)
    begun = time.monotonic()
    assert host.run("deploy/await", str(blue.state), "web", "leave", "10").code == 0
    assert time.monotonic() - begun < 5
    assert blue.ended()["reason"] == "a command has taken it over"


def test_a_word_that_was_cut_short_changes_nothing(blue: Busy) -> None:
    blue.leave()
    (blue.state / "drain-web.word").write_text("")
    blue.hang_up()
    assert blue.ended()["reason"] == "it was idle", "it goes on as if nothing had been said"


def test_what_is_idle_when_its_time_is_up_is_called_idle(blue: Busy) -> None:
    blue.hang_up()
    blue.leave(limit=0)
    assert blue.ended()["reason"] == "it was idle"


def test_what_is_gone_already_is_left_to_nobody(host: FakeHost, blue: Busy) -> None:
    host.on("docker", "container inspect --format {{.State.Pid}} c", Answer(err="Error: No such container: c", code=1))
    assert blue.leave().values["open"] == "0"
    assert not blue.drains()
    assert not (blue.state / "history.jsonl").exists()


def test_even_at_once_is_not_before_callers_have_forgotten_its_address(host: FakeHost, blue: Busy) -> None:
    earliest = uptime() + 900
    blue.leave(earliest=earliest)
    assert host.run("deploy/await", str(blue.state), "web", "now", "10").code == 0
    assert uptime() >= earliest
    assert blue.ended()["outcome"] == "removed"
