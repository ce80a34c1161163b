"""Waiting until a container is idle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.deploy.steps.drain import Drain, FinishRequests, Retire
from behindy_ops.deploy.steps.step import Verdict
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import GREEN, SERVICE, answer, state_of


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
