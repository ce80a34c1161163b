"""Verdicts over what a look saw."""

from __future__ import annotations

import pytest

from behindy_ops.deploy.health import Look, Verdict, judge_inside, judge_outside
from behindy_ops.facts.container import Container
from behindy_ops.facts.curl import outcome


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
