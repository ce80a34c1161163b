"""How the sandbox tests are spread: over the hosts of one machine, and over machines."""

from __future__ import annotations

import pytest
import yaml

from sandbox.tasks.quality import CHECKOUT
from tests.sandbox.schedule import SECONDS, Case, parse_part, parts, units


def cases(file: str, count: int, *, serial: bool = False) -> list[Case]:
    return [Case(f"tests/sandbox/{file}.py::{number}", serial) for number in range(count)]


MANY = [
    *cases("test_deploy", 5),
    *cases("test_host_setup", 9),
    *cases("test_small", 3),
    *cases("test_relay", 4, serial=True),
]


def test_tests_that_share_a_changed_host_stay_together_and_in_order() -> None:
    unit = next(unit for unit in units(MANY) if unit.name == "test_host_setup")
    assert [case.name for case in unit.cases] == [f"tests/sandbox/test_host_setup.py::{number}" for number in range(9)]


def test_a_short_file_is_one_unit_and_a_long_one_is_spread() -> None:
    names = [unit.name for unit in units(MANY)]
    assert "test_small" in names
    assert [name for name in names if "test_deploy" in name] == [f"tests/sandbox/test_deploy.py::{n}" for n in range(5)]


def test_the_longest_start_first() -> None:
    seconds = [unit.seconds for unit in units(MANY)]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[-1] < SECONDS["test_deploy"] < seconds[0]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_test_is_in_exactly_one_part(count: int) -> None:
    spread = parts(units(MANY), count)
    assert len(spread) == count
    names = [case.name for part in spread for unit in part for case in unit.cases]
    assert sorted(names) == sorted(case.name for case in MANY)


def test_parts_take_about_equally_long() -> None:
    long = [case for number in range(6) for case in cases(f"test_{number}", 7)]
    seconds = [sum(unit.seconds for unit in part) for part in parts(units(long), 3)]
    assert max(seconds) == min(seconds)


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1", "a/b", "1/2/3"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a part"):
        parse_part(text)
    assert parse_part("2/4") == (2, 4)


def test_the_parts_on_github_are_all_of_them() -> None:
    workflow = yaml.safe_load((CHECKOUT / ".github/workflows/ci.yml").read_text())
    named = workflow["jobs"]["sandbox"]["strategy"]["matrix"]["part"]
    assert [parse_part(part) for part in named] == [(number, len(named)) for number in range(1, len(named) + 1)]
