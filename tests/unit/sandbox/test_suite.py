"""A whole test run: its parts, how each ended, and the line that a reader of a log takes the figures from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.tasks import suite
from sandbox.tasks.suite import Chosen, Outcome, Part

GOOD = Outcome("unit", 0, 9.5, passed=1400)
SKIPPING = Outcome("hosts", 0, 400.0, passed=400, skipped=2)
BAD = Outcome("alone", 1, 60.0, passed=30, failed=2)
NOTHING = Outcome("nothing", suite.NOTHING_COLLECTED, 1.0)
STOPPED = Outcome("stopped", suite.INTERRUPTED, 1.0, failed=1)


def commands(**chosen: object) -> list[str]:
    return [" ".join(part.argv) for part in suite.parts(Chosen(**chosen))]  # type: ignore[arg-type]


def test_a_run_has_three_parts_and_every_test_is_in_one_of_them() -> None:
    unit, hosts, alone = commands()
    assert "tests/unit tests/simulator" in unit
    assert "tests/sandbox" in hosts
    assert "-m not serial" in hosts
    assert "-n 4 --no-loadscope-reorder" in hosts
    assert alone.endswith("-m serial")
    assert "tests/sandbox" in alone
    assert ["--maxfail 10" in part for part in (unit, hosts, alone)] == [False, True, True]


def test_a_person_can_ask_for_less() -> None:
    assert len(commands(unit=True)) == 1
    assert all("-k a or -b" in command for command in commands(expression="a or -b"))
    assert [command.count("--part 2/4") for command in commands(part="2/4")] == [1, 1]
    assert "-n 3" in commands(hosts=3)[1]


def test_coverage_is_measured_where_the_decisions_are() -> None:
    (unit,) = commands(unit=True, coverage=Path("report"))
    for room in ("deploy", "checks", "host"):
        assert f"--cov=behindy_ops/{room} " in unit
    assert "--cov-branch" in unit
    assert unit.endswith("--cov-report=json:report")
    assert "--cov" not in commands()[0]


def test_a_folder_whose_branches_are_not_taken_is_named(tmp_path: Path) -> None:
    report = tmp_path / "coverage.json"
    figures = {
        "deploy/plan.py": (20, 18),
        "deploy/steps/stop.py": (20, 20),
        "checks/disk.py": (100, 94),
        "hosts.py": (9, 9),
    }
    files = {
        f"behindy_ops/{name}": {"summary": {"num_branches": there, "covered_branches": taken}}
        for name, (there, taken) in figures.items()
    }
    report.write_text(json.dumps({"files": files}))
    taken = suite.branches_taken(report)
    assert taken == {"behindy_ops/deploy": 95.0, "behindy_ops/checks": 94.0, "behindy_ops/host": 0.0}
    assert suite.untried(taken) == ["behindy_ops/checks", "behindy_ops/host"]
    assert suite.untried(suite.branches_taken(tmp_path / "none")) == list(suite.MEASURED)


def test_the_last_line_sums_up_all_parts() -> None:
    *lines, last = suite.summary([GOOD, SKIPPING, BAD])
    assert last == "1830 passed, 2 failed, 2 skipped"
    assert lines[0] == "unit      9.5 s  1400 passed, 0 failed, 0 skipped"
    assert lines[-1] == "in all   469.5 s"


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([GOOD, SKIPPING], 0),
        ([GOOD, NOTHING], 0),
        ([NOTHING, NOTHING], suite.NOTHING_COLLECTED),
        ([GOOD, BAD], 1),
        ([BAD, STOPPED], suite.INTERRUPTED),
    ],
)
def test_the_exit_code_is_that_of_what_went_wrong(outcomes: list[Outcome], code: int) -> None:
    assert suite.exit_code(outcomes) == code


def test_what_a_part_wrote_down_is_read(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    counts.write_text(json.dumps({"passed": 7, "failed": 0, "skipped": 1}))
    assert suite.outcome(Part("p", ()), 0, 1.0, counts) == Outcome("p", 0, 1.0, passed=7, skipped=1)
    assert suite.outcome(Part("p", ()), 3, 1.0, counts).failed == 1


def test_a_part_that_wrote_nothing_has_failed_unless_it_ended_well(tmp_path: Path) -> None:
    assert suite.outcome(Part("p", ()), 4, 1.0, tmp_path / "none").failed == 1
    assert suite.outcome(Part("p", ()), suite.NOTHING_COLLECTED, 1.0, tmp_path / "none").failed == 0
