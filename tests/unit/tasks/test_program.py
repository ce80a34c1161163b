"""The program: groups, what is under one, and the nearest names for a typo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import invoke
import pytest
from invoke import Collection, Context, task

import behindy_ops
from behindy_ops.tasks import root
from behindy_ops.tasks.program import Inv, group_lines, nearest, overview_lines
from sandbox.tasks.quality import CHECKOUT


@task(help={"tag": "which"})
def frontend(_: Context, tag: str = "") -> None:
    """Replace frontend."""


@task(positional=["service"])
def rollback(_: Context, service: str) -> None:
    """Go back."""


@task(positional=["service"], name="exec")
def exec_(_: Context, service: str) -> None:
    """Run what follows."""


@task
def push(_: Context, file: str = "") -> None:
    """Replace the host's .env."""


@task
def lint(_: Context) -> None:
    """Check."""


@pytest.fixture
def tree() -> Collection:
    deploy = Collection("deploy", frontend, rollback)
    deploy.__doc__ = "Deploy a service."
    return Collection(deploy, Collection("ops", exec_), Collection("env", push), lint)


def run(tree: Collection, *words: str) -> int | str | None:
    program = Inv("./inv")
    program.namespace = tree
    with pytest.raises(SystemExit) as end:
        program.run(["./inv", *words])
    return end.value.code


def test_alone_it_shows_the_groups_and_what_to_type_next(tree: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(tree)
    shown = capsys.readouterr().out
    assert shown.startswith("deploy   Deploy a service.\n         frontend rollback\nops      ")
    assert "\nothers\n         lint\n" in shown
    assert "./inv --help TASK" in shown


@pytest.mark.parametrize("words", [("deploy",), ("--help", "deploy")])
def test_a_group_shows_what_is_under_it(
    words: tuple[str, ...], tree: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not run(tree, *words)
    assert capsys.readouterr().out.splitlines() == [
        "deploy: Deploy a service.",
        "  deploy.frontend  Replace frontend.",
        "  deploy.rollback  Go back.",
    ]


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        ("deploy.fronted", "There is no task 'deploy.fronted'.", "Did you mean: deploy.frontend? See all tasks: ./inv"),
        ("fronted", "There is no task 'fronted'.", "Did you mean: deploy.frontend? See all tasks: ./inv"),
        ("--help lnit", "There is no task 'lnit'.", "Did you mean: lint? See all tasks: ./inv"),
        ("xyzzy", "There is no task 'xyzzy'.", "See all tasks: ./inv"),
        ("lint xyzzy", "There is no task 'xyzzy'.", "See all tasks: ./inv"),
        (
            "deploy.frontend --tga x",
            "deploy.frontend has no option '--tga'.",
            "Did you mean: --tag? See all its options: ./inv --help deploy.frontend",
        ),
        ("--lst", "inv has no option '--lst'.", "See all options: ./inv --help"),
        ("deploy.frontend --tag", "--tag needs a value.", "See all its options: ./inv --help deploy.frontend"),
        (
            "ops.exec frontend ls",
            "There is no task 'ls'.",
            "What it is to run stands behind --, such as: ./inv ops.exec SERVICE -- env",
        ),
        (
            "env.push nosuch{file}",
            "There is no task 'nosuch{file}', and no such file here.",
            "See all its options: ./inv --help env.push",
        ),
        ("deploy.rollback", "deploy.rollback needs SERVICE.", "See all its options: ./inv --help deploy.rollback"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_names(
    words: str, what: str, remedy: str, tree: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tree, *words.split()) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"What {what}" in said
    assert said.endswith(remedy)


def test_names_are_compared_in_whole_and_behind_the_dot() -> None:
    names = ["deploy.frontend", "deploy.backend", "deploy.recover", "ops.mem", "ops.env", "host.setup"]
    assert nearest("deploy.fronted", names) == ["deploy.frontend"]
    assert nearest("mem", names) == ["ops.mem"]
    assert nearest("host.mem", names) == ["ops.mem"]
    assert nearest("zzz", names) == []


def test_every_group_of_ours_says_in_one_line_what_it_is_for() -> None:
    tree = root()
    lines = overview_lines(tree)
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        *("deploy", "ops", "host", "env", "db", "lock", "others"),
    ]
    for group in tree.collections:
        assert all(len(line) <= 80 for line in [*lines, *group_lines(tree, group)])


def test_a_task_runs_as_under_invoke_itself(tree: Collection) -> None:
    program = Inv()
    program.namespace = tree
    program.run(["inv", "lint"], exit=False)


class Clone:
    """This checkout as a clone whose `inv` is called from elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "shop"
        (self.project / ".git").mkdir(parents=True)
        (self.project / "src").mkdir()
        (self.project / "compose.yaml").write_text("services: {web: {x-deploy: {}}}\n")
        self.neither = folder / "neither"
        (self.neither / ".git").mkdir(parents=True)

    def listed(self, caller: Path, **environ: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "behindy_ops.tasks.program", "--list"],
            cwd=CHECKOUT,
            env={"BEHINDY_CALLER": str(caller)} | environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_a_clone_works_for_the_project_it_is_called_in(clone: Clone) -> None:
    for said in (clone.listed(clone.project / "src"), clone.listed(clone.neither, BEHINDY_PROJECT="../shop")):
        assert "deploy.web" in said
        assert "sandbox.up" not in said


def test_a_clone_works_for_itself_where_there_is_no_other_project(clone: Clone) -> None:
    for said in (
        clone.listed(clone.neither),
        clone.listed(CHECKOUT / "docs"),
        clone.listed(clone.project, BEHINDY_PROJECT=str(CHECKOUT)),
        clone.listed(CHECKOUT / "docs", BEHINDY_PROJECT=".."),
    ):
        assert "deploy.frontend" in said
        assert "sandbox.up" in said


def test_the_version_is_the_packages_and_invokes(tree: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(tree, "--version")
    assert capsys.readouterr().out == f"behindy-ops {behindy_ops.__version__} (Invoke {invoke.__version__})\n"
