"""What the host does by itself: when it is a problem, and that its reason is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks import timers
from behindy_ops.checks.check import Check, Facts, Level
from behindy_ops.facts.container import Container
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.timers import Timed
from behindy_ops.project.names import Names
from behindy_ops.project.services import Service

DAY = 86400
NOW = 100.0 * DAY
GOOD = Timed("backup", on=True, placed=DAY, at=NOW - DAY, ok=True, good=NOW - DAY, said="a.dump, 5 bytes")


def examine(timed: Timed) -> Check:
    (check,) = timers.runs(Facts(survey=Survey(now=NOW), domain="b.me", timers=(timed,)))
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


WITHOUT = Survey(now=NOW, names=Names(database=None))


@pytest.mark.parametrize(
    ("survey", "domain", "what"),
    [
        (Survey(), "b.me", ["backups and renewals of certificates"]),
        (Survey(), "", ["backups"]),
        (WITHOUT, "b.me", ["renewals of certificates"]),
        (WITHOUT, "", []),
    ],
)
def test_a_host_is_asked_only_for_what_a_project_has(survey: Survey, domain: str, what: list[str]) -> None:
    given = Facts(survey=survey, domain=domain)
    assert [check.found for check in timers.scheduled(given)] == [f"{each} run by themselves" for each in what]
    lacks = [check.found for check in timers.scheduled(replace(given, unscheduled=("/x",)))]
    assert lacks == [f"{each.capitalize()} do not run by themselves: /x." for each in what]
    late = (Timed("certs", on=False, placed=0.0), Timed("backup", on=False, placed=0.0))
    told = " ".join(check.found for check in timers.runs(replace(given, timers=late)))
    assert ["backup" in told, "certificates" in told] == [survey.names.database is not None, domain != ""]


JOB = Service("report", "me/report", schedule="0 3 * * *")
MADE = Container("r", "report", status="created", running=False, created="1970-03-01T00:00:00.000000000Z")
RAN = Timed("report", on=True, placed=50 * DAY, at=NOW - 21 * 3600, ok=True, said="ended well", seconds=4)


def job(timed: Timed | None, *, run: bool = False, zone: int = 0) -> Check | None:
    """What is told of a job at midnight of a day, due at three."""
    containers = {"report": MADE} | ({"report-run": Container("x", "report-run")} if run else {})
    survey = Survey(now=NOW, zone=zone, containers=containers, jobs={"report": timed} if timed else {})
    (check,) = timers.jobs(Facts(survey=survey, services=(JOB,)))
    return check if check.problem else None


def test_a_job_that_ran_when_it_was_due_is_well() -> None:
    assert job(RAN) is None
    assert job(replace(RAN, at=0.0, placed=NOW - 3600)) is None  # it was not due yet


@pytest.mark.parametrize(
    ("timed", "problem", "words"),
    [
        (None, "job not scheduled", "missing or off"),
        (replace(RAN, on=False), "job not scheduled", "missing or off"),
        (replace(RAN, ok=False, code=3, said=""), "job failed", "exit code 3"),
        (replace(RAN, at=NOW - 22 * 3600), "job missed", "was due 21 h ago"),
        (replace(RAN, at=0.0), "job missed", "was due 21 h ago"),
    ],
)
def test_a_job_that_is_off_failed_or_was_missed_is_a_trouble(timed: Timed | None, problem: str, words: str) -> None:
    check = job(timed)
    assert check is not None
    assert check.problem is not None
    assert (check.problem.name, check.level) == (problem, Level.REFUSAL)
    assert words in check.found


def test_of_a_run_that_is_under_way_nothing_is_told_until_its_time_is_up() -> None:
    due = NOW - 3 * 3600  # by a clock that is six hours behind
    timed = replace(RAN, at=due - 60)
    assert job(timed, zone=-18 * 3600) is not None
    survey = Survey(now=due + 600, jobs={"report": timed}, containers={"report": MADE}, zone=-18 * 3600)
    under_way = replace(survey, containers={**survey.containers, "report-run": Container("x", "report-run")})
    told = [next(iter(timers.jobs(Facts(survey=one, services=(JOB,))))).problem for one in (survey, under_way)]
    assert [problem is not None for problem in told] == [True, False]


def test_what_is_done_for_a_project_with_timers_of_its_own_is_called_the_same() -> None:
    timed = Timed("backup-shop", on=True, placed=0.0, ok=False, said="the disk is full")
    (check,) = timers.runs(Facts(survey=Survey(), timers=(timed,)))
    assert check.found == "The host's daily backup failed: the disk is full"
    assert "/usr/local/lib/behindy-ops/backup-shop" in check.remedy
    without = Survey(names=Names(database=None))
    assert list(timers.runs(Facts(survey=without, domain="b.me", timers=(timed,)))) == []
