"""Health: the loop of 15 attempts takes no time here, since the clock is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from behindy_ops.deploy.health import Look, Verdict, attempt_until, judge_inside, judge_outside
from behindy_ops.facts.container import Container
from behindy_ops.facts.curl import outcome
from behindy_ops.project.services import HealthPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

AGAIN, GOOD = Look(Verdict.AGAIN, "HTTP 503"), Look(Verdict.HEALTHY, "HTTP 200")
DEFINITE = Look(Verdict.AGAIN, "HTTP 500", definite=True)


@dataclass
class Clock:
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def run(
    looks: Iterable[Look], policy: HealthPolicy, *, takes: float = 3.0, definite_limit: int = 0
) -> tuple[Look, Clock, int]:
    clock, left, made = Clock(), iter(looks), []

    def attempt(number: int) -> Look:
        made.append(number)
        clock.now += takes
        return next(left)

    look = attempt_until(policy, attempt, definite_limit=definite_limit, clock=clock, sleep=clock.sleep)
    assert made == list(range(1, len(made) + 1))
    return look, clock, len(made)


def test_fifteen_attempts_three_seconds_apart_and_then_it_has_failed() -> None:
    look, clock, made = run([AGAIN] * 99, HealthPolicy())
    assert (look.verdict, made, clock.now) == (Verdict.FATAL, 15, 45.0)
    assert look.reason == "HTTP 503, 15 attempts in a row"


def test_an_attempt_that_ended_early_is_followed_by_the_rest_of_its_three_seconds() -> None:
    _, clock, _ = run([AGAIN, AGAIN, GOOD], HealthPolicy(), takes=0.5)
    assert clock.slept == [2.5, 2.5]


def test_an_attempt_that_took_its_time_is_followed_at_once() -> None:
    _, clock, _ = run([AGAIN, GOOD], HealthPolicy(), takes=3.4)
    assert clock.slept == [0.0]


def test_a_service_may_have_numbers_of_its_own() -> None:
    _, clock, made = run([AGAIN] * 99, HealthPolicy(attempts=4, interval=10), takes=1)
    assert (made, clock.slept) == (4, [9.0, 9.0, 9.0])


def test_the_first_success_ends_it() -> None:
    look, _, made = run([AGAIN, GOOD, AGAIN], HealthPolicy())
    assert (look, made) == (GOOD, 2)


def test_what_has_failed_for_good_is_not_tried_again() -> None:
    look, _, made = run([AGAIN, Look(Verdict.FATAL, "it exited")], HealthPolicy())
    assert (look.reason, made) == ("it exited", 2)


def test_errors_of_the_release_itself_in_a_row_end_it_early_where_asked() -> None:
    look, _, made = run([DEFINITE, AGAIN, DEFINITE, DEFINITE, GOOD], HealthPolicy(), definite_limit=2)
    assert (look.verdict, look.reason, made) == (Verdict.FATAL, "HTTP 500", 4)
    assert run([DEFINITE, DEFINITE, GOOD], HealthPolicy())[0] == GOOD


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (None, "the container has disappeared"),
        (
            Container("1", "g", oom_killed=True, running=False, memory=400 * 2**20),
            "OOM-killed: it needs more memory than its limit of 400 MB",
        ),
        (Container("1", "g", restarts=1, exit_code=3), "it restarts (exit code 3, 1 restarts)"),
        (Container("1", "g", restarting=True, exit_code=1), "it restarts (exit code 1, 0 restarts)"),
        (Container("1", "g", running=False, exit_code=3), "it exited (exit code 3)"),
    ],
)
def test_a_dead_container_fails_at_once_by_name_even_if_it_answered(container: Container | None, reason: str) -> None:
    assert judge_inside([(200, 0)], container) == Look(Verdict.FATAL, reason)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(200, Verdict.HEALTHY), (307, Verdict.HEALTHY), (404, Verdict.AGAIN), (500, Verdict.AGAIN), (0, Verdict.AGAIN)],
)
def test_inside_the_last_answer_counts(code: int, verdict: Verdict) -> None:
    assert judge_inside([(503, 0), (code, 7)], Container("1", "g")).verdict is verdict


def test_a_rehearsal_that_nginx_did_not_route_to_the_candidate_is_no_success() -> None:
    look = judge_outside([(200, 0, "none")], done=True, candidate=True, resolved=(), address="")
    assert look == Look(Verdict.FATAL, "nginx did not route the rehearsal to the candidate")


def test_outside_the_name_must_resolve_to_the_new_address_and_nothing_else() -> None:
    def verdict(*resolved: str) -> Verdict:
        return judge_outside(
            [(200, 0, "none")], done=True, candidate=False, resolved=resolved, address="10.0.0.7"
        ).verdict

    assert verdict("10.0.0.7") is Verdict.HEALTHY
    assert verdict("10.0.0.7", "10.0.0.6") is Verdict.AGAIN
    assert verdict("10.0.0.6") is Verdict.AGAIN
    assert verdict() is Verdict.AGAIN


@pytest.mark.parametrize(
    ("code", "definite"), [(500, True), (404, True), (429, False), (502, False), (503, False), (504, False), (0, False)]
)
def test_only_an_error_of_the_release_itself_is_definite(code: int, definite: bool) -> None:
    look = judge_outside([(code, 0, "none")], done=False, candidate=False, resolved=(), address="")
    assert (look.verdict, look.definite) == (Verdict.AGAIN, definite)


def test_a_missing_answer_is_told_in_words() -> None:
    assert outcome(0, 7) == "connection refused"
    assert outcome(0, 99) == "curl exit code 99"
