"""Whether a container that nobody asks is well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.deploy.steps.steady import CheckRunsAgain, CheckSteady, CheckStillSteady
from behindy_ops.deploy.steps.step import Verdict
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.project.services import HealthPolicy, Service
from tests.unit.deploy.states import GREEN, LIVE, answer, described, state_of
from tests.unit.ops_facts import spread, task

if TYPE_CHECKING:
    from behindy_ops.deploy.state import State

WORKER = Service("web", "me/web:latest", health=HealthPolicy(seconds=150, steady=20))


def of_worker(**changes: Any) -> State:
    return state_of(service=WORKER, **changes)


def test_it_is_given_as_long_as_its_stanza_says_and_that_is_said_before() -> None:
    command = CheckSteady().command(of_worker())
    assert command.argv[4:7] == ("new", "20", "150")
    assert command.timeout > 150
    assert CheckSteady().title(of_worker()) == "See web-green run for 20 s"
    checked = of_worker(green=replace(GREEN, health="starting"))
    assert CheckSteady().title(checked) == "Wait for the health check of web-green, up to 150 s"
    planned = CheckSteady().title(of_worker(green=None))
    assert planned == "See web-green run for 20 s, or up to 150 s for a health check of its own"


@pytest.mark.parametrize(
    ("container", "verdict", "reason"),
    [
        ({}, Verdict.HEALTHY, "it runs"),
        ({"health": "healthy"}, Verdict.HEALTHY, "its own health check passes"),
        ({"health": "unhealthy"}, Verdict.FATAL, "its own health check fails (Docker says: unhealthy)"),
        ({"health": "starting"}, Verdict.FATAL, "its own health check has not passed yet (Docker says: starting)"),
        ({"running": False, "exit": 3}, Verdict.FATAL, "it exited (exit code 3)"),
        ({"restarts": 1, "exit": 3}, Verdict.FATAL, "it restarts (exit code 3, 1 restarts)"),
    ],
)
def test_what_the_host_saw_decides(container: dict[str, Any], verdict: Verdict, reason: str) -> None:
    look = CheckSteady().judge(of_worker(), answer(f"state {described(**container)}\n"))
    assert (look.verdict, look.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [("", "1 of 2 tasks run"), ("no node fits", "1 of 2 tasks run: no node fits")],
)
def test_of_a_candidate_all_tasks_have_to_run_and_of_what_was_live_before_some(trouble: str, reason: str) -> None:
    half = spread("web-green", task(1, "beta"), task(2, "", state="pending"), trouble=trouble)
    assert CheckSteady()._unproven(of_worker(), half) == reason
    assert CheckRunsAgain("")._unproven(of_worker(), half) == ""


def test_that_an_engine_was_away_is_no_verdict_and_a_container_that_is_gone_is_one() -> None:
    assert CheckSteady().judge(of_worker(), answer("state unknown\n")).verdict is Verdict.AGAIN
    assert CheckSteady().judge(of_worker(), answer("state none\n")).reason == "the container has disappeared"


def test_a_candidate_that_is_not_well_is_refused() -> None:
    error = CheckSteady().read(of_worker(), answer(f"state {described(health='starting')}\n")).error
    assert error is not None
    assert error.kind is Kind.RELEASE_REFUSED
    assert "services.web.x-deploy.health.seconds" in error.remedy


@pytest.mark.parametrize(("age", "steady"), [(5, "15"), (3600, "1")])
def test_one_that_was_running_before_is_not_watched_all_over(age: float, steady: str) -> None:
    state = of_worker()
    state = replace(state, survey=replace(state.survey, now=1000.0 + age, uptime=1e9))
    step = CheckStillSteady(Container("old", "web", started="1970-01-01T00:16:40.000000000Z"))
    assert step.command(state).argv[4:6] == ("old", steady)
    assert step.read(state, answer(f"state {described(health='starting')}\n")).failed == ""


def test_the_previous_release_is_told_to_run_again_or_why_not() -> None:
    step = CheckRunsAgain("It was started again")
    assert step.command(of_worker()).argv[4] == LIVE.id
    assert step.read(of_worker(), answer(f"state {described()}\n")).state.serving == "The previous release runs again."
    read = step.read(of_worker(), answer(f"state {described(running=False, exit=1)}\n"))
    assert read.state.serving.startswith("It was started again, but it is not well: it exited (exit code 1).")
