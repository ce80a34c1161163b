"""A .env by its names: what is missing, empty, a placeholder, unknown; and who may read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks.check import Facts, Level
from behindy_ops.checks.environment import NO_FILE, Values, environment, judge
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service

REQUIRED = {"DB_PASS": ("db", "backend"), "JWT_SECRET": ("backend",)}
GOOD = Values({"DB_PASS": "set", "JWT_SECRET": "set"}, REQUIRED, known=frozenset(REQUIRED), mode="600")
A = frozenset("A")
BACKEND = Service("backend", "me/behindy-backend", 8080, "/", "/", None, required_env=("DB_PASS", "JWT_SECRET"))


def test_a_file_that_is_complete_and_private_has_nothing_wrong() -> None:
    assert list(judge(GOOD)) == []


@pytest.mark.parametrize(
    ("values", "subject", "problem", "level", "words"),
    [
        (Values({}, present=False), "host", "no environment file", Level.REFUSAL, "There is no .env"),
        (
            replace(GOOD, states={"JWT_SECRET": "set"}), "DB_PASS", "value missing", Level.REFUSAL,
            "missing; needed by db, backend",
        ),
        (
            replace(GOOD, states={"DB_PASS": "empty", "JWT_SECRET": "set"}), "DB_PASS", "value missing", Level.REFUSAL,
            "empty; needed by db, backend",
        ),
        (Values({"A": "set"}, known=A, placeholders=A), "A", "placeholder", Level.REFUSAL, "still"),
        (Values({}, dollars={"A": 3}), "A", "dollar in a value", Level.WARNING, "line 3"),
        (Values({"A": "set"}), "A", "unknown name", Level.WARNING, "unknown"),
        (Values({}, mode="640"), "host", "environment file readable", Level.WARNING, "mode 640"),
    ],
)  # fmt: skip
def test_each_problem_is_told_of_its_name(values: Values, subject: str, problem: str, level: Level, words: str) -> None:
    (check,) = judge(values)
    assert check.problem is not None
    assert (check.subject, check.problem.name, check.level) == (subject, problem, level)
    assert words in check.found
    assert subject in check.remedy or subject == "host" or problem == "unknown name"


@pytest.mark.parametrize("mode", ["600", "400", ""])
def test_a_file_that_only_its_owner_may_read_is_private(mode: str) -> None:
    assert list(judge(Values({}, mode=mode))) == []


def test_a_placeholder_without_a_value_is_missing_and_not_told_twice() -> None:
    values = replace(GOOD, states={**GOOD.states, "DB_PASS": "empty"}, placeholders=frozenset({"DB_PASS"}))
    assert [check.subject for check in judge(values)] == ["DB_PASS"]


def survey(mode: str = "600", **environment: bool) -> Survey:
    return Survey(files={".env": mode}, environment=environment)


def test_a_service_is_told_all_names_it_lacks_at_once() -> None:
    (check,) = environment(Facts(survey=survey(DB_PASS=False), services=(BACKEND,), host_dir="ops"))
    assert "ops/.env on the host has no value for DB_PASS, JWT_SECRET" in check.found
    assert check.evidence == ("DB_PASS: empty", "JWT_SECRET: missing")
    assert "inv env.set DB_PASS" in check.remedy


def test_a_file_that_is_open_is_told_beside_what_it_lacks() -> None:
    found = environment(Facts(survey=survey("644", DB_PASS=True), services=(BACKEND,), host_dir="ops"))
    assert [check.level for check in found] == [Level.REFUSAL, Level.WARNING]


def test_without_a_file_no_name_is_missing_from_it() -> None:
    (check,) = environment(Facts(survey=Survey(), services=(BACKEND,), host_dir="ops"))
    assert check.problem is NO_FILE
