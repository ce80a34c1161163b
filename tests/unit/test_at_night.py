"""The page for the night: every exit code and every problem is on it, and what it has people type exists."""

from __future__ import annotations

import re

import pytest

from behindy_ops.checks.check import Problem
from behindy_ops.errors import Kind
from tests.unit.checks.test_rules import PROBLEMS, remedy
from tests.unit.commands import anchors, blocks, headings, page, rows, unknown

ENGLISH, KOREAN = PAGES = ("docs/at-night.md", "docs/ko/at-night.md")
BY_HAND = page("tests/sandbox/test_by_hand.py")
NOTHING = {ENGLISH: "nothing to do there", KOREAN: "호스트에서 할 일 없음"}
"""What stands in place of a recipe where the host has nothing to do with it."""
HANDY = re.compile(r"\[[^]]+\]\(#[^)]+\)")
"""A link to a recipe by hand."""
LEFT_OUT = re.compile(r"\]\(#([^)]+)\) (\d(?:, \d)*)")
"""A link to a recipe, and the numbers of its blocks."""
pages = pytest.mark.parametrize("name", PAGES)


def section(name: str, number: int) -> str:
    """What stands below a heading of the second level; both pages have the same ones."""
    return re.split(r"^## .+\n", page(name), flags=re.MULTILINE)[number]


def row(name: str, first: str) -> list[str]:
    """The only row of a table that begins so."""
    (found,) = (cells for cells in rows(page(name)) if cells[0] == first)
    return found


@pages
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.INTERRUPTED])
def test_every_exit_code_has_its_row(name: str, kind: Kind) -> None:
    assert row(name, f"{kind.exit_code} {kind.title}")


@pages
def test_so_have_success_and_the_signals(name: str) -> None:
    assert row(name, "0")
    assert row(name, f"129, 130, 143 {Kind.INTERRUPTED.title}")


@pages
@pytest.mark.parametrize(("number", "least"), [(2, 14), (3, len(Kind) + 1)], ids=["what users see", "exit codes"])
def test_each_row_says_all_down_to_what_is_done_by_hand(name: str, number: int, least: int) -> None:
    _, _, *table = rows(section(name, number))
    assert len(table) >= least
    for cells in table:
        assert all(cells), cells
        assert HANDY.search(cells[4]) or cells[4] == NOTHING[name], cells


@pages
def test_no_exit_code_is_made_up(name: str) -> None:
    told = {int(found[0]) for cells in rows(page(name)) if (found := re.findall(r"^(\d{1,2}) [a-z ]+$", cells[0]))}
    assert told == {kind.exit_code for kind in Kind} - {Kind.INTERRUPTED.exit_code}


@pages
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_problem_has_its_row_with_all_that_its_remedy_says(name: str, problem: Problem) -> None:
    cells = row(name, f"`{problem.name}`")
    assert all(cells)
    assert HANDY.search(cells[4])
    typed = re.compile(r"\binv ([a-z]+\.[a-z]+)")
    assert set(typed.findall(remedy(problem))) <= set(typed.findall(" ".join(cells)))


@pages
def test_what_is_to_be_typed_exists(name: str) -> None:
    assert unknown(page(name)) == []


@pages
def test_its_own_links_lead_to_its_headings(name: str) -> None:
    inside = re.findall(r"\]\(#([^)]+)\)", page(name))
    assert len(inside) > 100
    assert set(inside) <= anchors(page(name))


def test_both_languages_have_the_same_headings_tables_and_commands() -> None:
    english, korean = map(page, PAGES)
    assert [level for level, _ in headings(korean)] == [level for level, _ in headings(english)]
    assert len(rows(korean)) == len(rows(english))
    assert [cells[0] for cells in rows(korean) if "`" in cells[0]] == [
        cells[0] for cells in rows(english) if "`" in cells[0]
    ]
    assert blocks(korean) == blocks(english)


def recipes(name: str) -> list[tuple[str, int]]:
    """The recipes by hand: the title of each, and how many blocks it has."""
    parts = re.split(r"^### ", section(name, 5), flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], len(blocks(part))) for part in parts]


@pages
def test_the_page_says_which_blocks_no_test_types(name: str) -> None:
    every = {(title, f"{number + 1}") for title, count in recipes(ENGLISH) for number in range(count)}
    assert len(every) > 40
    typed = re.findall(r'(without_sudo\()?block\("([^"]+)", (\d)\)', BY_HAND)
    whole = {(title, number) for partly, title, number in typed if not partly}
    in_part = {(title, number) for partly, title, number in typed if partly} - whole
    assert whole | in_part <= every

    titles = {
        next(iter(anchors(f"## {own}"))): title
        for (own, _), (title, _) in zip(recipes(name), recipes(ENGLISH), strict=True)
    }
    items = re.findall(r"^- .*\n(?:  .*\n)*", section(name, 5).partition("\n### ")[0], re.MULTILINE)
    said = [
        {(titles[anchor], number) for anchor, numbers in LEFT_OUT.findall(item) for number in numbers.split(", ")}
        for item in items
    ]
    assert said == [every - whole - in_part, in_part]
