"""A session: one way in, steps that are told with their time, and the queue for the lock."""

from __future__ import annotations

import contextlib
import itertools
import signal
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from behindy_ops.errors import Interrupted, LockHeld
from behindy_ops.host.command import Command
from behindy_ops.host.session import open_session, silent, who_am_i
from behindy_ops.project.project import Project
from behindy_ops.report.events import Note, StepDone, StepFailed, StepProgress, StepStarted
from tests.scripted import Answer, Scripted, scripted

if TYPE_CHECKING:
    from behindy_ops.host.lease import Holder
    from behindy_ops.report.events import Event
    from tests.unit.host.ssh_server import SshServer


def test_a_session_connects_as_its_first_step_and_ends_with_its_block(server: SshServer) -> None:
    told: list[Event] = []
    with open_session(Project(Path()), server.settings(), emit=told.append, environ={}) as session:
        assert session.host.run(Command(("true",), "try it")).ok
        assert session.paths.root == str(server.home)
        assert len(session.randomness(5)) == 5
    assert [type(event) for event in told] == [StepStarted, StepDone]
    server.transports[0].join(5)
    assert not server.transports[0].is_active()


def test_a_step_that_fails_is_told_with_its_reason() -> None:
    there = scripted()
    there.session.clock = itertools.count(0.0, 2.0).__next__
    with pytest.raises(ZeroDivisionError), there.session.step("one", "Do one"):
        raise ZeroDivisionError
    with there.session.step("two", "Do two") as step:
        step.progress("half\r")
        step.failed = "not well"
    assert there.events == [
        StepStarted("one", "Do one"), StepFailed("one", 2.0, "ZeroDivisionError"),
        StepStarted("two", "Do two"), StepProgress("two", "half"), StepFailed("two", 2.0, "not well"),
    ]  # fmt: skip
    assert there.session.durations == {"one": 2.0, "two": 2.0}


@pytest.mark.parametrize(("shield", "done"), [(True, "finished first"), (False, "stopped")])
def test_after_ctrl_c_one_line_says_what_is_being_done(shield: bool, done: str) -> None:
    there = scripted()
    interrupts = there.session.interrupts
    with contextlib.suppress(Interrupted), there.session.step("pull", "Pull it"):
        interrupts.requested = signal.SIGINT
        for _ in range(3):
            with interrupts.shielded() if shield else contextlib.nullcontext():
                interrupts.check()
    (note,) = [event for event in there.events if isinstance(event, Note)]
    assert note.text.startswith(f"Ctrl-C: 'Pull it' is {done}")
    assert "Ctrl-C again" in note.text


def test_a_look_compares_the_hosts_clock_with_ours() -> None:
    there = scripted(host__survey=Answer("@ machine\nnow 1000.5\n@ end\n"))
    there.session.now = lambda: datetime.fromtimestamp(1000, UTC)
    assert there.session.look().skew == 0.5


class Held:
    """Somebody has the lock for so many tries."""

    def __init__(self, there: Scripted, tries: int, *, by_hand: bool = False) -> None:
        self.tries = tries
        self.by_hand = by_hand
        there.host.take_lease = self.take  # type: ignore[method-assign, assignment]

    def take(self, _holder: Holder, _state_dir: str, mark: str, _survey: tuple[str, ...]) -> str:
        self.tries -= 1
        if self.tries >= 0:
            raise LockHeld("kim is changing this host.", by_hand=self.by_hand)
        return f"{mark} end\n"


def waiting(there: Scripted) -> list[float]:
    """Time passes only while it sleeps."""
    slept: list[float] = []
    there.session.clock = lambda: sum(slept)
    there.session.sleep = slept.append
    return slept


def test_the_lock_is_queued_for_and_who_holds_it_is_told() -> None:
    there = scripted()
    slept = waiting(there)
    Held(there, 3)
    assert there.session.lock("deploy", wait=60).docker == ""
    assert cast("StepDone", there.events[-1]).detail == "no Docker yet, 0 MB available"
    assert 5.9 < sum(slept) < 6.5
    assert there.events.count(StepProgress("survey", "waiting: kim is changing this host.")) == 3


def test_what_is_waited_for_the_lock_hides_no_wrong_clock() -> None:
    there = scripted()
    waiting(there)
    there.session.now = lambda: datetime.fromtimestamp(1000 + there.session.clock(), UTC)

    class Late(Held):
        def take(self, _holder: Holder, _state_dir: str, mark: str, _survey: tuple[str, ...]) -> str:
            super().take(_holder, _state_dir, mark, _survey)
            return f"{mark} machine\nnow 1001\n{mark} end\n"

    Late(there, 5)
    assert there.session.lock("deploy", wait=60).skew == pytest.approx(-9.0, abs=0.6)


@pytest.mark.parametrize(("wait", "by_hand", "seconds"), [(0, False, 0), (3, False, 4), (60, True, 0)])
def test_who_does_not_queue_long_enough_is_refused(wait: float, by_hand: bool, seconds: float) -> None:
    there = scripted()
    slept = waiting(there)
    Held(there, 99, by_hand=by_hand)
    with pytest.raises(LockHeld):
        there.session.lock("deploy", wait=wait)
    assert seconds <= sum(slept) < seconds + 0.5


def test_a_signal_ends_the_queue_with_nothing_changed() -> None:
    there = scripted()
    waiting(there)
    Held(there, 99)
    there.session.interrupts._note(15, None)
    with pytest.raises(Interrupted) as caught:
        there.session.lock("deploy", wait=60)
    assert "Nothing changed" in caught.value.state


def test_who_runs_it_is_told_for_people() -> None:
    run = {"ACTIONS": "true", "ACTOR": "kim", "SERVER_URL": "https://g", "REPOSITORY": "a/b", "RUN_ID": "7"}
    assert who_am_i({f"GITHUB_{name}": value for name, value in run.items()}) == "kim (https://g/a/b/actions/runs/7)"
    assert "@" in who_am_i({})
    assert silent(StepDone("x", 1.0)) is None  # type: ignore[func-returns-value]


def test_a_user_without_any_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr("getpass.getuser", unknown)
    monkeypatch.setattr("os.getuid", lambda: 4242)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: SimpleNamespace(stdout="\n"))
    assert who_am_i({}).startswith("4242@")
