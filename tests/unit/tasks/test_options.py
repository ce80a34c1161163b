"""Which word behind a task is a service or a file, and how long a duration is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from invoke import Config, Context
from invoke.parser import Parser

from behindy_ops.errors import Kind
from behindy_ops.project.project import Project
from behindy_ops.tasks import options, root
from behindy_ops.tasks.options import duration, task, waiting
from sandbox.tasks import add_to
from tests.kinds import raises


def push(_: Context, file: str = "") -> None:
    """Push."""


def history(_: Context, service: str = "") -> None:
    """Show."""


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("deploy.history frontend", True),
        ("deploy.history frontend --json", True),
        ("-e deploy.history frontend lock.status", True),
        ("deploy.history", False),
        ("deploy.history --json", False),
        ("deploy.history --service frontend", False),
        ("deploy.history lock.status", False),
        ("deploy.recover frontend", False),
    ],
)
def test_a_service_may_be_named_right_behind_a_task_that_needs_none(
    words: str, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
    assert [argument.positional for argument in task(hostless=True)(history).get_arguments()] == [named]


def test_such_a_service_is_what_the_task_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ("deploy.history frontend --json", "deploy.history --json", "deploy.history -j --service frontend"):
        monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
        (parsed,) = Parser(contexts=add_to(root()).to_contexts()).parse_argv(words.split())
        given = "frontend" if "frontend" in words else ""
        assert parsed.as_kwargs == {"service": given, "html": None, "json": True, "env": ""}


@pytest.mark.parametrize(("words", "html"), [("--html", True), ("--html page.html", "page.html"), ("", None)])
def test_a_page_may_be_asked_for_with_and_without_a_file(
    words: str, html: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"deploy.history frontend {words}"
    monkeypatch.setattr(sys, "argv", ["inv", *line.split()])
    (parsed,) = Parser(contexts=add_to(root()).to_contexts()).parse_argv(line.split())
    assert parsed.as_kwargs["html"] == html


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("deploy.frontend v2", {"tag": "v2"}),
        ("deploy.frontend v1.2.3 --json", {"tag": "v1.2.3"}),
        ("deploy.frontend --tag v2", {"tag": "v2"}),
        ("deploy.frontend --json", {"tag": "latest"}),
        ("deploy.all main.abc", {"tag": "main.abc"}),
        ("deploy.check frontend v2", {"service": "frontend", "tag": "v2"}),
        ("deploy.check frontend", {"service": "frontend", "tag": "latest"}),
        ("deploy.check --tag v2", {"service": "", "tag": "v2"}),
    ],
)
def test_a_tag_may_stand_bare(words: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
    (parsed,) = Parser(contexts=add_to(root()).to_contexts()).parse_argv(words.split())
    assert {name: parsed.as_kwargs[name] for name in given} == given


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        ("deploy.frontend deploy.backend", ["latest", "latest"]),
        ("deploy.frontend v2 deploy.backend v3", ["v2", "v3"]),
        ("deploy.backend deploy.frontend v2", ["latest", "v2"]),
        ("deploy.frontend lint", ["latest", None]),
    ],
)
def test_the_next_task_is_no_tag(words: str, tags: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
    tree = add_to(root())
    monkeypatch.setattr(options, "KNOWN", set(tree.task_names))
    parsed = Parser(contexts=tree.to_contexts()).parse_argv(words.split())
    assert [one.as_kwargs.get("tag") for one in parsed] == tags


def test_an_option_that_several_tasks_have_says_the_same_in_each_unless_it_means_something_else() -> None:
    @task(hostless=True, help={"yes": "do not ask, even now"})
    def body(_: Context, service: str = "", yes: bool = False, json: bool = False) -> None:
        raise Kind.USAGE(f"{service}{yes}{json}")

    told = {argument.name: argument.help for argument in body.get_arguments()}
    assert told == {"service": "only this one", "yes": "do not ask, even now", "json": "print JSON instead of text"}
    with pytest.raises(SystemExit) as ended:
        body(Context())
    assert ended.value.code == Kind.USAGE.exit_code


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("env.push host.env", True),
        ("env.push .env.host", True),
        ("env.push ../other", True),
        ("env.push --yes", False),
        ("env.push", False),
        ("env.push env.check", False),
        ("env.push tasks.py", True),
    ],
)
def test_a_file_may_be_named_right_behind_a_task_that_needs_none(
    words: str, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
    assert [argument.positional for argument in task(hostless=True)(push).get_arguments()] == [named]


def test_what_is_no_duration_is_told_with_its_option() -> None:
    assert (duration("watch", ""), duration("watch", "1m"), waiting("")) == (None, 60.0, 0.0)
    with raises(Kind.USAGE, match="--watch 'soon': not a duration"):
        duration("watch", "soon")


def test_invokes_own_dry_is_refused_since_it_holds_nothing_back_on_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []

    def replace(_: Context, tag: str = "") -> None:
        """Replace."""
        ran.append(tag)

    made = task(hostless=True)(replace)
    with pytest.raises(SystemExit) as end:
        made(Context(Config(overrides={"run": {"dry": True}})), tag="v1")
    assert (end.value.code, ran) == (2, [])
    assert "--dry-run" in capsys.readouterr().err
    made(Context(), tag="v2")
    assert ran == ["v2"]


def test_h_asks_for_help_behind_every_task() -> None:
    tree = root()
    for name in tree.task_names:
        assert not [each for each in tree[name].get_arguments() if "h" in each.names], name


def test_env_chooses_the_environment_for_this_task_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @task()
    def look(_: Context, json: bool = False) -> None:
        seen.append((os.environ.get("BEHINDY_ENV"), json))

    monkeypatch.delenv("BEHINDY_ENV", raising=False)
    look(Context(), json=True, env="staging")
    look(Context())
    monkeypatch.setenv("BEHINDY_ENV", "other")
    look(Context(), env="staging")
    look(Context(), env="")
    assert seen == [("staging", True), (None, False), ("staging", False), ("other", False)]
    assert os.environ["BEHINDY_ENV"] == "other"


def test_every_task_that_talks_to_a_host_takes_env() -> None:
    tree = root()
    without = [n for n in tree.task_names if "env" not in {each.name for each in tree[n].get_arguments()}]
    assert without == ["init", "completion", "host.keygen"]


def test_env_reaches_the_settings_and_never_another_environments_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("BEHINDY_HOST=prod\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env.staging").write_text("BEHINDY_DOMAIN=stage.example\n")
    for name in ("BEHINDY_HOST", "BEHINDY_ENV"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        root(Project(tmp_path))["lock.status"](Context(), env="staging")
    assert ended.value.code == Kind.SETTINGS.exit_code
    assert "BEHINDY_HOST: staging names no host of its own" in capsys.readouterr().err
