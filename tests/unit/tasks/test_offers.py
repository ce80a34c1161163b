"""What a shell is offered, by where on the line somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.project.project import Project
from behindy_ops.tasks import root
from behindy_ops.tasks.offers import Line, Offers, offers, read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from invoke import Collection

SERVICES = ("frontend", "backend")
COMPOSE = "services:\n" + "".join(f"  {name}:\n    x-deploy: {{}}\n" for name in SERVICES)


@pytest.fixture
def tree(tmp_path: Path) -> Collection:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    return root(Project(tmp_path))


def values(kind: str, line: Line) -> Mapping[str, str]:
    asked = line.given.get("service") or line.task.removeprefix("deploy.")
    return {
        "service": dict.fromkeys(SERVICES, "service"),
        "tag": {f"v1-{asked}": "", f"v2-{asked}": "", "latest": ""},
        "release": {f"20260101-{asked}": "v1"},
        "env": {"staging": "", "sandbox": ""},
    }[kind]


def offered(tree: Collection, words: str) -> Offers:
    return offers(tree, words.split(" "), values)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("deploy.f", {"deploy.frontend"}),
        ("deploy.r", {"deploy.rollback", "deploy.releases", "deploy.recover"}),
        ("deploy.frontend --s", {"--strategy"}),
        ("deploy.frontend --wait-drain --w", {"--watch", "--wait"}),
        ("deploy.frontend --tag ", {"v1-frontend", "v2-frontend", "latest"}),
        ("deploy.frontend --tag=v2", {"--tag=v2-frontend"}),
        ("deploy.frontend v", {"v1-frontend", "v2-frontend"}),
        ("deploy.frontend -t v1", {"v1-frontend"}),
        ("deploy.frontend --strategy r", {"recreate"}),
        ("deploy.frontend --env s", {"staging", "sandbox"}),
        ("deploy.check ", {"frontend", "backend"}),
        ("deploy.check backend v1", {"v1-backend"}),
        ("deploy.check --service backend --tag v1", {"v1-backend"}),
        ("deploy.rollback ", {"frontend", "backend"}),
        ("deploy.rollback frontend --to ", {"20260101-frontend"}),
        ("deploy.rollback --to 2", {"20260101-deploy.rollback"} - {"20260101-deploy.rollback"} | {"20260101-rollback"}),
        ("deploy.history --json fr", {"frontend"}),
        ("host.setup --swarm --join u@h --j", {"--join"}),  # of which there may be several
        ("deploy.history --html --j", {"--json"}),
        ("deploy.history --html --json fr", {"frontend"}),
        ("deploy.history --html x.html fr", {"frontend"}),
        ("deploy.history frontend ops.d", {"ops.disk", "ops.doctor"}),
        ("ops.logs n", {"nginx"}),
        ("ops.logs nginx --", {"--follow", "--tail", "--since", "--grep", "--json", "--env"}),
        ("ops.restart n", set[str]()),
        ("--l", {"--list"}),
        ("completion ", {"bash", "zsh", "fish"}),
        ("deploy.frontend --nonesuch --dry", {"--dry-run"}),
    ],
)
def test_what_is_offered(tree: Collection, words: str, expected: set[str]) -> None:
    found = offered(tree, words)
    assert set(found.values) == expected
    assert not found.files


def test_alone_all_tasks_are_offered_with_a_line_on_each(tree: Collection) -> None:
    found = offered(tree, "").values
    assert set(found) == set(tree.task_names)
    assert all(found.values())


def test_behind_a_task_that_needs_no_more_its_options_are_offered(tree: Collection) -> None:
    assert set(offered(tree, "ops.mem ").values) == {"--watch", "--every", "--json", "--env"}


@pytest.mark.parametrize(
    "words",
    [
        "env.push ",
        "env.push --file x",
        "db.restore ",
        "db.backup --to ",
        "ops.exec backend -- l",
        "deploy.history --html ",
        "deploy.history --html=x",
    ],
)
def test_a_file_may_be_named(tree: Collection, words: str) -> None:
    assert offered(tree, words) == Offers(files=True)


@pytest.mark.parametrize(
    "words", ["deploy.frontend --wait ", "ops.logs frontend --grep x", "ops.logs --grep --f", "init --domain "]
)
def test_what_only_a_person_knows_is_not_guessed(tree: Collection, words: str) -> None:
    assert offered(tree, words) == Offers()


def test_where_a_line_has_come_to(tree: Collection) -> None:
    words = ["ops.mem", "--json", "deploy.rollback", "frontend", "--wait", "10m", "--env=staging", "--to"]
    assert read(tree, words) == Line(
        "deploy.rollback", {"service": "frontend", "wait": "10m", "env": "staging"}, waits="to"
    )
