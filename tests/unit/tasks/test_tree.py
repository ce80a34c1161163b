"""The tasks as a whole: what is listed, and what listing them costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import invoke
import pytest
from invoke import Collection, Context, Task

import behindy_ops
from behindy_ops.errors import Kind
from behindy_ops.project.project import Project
from behindy_ops.tasks import root
from sandbox.tasks import add_to, quality
from tests.kinds import raises
from tests.sandbox.secret_values import TASKS

CHECKOUT = Path(quality.__file__).resolve().parents[2]

HEAVY = {"fabric", "paramiko", "rich", "aiohttp", "tenacity", "dotenv", "pydantic", "cryptography", "hypothesis"}
LIGHT = {f"behindy_ops.{name}" for name in ("errors", "project", "project.compose", "project.place", "project.project")}


def test_the_tasks_are_those_the_readme_lists() -> None:
    listed = set(add_to(root()).task_names)
    assert {"demo", "bench", "test", "lint", "deploy.all", "deploy.status", "host.trust"} <= listed
    assert {"deploy.llmserver", "deploy.backend", "deploy.frontend"} <= listed


def test_every_task_is_run_by_the_test_that_looks_for_values_of_the_host() -> None:
    assert list(TASKS) == sorted(root().task_names)


def test_a_service_is_deployed_by_its_key_or_its_containers_name(tmp_path: Path) -> None:
    named = "services:\n  web:\n    container_name: shop-web\n    x-deploy: {}\n"
    (tmp_path / "compose.yaml").write_text(named)
    tree = root(Project(tmp_path))
    assert tree["deploy.web"] is tree["deploy.shop-web"]
    assert tree.task_names["deploy.web"] == ["deploy.shop-web"]


def test_every_task_has_one_line_of_help() -> None:
    tree = add_to(root())
    for name in tree.task_names:
        lines = (tree[name].__doc__ or "").strip().splitlines()
        assert lines, f"{name} has no help"
        assert lines[0].endswith("."), f"{name}: {lines[0]}"


def test_listing_the_tasks_imports_nothing_heavy() -> None:
    script = "import sys, tasks; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    modules = set(said.stdout.split())
    assert "invoke" in modules
    assert not HEAVY & modules
    assert {name for name in modules if re.match(r"behindy_ops\.(?!tasks)", name)} == LIGHT


def test_a_broken_compose_file_takes_away_only_the_tasks_it_declares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHINDY_INV", "behindy-ops")
    listed = set(add_to(root(Project(tmp_path))).task_names)
    assert {"test", "deploy.all"} <= listed
    assert "deploy.frontend" not in listed
    said = capsys.readouterr().err
    assert "There is no compose" in said
    assert said.endswith("To make one: behindy-ops init\n")


def test_a_strategy_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        add_to(root())["deploy.frontend"](Context(), strategy="canary")
    assert ended.value.code == Kind.USAGE.exit_code


def test_one_process_has_the_tree_of_each_project_it_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  web:\n    image: acme/web\n    x-deploy: {port: 80}\n")
    trees: dict[Path, Collection] = {}
    for project in (CHECKOUT, tmp_path, CHECKOUT):
        monkeypatch.chdir(project)
        tree = behindy_ops.namespace
        assert trees.setdefault(project, tree) is tree  # what was added to it is in it the next time
    assert "deploy.frontend" in trees[CHECKOUT].task_names
    assert {"deploy.web"} == {name for name in trees[tmp_path].task_names if name.endswith(("web", "frontend"))}


def own(module: str, monkeypatch: pytest.MonkeyPatch, **declared: object) -> Collection:
    """What Invoke takes from a module in which this is declared."""
    made = ModuleType(module)
    vars(made).update(declared)
    monkeypatch.setitem(sys.modules, module, made)
    return Collection.from_module(made)


@invoke.task
def seed(_: Context) -> None:
    """Fill it."""


def test_tasks_beside_the_tree_are_in_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = root()
    tree.add_task(cast("Task[Any]", seed), name="fill")
    other = invoke.task(name="other")(lambda _: None)
    taken = own("own_tasks", monkeypatch, namespace=tree, seed=seed, other=other)
    assert {name for name in taken.task_names if "." not in name} == {"init", "completion", "fill", "other"}
    assert "deploy.frontend" in taken.task_names


def test_a_tree_of_the_projects_own_holds_what_it_was_given_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    tree, ours = Collection(), root()
    tree.add_collection(ours, name="ops")
    taken = own("own_tasks", monkeypatch, ns=tree, namespace=ours, seed=seed)
    assert "ops.deploy.frontend" in taken.task_names
    assert not {name for name in taken.task_names if name.endswith("seed")}


def test_a_task_with_the_name_of_a_group_of_ours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy = invoke.task(name="deploy")(lambda _: None)
    with raises(Kind.USAGE, match="own_tasks.py has a task 'deploy', and behindy-ops a group of that name"):
        own("own_tasks", monkeypatch, namespace=root(), deploy=deploy)
