"""The READMEs, in both languages: complete, and about nothing that does not exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project import settings
from behindy_ops.project.compose import deployable_names
from behindy_ops.project.services import _HEALTH_KEYS, KEYS
from behindy_ops.tasks import root
from behindy_ops.tasks.options import ENV
from sandbox.tasks import add_to
from sandbox.tasks.quality import CHECKOUT

READMES = ("README.md", "README.ko.md")
EXAMPLE = "deploy.search"
"""The service that "Adding a service" adds."""
OF_ANOTHER = "deploy.web"
"""Of a project of one's own."""

SERVICES = deployable_names(CHECKOUT / "compose" / "docker-compose.yml")
OPTIONS = {
    name: sorted(
        max(argument.names, key=len).replace("_", "-")
        for argument in add_to(root())[name].get_arguments()
        if argument.name != ENV  # which so many have that it is told once
    )
    for name in add_to(root()).task_names
}
pytestmark = pytest.mark.parametrize("readme", READMES)


@cache
def text_of(readme: str) -> str:
    return Path(CHECKOUT, readme).read_text(encoding="utf-8")


@cache
def rows_of(readme: str) -> list[list[str]]:
    """The cells of every table row."""
    lines = (line for line in text_of(readme).splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def row(readme: str, first: str) -> list[str]:
    """The only row whose first cell is this."""
    (found,) = (cells for cells in rows_of(readme) if cells[0] == first)
    return found


def code_blocks(readme: str) -> list[str]:
    """What is to be typed or copied; not what is shown."""
    return re.findall(r"^```(?:sh|yaml|nginx)\n(.*?)^```", text_of(readme), re.MULTILINE | re.DOTALL)


def without_code(readme: str) -> str:
    return re.sub(r"^```.*?^```", "", text_of(readme), flags=re.MULTILINE | re.DOTALL)


def test_it_opens_with_the_two_commands(readme: str) -> None:
    commands = [line.partition("#")[0].strip() for line in code_blocks(readme)[0].splitlines()]
    assert commands[1:] == ["./inv demo", "./inv test"]
    assert text_of(readme).index("```") < 40


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.INTERRUPTED])
def test_every_exit_code_has_its_row(readme: str, kind: Kind) -> None:
    assert row(readme, str(kind.exit_code))[1] == kind.title


def test_the_exit_codes_of_signals_have_theirs(readme: str) -> None:
    assert row(readme, "129, 130, 143")[1] == Kind.INTERRUPTED.title


def test_no_exit_code_is_made_up(readme: str) -> None:
    told = {int(cells[0]) for cells in rows_of(readme) if cells[0].isdigit()}
    assert told == {kind.exit_code for kind in Kind} - {Kind.INTERRUPTED.exit_code}


@pytest.mark.parametrize("name", add_to(root()).task_names)
def test_every_task_has_its_row_with_all_its_options(readme: str, name: str) -> None:
    service = name.removeprefix("deploy.")
    cells = row(readme, "`deploy.SERVICE`" if service in SERVICES else f"`{name}`")
    told = " ".join(cells[1:])
    missing = [option for option in OPTIONS[name] if not re.search(rf"`-{'-' if option[1:] else ''}{option}[ `]", told)]
    assert not missing, f"{name}: {missing}"


def test_the_option_of_every_task_with_a_host_is_told_once(readme: str) -> None:
    assert without_code(readme).count(f"`--{ENV} NAME`") == 1


def test_no_task_is_made_up(readme: str) -> None:
    said = set(re.findall(r"\binv ([a-z]+(?:\.[a-z]+)?)\b", text_of(readme)))
    assert said <= {*add_to(root()).task_names, EXAMPLE, OF_ANOTHER}


def test_no_option_is_made_up(readme: str) -> None:
    for cells in rows_of(readme):
        name = cells[0].strip("`")
        if name in OPTIONS:
            assert set(re.findall(r"`--([a-z-]+)", cells[-1])) <= set(OPTIONS[name]), name


@pytest.mark.parametrize("name", [*settings.NAMES, "BEHINDY_ENV"])
def test_every_setting_has_its_row(readme: str, name: str) -> None:
    assert row(readme, f"`{name}`")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_x_deploy_has_its_row(readme: str, key: str) -> None:
    told = " ".join(row(readme, f"`{key}`")[1:])
    if key == "health":
        assert all(f"`{inner}`" in told for inner in _HEALTH_KEYS)


def test_links_lead_somewhere(readme: str) -> None:
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", without_code(readme), re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text_of(readme)):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (CHECKOUT / target.partition("#")[0]).is_file(), target


def test_both_languages_have_the_same_sections_tables_and_commands(readme: str) -> None:
    def outline(name: str) -> list[int]:
        return [len(marks) for marks in re.findall(r"^(#+) ", without_code(name), re.MULTILINE)]

    def commands(name: str) -> list[str]:
        return [line.partition(" #")[0].rstrip() for block in code_blocks(name) for line in block.splitlines()]

    assert outline(readme) == outline(READMES[0])
    assert [cells[0] for cells in rows_of(readme) if "`" in cells[0]] == [
        cells[0] for cells in rows_of(READMES[0]) if "`" in cells[0]
    ]
    assert len(rows_of(readme)) == len(rows_of(READMES[0]))
    assert commands(readme) == commands(READMES[0])
