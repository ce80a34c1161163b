"""Stopping, removing and starting again; a failed release is shown first."""

from __future__ import annotations

from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.stop import Discard, Remove, StartAgain, StopLive, StopPrevious
from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.report.events import Logs, Warning_
from tests.unit.deploy.states import GREEN, answer, described, state_of


def test_the_previous_container_gets_its_own_time_to_stop() -> None:
    assert StopPrevious().command(state_of()).argv[4:] == ("old", "10")


def test_one_that_cannot_be_removed_is_reported_and_the_deploy_stands() -> None:
    read = StopPrevious().read(state_of(), answer(code=1, err="device busy"))
    assert (read.error, read.failed) == (None, "exit code 1")
    (event,) = read.events
    assert isinstance(event, Warning_)
    assert "device busy" in event.text


def test_a_live_container_that_is_stopped_first_stays_on_the_host() -> None:
    assert StopLive().command(state_of()).argv[3:] == ("deploy/stop", "10", "old")
    assert StopLive.enters is Phase.STOPPED
    assert isinstance(StopLive().read(state_of(), answer(code=1)).error, RemoteCommandFailed)
    assert StopLive().read(state_of(), answer()).error is None


def test_one_on_its_way_down_is_restarted_where_a_start_would_find_it_running() -> None:
    assert StartAgain("old", "Start it").command(state_of()).argv[3:] == ("deploy/start", "old")
    half = StartAgain("old", "Start it", half_stopped=True, stuck="It is down.")
    assert half.command(state_of()).argv[3:] == ("deploy/restart", "3", "old")
    error = half.read(state_of(), answer(code=1)).error
    assert error is not None
    assert (error.state, error.remedy) == ("It is down.", "inv deploy.recover")
    assert half.read(state_of(), answer()).error is None


def test_what_an_interrupted_run_left_is_removed_at_once() -> None:
    step = Remove(GREEN)
    assert step.command(state_of()).argv[4:] == ("new", "0")
    assert step.title(state_of()) == "Remove web-green"
    assert step.read(state_of(), answer()).error is None
    assert isinstance(step.read(state_of(), answer(code=1)).error, RemoteCommandFailed)


def test_its_state_and_last_words_are_shown_and_only_the_names_of_its_environment() -> None:
    read = Discard().read(state_of(), answer(f"state {described(exit=3)}\nlog one\nlog two\n"))
    state, logs = read.events
    assert isinstance(state, Logs)
    assert isinstance(logs, Logs)
    assert state.lines == (
        "running, exit code 3, OOM-killed: no, restarts: 0",
        "environment names: PATH, SECRET",
    )
    assert (logs.title, logs.lines) == ("Last 2 log lines of web-green", ("one", "two"))


def test_one_that_is_gone_already_logged_nothing() -> None:
    (logs,) = Discard().read(state_of(), answer("state none\n")).events
    assert isinstance(logs, Logs)
    assert logs.title == "web-green logged nothing"


def test_it_is_known_by_its_name_until_it_was_started() -> None:
    assert Discard().command(state_of(green=None)).argv[4] == "web-green"
    assert Discard().command(state_of()).argv[4] == "new"
    assert Discard().command(state_of()).argv[-2:] == ("behindy-ops/state/releases/web/r2", "no")


def test_what_users_have_met_keeps_its_static_files() -> None:
    seen = {phase: Discard().command(state_of(phase=phase)).argv[-1] for phase in Phase}
    assert {phase for phase, word in seen.items() if word == "yes"} == {Phase.NAMED, Phase.SWITCHED, Phase.PROVEN}


def test_a_removal_that_fails_says_that_it_gets_no_traffic() -> None:
    error = Discard().read(state_of(), answer("state none\n", code=1)).error
    assert error is not None
    assert error.state == "The candidate may still be there; it gets no traffic."
