"""The parts of a whole test run, what each had to say, and the one line that sums them up."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "COUNTS",
    "Chosen",
    "Outcome",
    "Part",
    "branches_taken",
    "exit_code",
    "outcome",
    "parts",
    "summary",
    "untried",
]

COUNTS = "BEHINDY_TEST_COUNTS"
"""Names the file to which a run of pytest writes how many tests passed, failed and were skipped."""

UNIT = ("tests/unit", "tests/simulator")
MEASURED = ("behindy_ops/deploy", "behindy_ops/checks", "behindy_ops/host")
"""What decides about a live service: tests take at least ``BRANCHES_PERCENT`` of the branches of each."""
BRANCHES_PERCENT = 95.0
NOTHING_COLLECTED = 5
INTERRUPTED = 2
MOST_FAILURES = 10
"""Of a part on hosts: each may wait minutes for what does not come."""


@dataclass(frozen=True)
class Chosen:
    """What a person asked for.

    Attributes:
        coverage: the file to which the branches that the unit tests take are written, if they are measured.
        expression: as pytest's ``-k``, or empty.
        part: of a run that is split over machines, such as ``2/4``: the sandbox's tests only. Empty for all tests.
        hosts: how many throwaway hosts are used side by side.
    """

    unit: bool = False
    coverage: Path | None = None
    expression: str = ""
    part: str = ""
    hosts: int = 4


@dataclass(frozen=True)
class Part:
    """One run of pytest."""

    title: str
    argv: tuple[str, ...]
    on_hosts: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a part; ``code`` is pytest's exit code."""

    title: str
    code: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def interrupted(self) -> bool:
        return self.code == INTERRUPTED or self.code > 128


def parts(chosen: Chosen) -> list[Part]:
    """The runs of pytest, in order: on this machine, on several hosts side by side, and what time decides alone."""
    pytest = (sys.executable, "-m", "pytest", *(("-k", chosen.expression) if chosen.expression else ()))
    unit = Part(
        "unit tests and simulator",
        (*pytest, *UNIT, "-n", "2", *(_coverage(chosen.coverage) if chosen.coverage else ())),
    )
    if chosen.unit:
        return [unit]
    sandbox = (*pytest, "tests/sandbox", "--part", chosen.part or "1/1", "--maxfail", str(MOST_FAILURES))
    side_by_side = ("-m", "not serial", "-n", str(chosen.hosts), "--no-loadscope-reorder")
    on_hosts = [
        Part(f"{chosen.hosts} hosts side by side", (*sandbox, *side_by_side, "--durations", "20"), on_hosts=True),
        Part("one at a time", (*sandbox, "-m", "serial"), on_hosts=True),
    ]
    return on_hosts if chosen.part else [unit, *on_hosts]


def _coverage(report: Path) -> list[str]:
    measured = (f"--cov={folder}" for folder in MEASURED)
    return [*measured, "--cov-branch", "--cov-report=term:skip-covered", f"--cov-report=json:{report}"]


def branches_taken(report: Path) -> dict[str, float]:
    """How many percent of each measured folder's branches the tests took; 0 without a report of them."""
    try:
        files = json.loads(report.read_text())["files"]
    except (OSError, ValueError, KeyError):
        files = {}
    taken = {}
    for folder in MEASURED:
        own = [each["summary"] for name, each in files.items() if f"{folder}/" in PurePath(name).as_posix()]
        there = sum(each["num_branches"] for each in own)
        taken[folder] = 100 * sum(each["covered_branches"] for each in own) / there if there else 0.0
    return taken


def untried(taken: Mapping[str, float]) -> list[str]:
    """The folders whose tests take too few branches."""
    return [folder for folder, percent in taken.items() if percent < BRANCHES_PERCENT]


def outcome(part: Part, code: int, seconds: float, counts: Path) -> Outcome:
    """Read what a part has written down; one that failed without a failed test counts as one."""
    try:
        told = json.loads(counts.read_text())
    except (OSError, ValueError):
        told = {}
    failed = told.get("failed", 0)
    if code not in {0, NOTHING_COLLECTED} and not failed:
        failed = 1
    return Outcome(part.title, code, seconds, told.get("passed", 0), failed, told.get("skipped", 0))


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """The first exit code that is a failure, that of an interruption first; 5 when no part had a test to run."""
    codes = [one.code for one in outcomes]
    failures = [*(one.code for one in outcomes if one.interrupted), *(code for code in codes if code)]
    failures = [code for code in failures if code != NOTHING_COLLECTED]
    if failures:
        return failures[0]
    return NOTHING_COLLECTED if all(code == NOTHING_COLLECTED for code in codes) else 0


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """One line for each part, and a last one for all, such as ``1850 passed, 0 failed, 2 skipped``."""
    width = max(len(one.title) for one in outcomes)
    lines = [f"{one.title:<{width}}  {one.seconds:6.1f} s  {_figures([one])}" for one in outcomes]
    total = sum(one.seconds for one in outcomes)
    return [*lines, f"{'in all':<{width}}  {total:6.1f} s", _figures(outcomes)]


def _figures(outcomes: Sequence[Outcome]) -> str:
    names = ("passed", "failed", "skipped")
    return ", ".join(f"{sum(getattr(one, name) for one in outcomes)} {name}" for name in names)
