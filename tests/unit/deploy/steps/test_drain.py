"""Waiting until a container is idle."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.deploy.steps.drain import Drain, FinishRequests, LeaveToDrain, Retire
from behindy_ops.deploy.steps.step import Verdict
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import GREEN, LIVE, SERVICE, answer, state_of


def test_the_previous_container_is_never_called_idle_before_others_have_forgotten_it() -> None:
    state = state_of(switched=1000)
    assert Drain().command(state).argv[4:] == ("old", "3000", "3100", "30", "4")
    lingering = replace(state, service=replace(SERVICE, linger=60.0, drain=5.0))
    assert Drain().command(lingering).argv[6:8] == ("61000", "60")


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("open 2\nidle 1500\n", "idle after 1.5 s"),
        ("gone\n", "it was not running"),
        ("blind\n", "its connections cannot be seen from the host (hidepid?)"),
        ("", "unknown"),
    ],
)
def test_how_it_ended_is_told(said: str, detail: str) -> None:
    read = Drain().read(state_of(), answer(said))
    assert (read.detail, read.events) == (detail, ())


def test_what_was_cut_is_a_warning_with_the_number() -> None:
    (event,) = Drain().read(state_of(), answer("open 3\ncut 3\n")).events
    assert isinstance(event, Warning_)
    assert event.text.startswith("3 connection(s)")


def test_open_connections_are_its_progress() -> None:
    assert [Drain().progress(line) for line in ("open 2", "open 0", "idle 10")] == ["2 open connection(s)", "", ""]


def test_a_candidate_that_was_live_gets_the_same_time() -> None:
    step = Retire(GREEN)
    assert step.command(state_of()).argv[4:8] == ("new", "3000", "1002100", "30")
    assert step.title(state_of()) == "Wait until web-green is idle"
    assert step.read(state_of(), answer("cut 1\n")).events == ()


def test_a_release_that_was_taken_back_is_looked_at_in_short_looks() -> None:
    step, state = FinishRequests(), state_of()
    assert step.policy(state).attempts == 15
    assert step.command(state).argv[7] == "2"
    assert step.judge(state, answer("cut 1\n")).verdict is Verdict.AGAIN
    look = step.judge(state, answer("idle 100\n"))
    assert look.verdict is Verdict.HEALTHY
    assert step.conclude(state, look).detail == "idle after 0.1 s"


RUNS = replace(LIVE, running=True)


def test_the_host_gets_the_moments_by_its_own_uptime_and_the_line_it_writes() -> None:
    command = LeaveToDrain().command(state_of(switched=1000, live=RUNS))
    state, history = "behindy-ops/state", "behindy-ops/state/history.jsonl"
    assert command.argv[4:8] == (state, "web", "old", "3000")
    assert command.argv[8:] == ("3100", "31000", "30", "4", "10", "r1", history, "")
    assert command.changes
    line = json.loads(command.stdin)
    assert (line["event"], line["release"], line["previous"]) == ("drained", "r2", "r1")
    assert (line["at"], line["outcome"], line["seconds"]) == ("@at@", "@outcome@", {"drain": "@seconds@"})
    by_hand = replace(RUNS, labels={})
    assert LeaveToDrain().command(state_of(switched=1000, live=by_hand)).argv[13] == "-"
    lingering = state_of(switched=1000, live=RUNS, service=replace(SERVICE, linger=60.0, drain=5.0))
    assert LeaveToDrain().command(lingering).argv[8:11] == ("61000", "61000", "60")


def test_what_still_drains_and_until_when_is_told() -> None:
    read = LeaveToDrain().read(state_of(live=RUNS), answer("until 1800000000\nopen 2\n"))
    told = "2 open connections, until 08:00:00 UTC at the latest"
    assert (read.detail, read.facts) == (told, {"draining": f"web-blue: {told}"})
    assert [event.text for event in read.events] == [f"web-blue is drained by the host: {told}."]  # type: ignore[attr-defined]
    idle = LeaveToDrain().read(state_of(live=RUNS), answer("until 1800000000\nopen 0\n"))
    told = "no open connections, until 08:00:00 UTC at the latest"
    assert (idle.events, idle.facts) == ((), {"draining": f"web-blue: {told}"})
    assert idle.state.handed_over
    lingering = state_of(live=RUNS, service=replace(SERVICE, linger=30.0))
    assert len(LeaveToDrain().read(lingering, answer("until 1800000000\nopen 0\n")).events) == 1
    hidden = LeaveToDrain().read(state_of(live=RUNS), answer("until 1800000000\nopen -1\n"))
    assert "connections not visible, until" in hidden.detail


def test_a_host_that_cannot_take_it_over_does_not_fail_the_deploy() -> None:
    read = LeaveToDrain().read(state_of(live=RUNS), answer(code=77, err="No space left on device"))
    (event,) = read.events
    assert isinstance(event, Warning_)
    assert event.text == "web-blue could not be left to the host; the next deploy stops it. No space left on device"
    assert (read.error, read.failed, read.state.handed_over) == (None, "exit code 77", False)
