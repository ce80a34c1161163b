"""The check from inside nginx."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.deploy.steps.external import CheckOutside
from behindy_ops.deploy.steps.internal import CheckInside, CheckRunning, remedy_of, unpulled
from behindy_ops.deploy.steps.step import Look, Verdict
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Cause, Container
from behindy_ops.project.services import Expect, HealthPolicy
from tests.unit.deploy.states import SERVICE, answer, described, state_of

if TYPE_CHECKING:
    from behindy_ops.deploy.state import State


def test_the_candidate_is_asked_by_its_name_and_port() -> None:
    command = CheckInside().command(state_of())
    assert command.argv[4:7] == ("nginx", "web-green", "http://web-green:3000/")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("200 0", Verdict.HEALTHY),
        ("307 0", Verdict.HEALTHY),
        ("199 0", Verdict.AGAIN),
        ("404 0", Verdict.AGAIN),
        ("500 0", Verdict.AGAIN),
        ("000 7", Verdict.AGAIN),
    ],
)
def test_the_last_answer_decides(code: str, verdict: Verdict) -> None:
    for first in ("200 0", "502 0"):
        said = f"look {first}\nlook {code}\nstate {described()}\n"
        assert CheckInside().judge(state_of(), answer(said)).verdict is verdict


def test_the_reason_of_a_refused_release_has_what_it_answered_cut() -> None:
    said = f'look 503 0\nbody {{"db":  "DOWN\x1b[31m"}} {"x" * 400}\nstate {described()}\n'
    look = CheckInside().judge(state_of(), answer(said))
    assert (look.verdict, look.reason, len(look.said)) == (Verdict.AGAIN, "HTTP 503", 300)
    error = CheckInside().conclude(state_of(), replace(look, reason="HTTP 503, 15 attempts in a row")).error
    assert error is not None
    assert error.what.startswith(
        'web-green is not healthy: HTTP 503, 15 attempts in a row; it says: {"db": "DOWN [31m"} xx'
    )
    assert CheckRunning(RUNNING).read(state_of(), answer(said)).failed.startswith('HTTP 503; it says: {"db"')


@pytest.mark.parametrize("code", [401, 403])
def test_a_path_that_needs_a_login_is_told_as_one(code: int) -> None:
    look = CheckInside().judge(state_of(), answer(f"look {code} 0\nstate {described()}\n"))
    assert look.reason == f"HTTP {code}: the path needs a login"
    error = CheckInside().conclude(state_of(), look).error
    assert error is not None
    assert "services.web.x-deploy.internal" in error.remedy


def expecting(*status: int, body: str = "") -> State:
    return state_of(service=replace(SERVICE, expect=Expect(status, body)))


def test_what_counts_as_healthy_is_looked_for_on_the_host() -> None:
    assert CheckInside().command(expecting(200, 401, body="it works")).argv[10:] == (" 200 401 ", "it works")
    assert CheckInside().command(expecting(body="it works")).argv[10:] == ("", "it works")
    assert len(CheckInside().command(state_of()).argv) == 10


@pytest.mark.parametrize(
    ("state", "look", "reason"),
    [
        (expecting(200, 401), "401 0", "HTTP 401"),
        (expecting(200, 401), "200 0", "HTTP 200"),
        (expecting(404, body="x"), "404 0", "HTTP 404"),
    ],
)
def test_what_is_expected_is_healthy(state: State, look: str, reason: str) -> None:
    judged = CheckInside().judge(state, answer(f"look {look}\nstate {described()}\n"))
    assert judged == Look(Verdict.HEALTHY, reason)


@pytest.mark.parametrize(
    ("state", "look", "reason"),
    [
        (expecting(200), "204 0", "HTTP 204, not 200 (x-deploy.expect.status)"),
        (expecting(200, 204), "302 0", "HTTP 302, not 200 or 204 (x-deploy.expect.status)"),
        (expecting(200), "401 0", "HTTP 401: the path needs a login"),
        (expecting(200), "000 7", "connection refused"),
        (
            expecting(body="up"),
            "200 0 lacking",
            "HTTP 200, but its body does not contain 'up' (x-deploy.expect.body)",
        ),
    ],
)
def test_what_is_not_expected_is_told_with_what_would_be(state: State, look: str, reason: str) -> None:
    judged = CheckInside().judge(state, answer(f"look {look}\nstate {described()}\n"))
    assert (judged.verdict, judged.reason) == (Verdict.AGAIN, reason)


def test_what_a_release_says_is_not_taken_for_our_own_words() -> None:
    said = f"look 500 0\nbody HTTP 401: the path needs a login\nstate {described()}\n"
    error = CheckInside().conclude(state_of(), CheckInside().judge(state_of(), answer(said))).error
    assert error is not None
    assert error.what.endswith("HTTP 500; it says: HTTP 401: the path needs a login.")
    assert "x-deploy" not in error.remedy


@pytest.mark.parametrize(
    ("policy", "attempts", "title"),
    [
        (HealthPolicy(), 15, "Check health from inside nginx, up to 45 s"),
        (HealthPolicy(seconds=150), 50, "Check health from inside nginx, up to 150 s"),
        (HealthPolicy(interval=5, seconds=61), 13, "Check health from inside nginx, up to 65 s"),
        (HealthPolicy(attempts=40, interval=5), 40, "Check health from inside nginx, up to 200 s"),
    ],
)
def test_a_candidate_may_be_given_longer_and_that_is_said_before(
    policy: HealthPolicy, attempts: int, title: str
) -> None:
    state = state_of(service=replace(SERVICE, health=policy))
    assert (CheckInside().policy(state).attempts, CheckInside().title(state)) == (attempts, title)
    assert CheckRunning(RUNNING).title(state) == f"Check {RUNNING.name} from inside nginx"
    # A release that users meet is not given it.
    assert CheckOutside().policy(state).attempts == policy.attempts


def test_no_answer_at_all_is_told_as_one_that_came_too_late() -> None:
    look = CheckInside().judge(state_of(), answer(f"state {described()}\n"))
    assert look == Look(Verdict.AGAIN, "no answer in time")


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (
            {"oom": True, "running": False, "memory": 400 * 2**20},
            "OOM-killed: it needs more memory than its limit of 400 MB",
        ),
        ({"oom": True}, "OOM-killed: it needs more memory than its limit"),
        ({"restarts": 1, "exit": 3}, "it restarts (exit code 3, 1 restarts)"),
        ({"restarting": True, "exit": 1}, "it restarts (exit code 1, 0 restarts)"),
        ({"running": False, "exit": 3}, "it exited (exit code 3)"),
    ],
)
def test_a_dead_container_fails_at_once_by_name_even_if_it_answered(container: dict[str, Any], reason: str) -> None:
    look = CheckInside().judge(state_of(), answer(f"look 200 0\nstate {described(**container)}\n"))
    assert look == Look(Verdict.FATAL, reason)


def checked(status: int, health: str) -> Any:
    return answer(f"look {status} 0\nstate {described(health=health)}\n")


@pytest.mark.parametrize(
    ("status", "health", "verdict", "reason"),
    [
        (200, "healthy", Verdict.HEALTHY, "HTTP 200"),
        (503, "healthy", Verdict.AGAIN, "HTTP 503"),
        (200, "starting", Verdict.AGAIN, "its own health check has not passed yet (Docker says: starting)"),
        (503, "starting", Verdict.AGAIN, "HTTP 503"),
        (200, "unhealthy", Verdict.FATAL, "its own health check fails (Docker says: unhealthy)"),
        (0, "unhealthy", Verdict.FATAL, "its own health check fails (Docker says: unhealthy)"),
    ],
)
def test_a_candidates_own_health_check_has_to_pass_too(status: int, health: str, verdict: Verdict, reason: str) -> None:
    for step in (CheckInside(), CheckRunning(replace(RUNNING, name="web-green"))):
        look = step.judge(state_of(), checked(status, health))
        assert (look.verdict, look.reason) == (verdict, reason)


@pytest.mark.parametrize("health", ["starting", "unhealthy"])
def test_of_one_that_is_live_its_answer_decides(health: str) -> None:
    assert CheckRunning(RUNNING).judge(state_of(), checked(200, health)).verdict is Verdict.HEALTHY


def test_a_health_check_without_a_verdict_in_time_is_told_how_to_get_one() -> None:
    error = CheckInside().conclude(state_of(), CheckInside().judge(state_of(), checked(200, "starting"))).error
    assert error is not None
    assert "services.web.x-deploy.health.seconds" in error.remedy


def test_a_candidate_that_is_not_healthy_is_refused_by_the_cause() -> None:
    error = CheckInside().read(state_of(), answer("look 200 0\nstate none\n")).error
    assert error is not None
    assert error.kind is Kind.RELEASE_REFUSED
    assert error.what == "web-green is not healthy: the container has disappeared."


def started(seconds: float, *, uptime: float = math.inf) -> State:
    """The state some seconds after the live container was started."""
    state = state_of()
    return replace(state, survey=replace(state.survey, now=1000.0 + seconds, uptime=uptime))


RUNNING = Container("old", "web", started="1970-01-01T00:16:40.000000000Z")


@pytest.mark.parametrize(
    ("state", "attempts"),
    [
        (started(0), 15),
        (started(12), 11),
        (started(13), 11),
        (started(40), 3),
        (started(86_400), 3),
        (started(-3600), 15),  # the clock was set back
        (started(86_400, uptime=12), 11),  # the clock was wrong until after the boot
    ],
)
def test_one_that_still_boots_has_the_time_a_candidate_has_and_any_other_nine_seconds(
    state: State, attempts: int
) -> None:
    assert CheckRunning(RUNNING).policy(state).attempts == attempts


def test_a_service_that_declares_more_patience_has_it_here_too() -> None:
    slow = replace(SERVICE, health=HealthPolicy(attempts=60, interval=1.5))
    assert CheckRunning(RUNNING).policy(replace(started(30), service=slow)).attempts == 40
    assert CheckRunning(replace(RUNNING, started="")).policy(started(30)).attempts == 3


def test_one_that_was_running_and_is_not_healthy_is_no_error() -> None:
    step = CheckRunning(RUNNING)
    assert step.command(state_of()).argv[5] == "web"
    read = step.read(state_of(), answer("state none\n"))
    assert read.error is None
    assert read.failed == "the container has disappeared"


@pytest.mark.parametrize(
    ("cause", "changes", "says"),
    [
        (Cause.NO_NODE, {}, "inv host.check"),
        (Cause.NO_NODE, {"placement": ("disk=ssd", "zone=a")}, "--label-add disk=ssd --label-add zone=a NODE"),
        (Cause.NO_IMAGE, {}, ""),
        (Cause.REJECTED, {}, "on every node that may run it"),
        (Cause.ENDED, {}, ""),
        (None, {}, ""),
    ],
)
def test_what_keeps_a_task_from_running_has_a_remedy_of_its_own(
    cause: Cause | None, changes: dict[str, Any], says: str
) -> None:
    state = state_of(service=replace(SERVICE, **changes))
    told = remedy_of(state, Container("w", "web-green", cause=cause))
    assert says in told
    assert bool(told) == bool(says)


def test_an_image_that_no_registry_has_is_to_be_pushed() -> None:
    state = state_of()
    state = replace(state, release=replace(state.release, digest=""))
    error = unpulled(state, "two cannot pull its image").error
    assert error is not None
    assert (error.kind, "Push it there" in error.remedy) == (Kind.IMAGE_NOT_FOUND, True)
