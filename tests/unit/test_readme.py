"""The READMEs, in both languages: short, in the order in which one needs it, and about nothing that does not exist."""

from __future__ import annotations

import re

import pytest

from behindy_ops.errors import Kind
from tests.sandbox.test_host_setup import TWICE
from tests.unit.pages import CHECKOUT, READMES, blocks, headings, in_korean, links, tables, text_of, to_be_typed

LINES = 250
"""What is more belongs into docs/."""

SECTIONS = ("the two commands", "a real host in five steps", "every day", "when something is wrong", "documents")

pytestmark = pytest.mark.parametrize("readme", READMES)


def section(readme: str, number: int) -> str:
    """The text of one of the sections, counted from 0."""
    return re.split(r"^## .+$", text_of(readme), flags=re.MULTILINE)[number + 1]


def test_it_is_short(readme: str) -> None:
    assert len(text_of(readme).splitlines()) <= LINES


def test_it_opens_with_the_two_commands(readme: str) -> None:
    _, block = blocks(readme)[0]
    commands = [line.partition("#")[0].strip() for line in block.splitlines()]
    assert commands[1:] == ["./inv demo", "./inv test"]
    assert text_of(readme).index("```") < 40


def test_it_has_the_sections_of_a_first_page_and_no_others(readme: str) -> None:
    titles = [title.lower() for level, title in headings(readme) if level > 1]
    assert len(titles) == len(SECTIONS)
    assert readme != READMES[0] or tuple(titles) == SECTIONS


def test_its_picture_is_there_for_both_colour_schemes(readme: str) -> None:
    (picture,) = re.findall(r"<picture>.*?</picture>", text_of(readme), re.DOTALL)
    (dark,) = re.findall(r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">', picture)
    ((light, told),) = re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]+)"', picture)
    assert (CHECKOUT / dark).is_file()
    assert (CHECKOUT / light).is_file()
    assert light == dark.replace("-dark", "-light")
    assert "web-green" in told


def test_a_real_host_takes_five_steps_each_with_its_commands(readme: str) -> None:
    steps = re.split(r"^\*\*(\d)\. ", section(readme, 1), flags=re.MULTILINE)
    assert steps[1::2] == ["1", "2", "3", "4", "5"]
    assert all("```sh\n" in step for step in steps[2::2])


def test_the_five_steps_are_what_makes_a_bare_machine_a_host_in_the_sandbox(readme: str) -> None:
    typed = re.findall(r"^\./inv (\S+)", re.sub(r".*--dry-run.*", "", section(readme, 1)), re.MULTILINE)
    assert [task for task in typed if task != "host.check"] == [task for task in TWICE if task != "host.check"]


def test_ten_commands_are_for_every_day(readme: str) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", section(readme, 2), re.DOTALL)
    commands = [line.partition(" #") for line in block.splitlines()]
    assert len({command.split()[1] for command, _, _ in commands}) == len(commands) == 10
    assert all(why.strip() for _, _, why in commands)


def test_what_one_sees_leads_to_what_one_types(readme: str) -> None:
    (table,) = tables(readme)
    assert len(table[0]) == 2
    for seen, typed in table[1:]:
        assert re.search(r"`(?:inv [a-z]|--[a-z])", typed), seen


def test_exit_codes_stand_beside_their_titles(readme: str) -> None:
    (table,) = tables(readme)
    told = [(title, int(code)) for row in table for title, code in re.findall(r"`([a-z ]+)` \((\d+)\)", row[0])]
    assert len(told) > 10
    known = {(kind.title, kind.exit_code) for kind in Kind}
    assert [entry for entry in told if entry not in known] == []


def test_it_leads_to_the_index_and_to_the_other_language(readme: str) -> None:
    index = "docs/README.md" if readme == READMES[0] else in_korean("docs/README.md")
    (other,) = set(READMES) - {readme}
    assert {index, other} <= set(links(readme))


def test_both_languages_have_the_same_commands(readme: str) -> None:
    assert list(to_be_typed(readme)) == list(to_be_typed(READMES[0]))
