"""Watching the new release, the last look, and the line in the history."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.steps.verify import Record, Verify, Watch
from behindy_ops.facts.release import Release
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import answer, described, state_of

STATS = '{"memory_stats":{"usage":104857600,"stats":{"inactive_file":20971520}}}'

SAID = f"state {described(memory=400 * 2**20)}\nstats {STATS}\nerrors 2\navailable 819200\nrun https://x/1\n"


def test_what_the_operator_wants_to_know_is_told() -> None:
    before = Release("r1", "web", "me/web", "v1", "", "")
    state = state_of()
    survey = replace(state.survey, releases=(before,), usage={"old": 2**20}, memory={"MemAvailable": 2**30})
    facts = Verify().read(replace(state, survey=survey), answer(SAID)).facts
    assert (facts["memory"], facts["log_errors"], facts["available"]) == ("80 of 400 MB", "2", "800 MB")
    assert (facts["previous"], facts["previous_tag"], facts["previous_run"]) == ("r1", "v1", "https://x/1")
    assert (facts["memory_before"], facts["available_before"]) == ("1 MB", "1024 MB")


def test_a_release_that_is_not_steady_or_not_recorded_is_reported_and_stands() -> None:
    read = Verify().read(state_of(), answer(f"state {described(restarts=1)}\n", code=1, err="No space left"))
    assert (read.error, read.failed) == (None, "it restarted once")
    assert [type(event) for event in read.events] == [Warning_, Warning_]
    assert "No space left" in str(read.events[1])


def test_the_deploy_is_recorded_with_its_seconds() -> None:
    line = json.loads(Verify().command(state_of(durations={"pull": 1.234})).stdin)
    assert (line["outcome"], line["kind"], line["seconds"]) == ("live", "deploy", {"pull": 1.23})


def test_a_rollback_judges_the_release_it_leaves_and_a_restart_does_not() -> None:
    assert Verify().command(state_of(Goal("rollback"))).argv[9].endswith("/web/r1")
    assert Verify().command(state_of(Goal("restart"))).argv[9] == ""


def test_the_release_before_it_and_the_one_a_rollback_goes_to_are_named_so_that_they_are_kept() -> None:
    state = state_of(Goal("rollback"))
    known = [Release(f"r{number}", "web", "me/web", "v", "", f"sha256:{number}", status="stands") for number in (0, 1)]
    made = replace(state.release, image_id="sha256:2")
    state = replace(state, release=made, survey=replace(state.survey, releases=tuple(known)))
    assert Verify().command(state).argv[10:12] == ("r1", "r0")
    assert Verify().command(replace(state, goal=Goal("deploy"))).argv[10:12] == ("r1", "r1")


def test_how_it_ended_and_why_is_written() -> None:
    command = Record("refused", "it exited").command(state_of())
    assert command.changes
    line = json.loads(command.stdin)
    assert (line["outcome"], line["reason"], line["release"]) == ("refused", "it exited", "r2")


def test_a_release_that_stands_from_now_on_is_verified_as_well() -> None:
    assert Record("live", "", stands=True).command(state_of()).argv[3] == "deploy/verify"


def test_a_history_that_cannot_be_written_is_reported() -> None:
    read = Record("refused", "").read(state_of(), answer(code=1))
    assert (read.error, [type(event) for event in read.events]) == (None, [Warning_])
    assert Record("refused", "").read(state_of(), answer()).events == ()


@pytest.mark.parametrize(
    ("said", "relapse"),
    [
        (f"state {described()}", ""),
        ("state none", "its container has disappeared"),
        (f"state {described(oom=True)}", "it was OOM-killed"),
        (f"state {described(restarts=1)}", "it restarted once"),
        (f"state {described(restarts=3)}", "it restarted 3 times"),
        (f"state {described(running=False, exit=3)}", "it exited with code 3"),
        (f"state {described(health='healthy')}", ""),
        (f"state {described(health='unhealthy')}", "its own health check fails (Docker says: unhealthy)"),
    ],
)
def test_what_happens_to_it_takes_it_back(said: str, relapse: str) -> None:
    read = Watch().read(state_of(), answer(said))
    assert (read.relapse, read.failed) == (relapse, relapse)


def test_it_ends_so_many_seconds_after_the_switch() -> None:
    assert Watch().command(state_of(switched=1000)).argv[4:6] == ("new", "11000")
