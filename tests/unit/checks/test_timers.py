"""What the host does by itself: when it is a problem, and that its reason is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks import timers
from behindy_ops.checks.check import Check, Facts, Level
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.timers import Timed

DAY = 86400
NOW = 100.0 * DAY
GOOD = Timed("backup", on=True, placed=DAY, at=NOW - DAY, ok=True, good=NOW - DAY, said="a.dump, 5 bytes")


def examine(timed: Timed) -> Check:
    (check,) = timers.runs(Facts(survey=Survey(now=NOW), timers=(timed,)))
    return check


@pytest.mark.parametrize(
    ("timed", "problem", "words"),
    [
        (GOOD, None, "a.dump, 5 bytes"),
        (replace(GOOD, good=NOW - 1.9 * DAY), None, "a.dump"),
        (replace(GOOD, good=NOW - 2.1 * DAY), "scheduled run late", "has not run well for 2.1 days"),
        (replace(GOOD, ok=False, said="no room"), "scheduled run failed", "no room"),
        (replace(GOOD, ok=False, said="", good=0.0), "scheduled run failed", "does not say why"),
        (replace(GOOD, on=False), "not scheduled", "daily backup is not scheduled"),
        (Timed("certs", on=True, placed=NOW - DAY), None, "has not run yet"),
        (Timed("certs", on=True, placed=NOW - 3 * DAY), "scheduled run late", "renewal of certificates never ran"),
    ],
)
def test_a_run_that_is_missing_late_or_failed_is_a_warning(timed: Timed, problem: str | None, words: str) -> None:
    check = examine(timed)
    assert (check.problem and check.problem.name) == problem
    assert words in check.found
    if problem:
        assert check.level is Level.WARNING
        assert timed.program in " ".join((check.remedy, *check.evidence))
    if problem == "scheduled run failed":
        assert ("never" in check.evidence[0]) == (not timed.good)


def test_what_is_not_there_is_named() -> None:
    (check,) = timers.scheduled(Facts(survey=Survey(), unscheduled=("/etc/cron.d/behindy-ops",)))
    assert (check.problem and check.problem.name, "cron.d" in check.found) == ("not scheduled", True)
