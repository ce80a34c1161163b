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
NOT_TYPED = {
    "Certificates": "Let's Encrypt",
    "The machine": "systemd",
    "Values": "a copy of .env that a host has had before",
    "A scheduled job": "a timer",
    "A swarm": "a swarm",
}
"""Recipes that no test types on the sandbox's host, and what they need that it does not have."""
HANDY = re.compile(r"\[[^]]+\]\(#[^)]+\)")
"""A link to a recipe by hand."""
pages = pytest.mark.parametrize("name", PAGES)


def row(name: str, first: str) -> list[str]:
    """The only row of a table that begins so."""
    (found,) = (cells for cells in rows(page(name)) if cells[0] == first)
    return found


@pages
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.INTERRUPTED])
def test_every_exit_code_has_its_row(name: str, kind: Kind) -> None:
    cells = row(name, f"{kind.exit_code} {kind.title}")
    assert cells[1]
    assert cells[3]


@pages
def test_so_have_success_and_the_signals(name: str) -> None:
    assert row(name, "0")
    assert row(name, f"129, 130, 143 {Kind.INTERRUPTED.title}")


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


def test_each_recipe_is_typed_on_a_host_or_said_not_to_be() -> None:
    part = page(ENGLISH).partition("\n## By hand on the host\n")[2].partition("\n## ")[0]
    titles = re.findall(r"^### (.+)$", part, re.MULTILINE)
    assert len(titles) > 15
    typed = {title for title in titles if f'recipe("{title}")' in BY_HAND}
    assert typed | NOT_TYPED.keys() == set(titles)
    assert not typed & NOT_TYPED.keys()
