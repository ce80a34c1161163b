"""The host's clock, compared with ours."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from behindy_ops.checks.check import Facts
from behindy_ops.checks.clock import SKEW, clock
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.survey import Survey


@pytest.mark.parametrize(
    ("skew", "synchronized", "problem", "words"),
    [
        (SKEW, None, None, "differs from ours by 5 s"),
        (SKEW + 1, None, "clock", "6 s ahead of ours"),
        (-SKEW - 1, True, "clock", "6 s behind ours"),
        (0.0, False, "clock not synchronized", "not synchronized"),
        (0.0, True, None, "differs from ours by 0 s"),
    ],
)
def test_a_clock_is_judged_by_its_difference_first(
    skew: float, synchronized: bool | None, problem: str | None, words: str
) -> None:
    (check,) = clock(Facts(survey=Survey(skew=skew), machine=HostFacts(synchronized=synchronized)))
    assert (check.problem and check.problem.name) == problem
    assert words in check.found


@pytest.mark.parametrize("told", [0.0, 0.25, 1.0, 2.0])
def test_the_seconds_that_a_look_takes_are_no_difference_whenever_in_it_the_host_told_its_time(told: float) -> None:
    before, after = (datetime.fromtimestamp(seconds, UTC) for seconds in (1000, 1002))
    same = Survey(now=1000 + told).compared(before, after)
    (check,) = clock(Facts(survey=same))
    assert (same.skew, check.found) == (0, "the host's differs from ours by 0 s")
    assert Survey(now=990 + told).compared(before, after).skew == told - 10


def test_a_clock_that_was_not_compared_is_not_judged() -> None:
    assert list(clock(Facts(survey=Survey()))) == []
