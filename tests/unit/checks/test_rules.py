"""All problems, as a table: one name, one threshold, one remedy for each, and the documents say the same."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Callable

from behindy_ops import checks
from behindy_ops.checks import rules
from behindy_ops.checks.check import Level, Problem
from behindy_ops.tasks import root
from sandbox.tasks.quality import CHECKOUT

_LEVELS = {Level.WARNING: "warning", Level.REFUSAL: "refusal"}
SUBJECTS = sorted(module.name for module in pkgutil.iter_modules(checks.__path__))


def problems(subject: str) -> list[Problem]:
    """The problems that the file of a subject declares."""
    module = importlib.import_module(f"behindy_ops.checks.{subject}")
    return [value for value in vars(module).values() if isinstance(value, Problem)]


PROBLEMS = [problem for subject in SUBJECTS for problem in problems(subject)]


def remedy(problem: Problem) -> str:
    """Its remedy, with the names of the words that are filled in: ``inv env.set NAME``."""
    return re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), problem.remedy)


def table() -> str:
    """The table that docs/operations.md has under "Checks"."""
    rows = [
        f"| `{one.name}` | {_LEVELS[one.level]} | {one.threshold} | {remedy(one)} |"
        for subject in SUBJECTS
        for one in problems(subject)
    ]
    return "\n".join(["| problem | level | it is one when | what to do |", "|---|---|---|---|", *rows])


def test_no_problem_has_two_names_two_thresholds_or_two_remedies() -> None:
    names = Counter(problem.name for problem in PROBLEMS)
    thresholds = Counter(problem.threshold for problem in PROBLEMS)
    assert len(PROBLEMS) > 40
    assert [name for name, times in (names + thresholds).items() if times > 1] == []
    assert [problem.name for problem in PROBLEMS if not (problem.threshold and problem.remedy)] == []


def test_a_remedy_names_tasks_that_there_are() -> None:
    known = {*root().task_names, "deploy.SUBJECT"}
    named = {word for problem in PROBLEMS for word in re.findall(r"\binv ([\w.]+\w)", remedy(problem))}
    assert len(named) > 10
    assert named <= known


def test_the_documents_have_the_table_of_all_problems() -> None:
    assert table() in (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_rule_is_chosen_by_somebody() -> None:
    chosen = {*rules.BEFORE_DEPLOY, *rules.HOST, *rules.DOCTOR}
    modules = [importlib.import_module(f"behindy_ops.checks.{subject}") for subject in SUBJECTS]
    functions = [value for module in modules for value in vars(module).values() if inspect.isfunction(value)]
    written = {function for function in functions if _parameters(function) == ["facts"]}
    assert {function.__name__ for function in written - chosen} == set()


def _parameters(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)
