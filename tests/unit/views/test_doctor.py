"""The doctor's view: each problem with its cause, evidence and remedy; troubles have an exit code of their own."""

from __future__ import annotations

import pytest

from behindy_ops.checks.check import Check, Fix, FixKind, Level, Problem
from behindy_ops.checks.services import DEPENDENCY_STOPPED
from behindy_ops.errors import Kind
from behindy_ops.project.services import HealthPolicy, Service
from behindy_ops.views import doctor
from tests.kinds import kind_of
from tests.unit.ops_facts import text_of

REDIS = Fix(FixKind.START, "redis")
STOPPED = Problem("dependency stopped", "it is not running", "Start {subject}: inv ops.doctor --fix", "No answer.")
NO_SWAP = Problem("no swap", "there is none", "Make some: inv host.setup", level=Level.WARNING)


def trouble(found: str = "The container redis is not running.") -> Check:
    return STOPPED.check("dependencies", found, subject="redis", evidence=("redis: exited", "and more"), fix=REDIS)


def test_a_host_that_is_well_has_nothing_wrong() -> None:
    shown = doctor.shown([], ["backend", "frontend"])
    assert shown.lines[0].text.startswith("Nothing is wrong with backend, frontend")
    assert (shown.problem, shown.data["healthy"]) == (None, True)


def test_a_trouble_is_told_with_all_of_it_and_has_its_exit_code() -> None:
    shown = doctor.shown([trouble("It is not running. " * 8), NO_SWAP.check("swap", "None.")], ["backend"], [REDIS])
    told = text_of(shown.lines)
    for words in (
        "TROUBLE redis: dependency stopped",
        "symptom No answer.",
        "evidence redis: exited and more",
        "remedy Start redis: inv ops.doctor --fix",
        "--fix Start the container redis",
        "RISK host: no swap",
    ):
        assert words in told  # fmt: skip
    assert max(len(line.text) for line in shown.lines) <= 80
    assert kind_of(shown.problem) is Kind.TROUBLE_FOUND
    assert "1 trouble: redis: dependency stopped." in str(shown.problem)
    first, second = shown.data["findings"]
    assert (first["severity"], first["fix"]["kind"], second["severity"], second["fix"]) == (
        "trouble",
        "start",
        "risk",
        None,
    )
    assert shown.data["fixed"] == [{"kind": "start", "target": "redis", "does": "Start the container redis"}]


def test_a_risk_is_no_trouble() -> None:
    shown = doctor.shown([NO_SWAP.check("swap", "None.")], ["backend"])
    assert (shown.problem, shown.data["healthy"]) == (None, True)


def test_each_fix_is_named_once_as_a_sentence() -> None:
    assert doctor.fixes([trouble(), trouble(), NO_SWAP.check("swap", "None.")]) == [REDIS]


@pytest.mark.parametrize(
    ("fix", "title"),
    [
        (REDIS, "Start the container redis"),
        (Fix(FixKind.CONNECT, "backend"), "Connect backend"),
        (Fix(FixKind.RECOVER, "backend"), "Finish or undo what an interrupted run left of backend"),
        (Fix(FixKind.RELOAD), "Reload nginx"),
    ],
)
def test_what_a_fix_does_is_said_in_words(fix: Fix, title: str) -> None:
    assert doctor.title(fix) == title


def test_a_service_that_was_started_is_given_the_time_of_a_candidate() -> None:
    jvm = Service("api", "me/api", 80, "/", "/", "/", health=HealthPolicy(seconds=150))
    assert doctor.patience([jvm], [Fix(FixKind.START, "api")]).attempts == 50
    for fix in (Fix(FixKind.CONNECT, "api"), Fix(FixKind.START, "redis")):
        assert doctor.patience([jvm], [fix]) == HealthPolicy()


def test_it_ends_with_what_helps_most() -> None:
    found = [DEPENDENCY_STOPPED.check("dependencies", "redis is exited", subject="redis", fix=REDIS)]
    view = doctor.shown(found, ["backend"])
    assert view.lines[-1].text == "What helps most: inv ops.doctor --fix"
    assert view.data["helps_most"] == "inv ops.doctor --fix"
    assert view.problem is not None
    assert view.problem.remedy.endswith("What helps most: inv ops.doctor --fix")
    after = doctor.shown(found, ["backend"], [REDIS])
    assert after.lines[-1].text == "What helps most: inv ops.logs redis"
    well = doctor.shown([], ["backend"])
    assert (well.data["helps_most"], well.problem) == ("", None)
