"""Which folder is the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.compose import COMPOSE_FILES
from behindy_ops.project.place import compose_file, find, has_our_tasks, pyproject
from behindy_ops.project.project import Project
from tests.kinds import raises

OURS = "from behindy_ops import namespace\n"


def write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository within a folder that has a compose file of its own."""
    write(tmp_path / "compose.yaml")
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    (folder / "a" / "b").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_it_is_where_a_compose_file_is_of_any_name(repository: Path, name: Path) -> None:
    file = write(repository / "a" / name)
    assert find(repository / "a" / "b", {}) == repository / "a"
    assert Project.find(repository / "a" / "b").compose_file == file


def test_of_several_compose_files_the_first_name_is_meant(repository: Path) -> None:
    assert compose_file(repository) == repository / COMPOSE_FILES[0]
    for name in reversed(COMPOSE_FILES):
        file = write(repository / name)
        assert compose_file(repository) == file


def test_the_nearest_folder_wins_and_nothing_above_the_repository_counts(repository: Path) -> None:
    assert find(repository / "a" / "b", {}) is None
    write(repository / "compose.yml")
    assert find(repository / "a" / "b", {}) == repository
    write(repository / "a" / "tasks.py", OURS)
    assert find(repository / "a" / "b", {}) == repository / "a"


def test_a_tasks_file_of_something_else_is_no_sign(repository: Path) -> None:
    write(repository / "a" / "tasks.py", "from celery import shared_task\n")
    write(repository / "tasks.py", OURS)
    assert find(repository / "a", {}) == repository
    assert (has_our_tasks(repository), has_our_tasks(repository / "a")) == (True, False)


def test_a_folder_called_compose_alone_is_no_sign(repository: Path) -> None:
    write(repository / "a" / "compose" / "README.md")
    assert find(repository / "a", {}) is None


def test_the_variable_wins_over_the_setting_and_that_over_the_search(repository: Path) -> None:
    write(repository / "a" / "compose.yml")
    for name in ("one", "two"):
        (repository / name).mkdir()
    write(repository / "pyproject.toml", '[tool.behindy-ops]\nproject = "one"\n')
    assert find(repository / "a", {"BEHINDY_PROJECT": ""}) == repository / "one"
    assert find(repository / "a", {"BEHINDY_PROJECT": "../two"}) == repository / "two"
    assert find(repository / "a", {"BEHINDY_PROJECT": str(repository)}) == repository


def test_a_pyproject_without_the_setting_is_passed_over(repository: Path) -> None:
    write(repository / "a" / "pyproject.toml", '[tool.behindy-ops]\nother = "x"\n[tool.ruff]\n')
    write(repository / "pyproject.toml", 'tool.behindy-ops.project = "a"\n')
    assert find(repository / "a" / "b", {}) == repository / "a"


@pytest.mark.parametrize(
    "text", ['[tool."behindy-ops"]\nx = 1', "[tool]\nbehindy-ops = {x = 1}", "tool.behindy-ops.x = 1"]
)
def test_the_table_is_found_however_it_is_written(repository: Path, text: str) -> None:
    assert pyproject(write(repository / "pyproject.toml", text)) == {"x": 1}


@pytest.mark.parametrize("text", ["", '[project]\nname = "behindy-ops"\n', "[tool.ruff]\n", "not TOML"])
def test_any_other_file_has_no_table(repository: Path, text: str) -> None:
    assert pyproject(write(repository / "pyproject.toml", text)) == {}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[tool.behindy-ops]\nproject = 1", "tool.behindy-ops.project: '1' is not a folder"),
        ('[tool.behindy-ops]\nproject = "nowhere"', "project: 'nowhere' is not a folder"),
        ('[tool.behindy-ops]\nproject = ""', "project: '' is not a folder"),
        ("[tool.behindy-ops]\nproject =", "cannot be read: Invalid value"),
        ("[tool]\nbehindy-ops = 1", "is not a table"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_file(repository: Path, text: str, what: str) -> None:
    write(repository / "pyproject.toml", text)
    with raises(Kind.SETTINGS, match=what) as raised:
        find(repository, {})
    assert str(repository / "pyproject.toml") in raised.value.what


def test_a_variable_that_names_no_folder_is_refused(repository: Path) -> None:
    file = write(repository / "file")
    for named in ("nowhere", str(file)):
        with raises(Kind.SETTINGS, match="BEHINDY_PROJECT: .* is not a folder"):
            find(repository, {"BEHINDY_PROJECT": named})
