"""The check from inside nginx."""

from __future__ import annotations

from behindy_ops.deploy.health import Verdict
from behindy_ops.deploy.steps.internal import CheckInside, CheckRunning
from behindy_ops.errors import Kind
from tests.unit.deploy.states import answer, described, state_of


def test_the_candidate_is_asked_by_its_name_and_port() -> None:
    command = CheckInside().command(state_of())
    assert command.argv[4:7] == ("nginx", "web-green", "http://web-green:3000/")


def test_the_last_answer_decides() -> None:
    step, state = CheckInside(), state_of()
    assert step.judge(state, answer(f"look 502 0\nlook 200 0\nstate {described()}\n")).verdict is Verdict.HEALTHY
    assert step.judge(state, answer(f"look 000 7\nstate {described()}\n")).verdict is Verdict.AGAIN
    assert step.judge(state, answer("state none\n")).verdict is Verdict.FATAL


def test_a_candidate_that_is_not_healthy_is_refused_by_the_cause() -> None:
    step, state = CheckInside(), state_of()
    look = step.judge(state, answer(f"state {described(oom=True, memory=2**28)}\n"))
    error = step.conclude(state, look).error
    assert error is not None
    assert error.kind is Kind.RELEASE_REFUSED
    assert "OOM-killed" in error.what


def test_one_that_has_been_running_is_asked_three_times_and_is_no_error() -> None:
    step, state = CheckRunning("web"), state_of()
    assert step.policy(state).attempts == 3
    assert step.command(state).argv[5] == "web"
    read = step.read(state, answer("state none\n"))
    assert read.error is None
    assert read.failed == "the container has disappeared"
