"""Which word behind a task is a service or a file, and how long a duration is."""

from __future__ import annotations

import sys

import pytest
from invoke import Context
from invoke.parser import Parser

from behindy_ops.errors import Kind
from behindy_ops.tasks import root
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
    assert [argument.positional for argument in task()(history).get_arguments()] == [named]


def test_such_a_service_is_what_the_task_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ("deploy.history frontend --json", "deploy.history --json", "deploy.history -j --service frontend"):
        monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
        (parsed,) = Parser(contexts=add_to(root()).to_contexts()).parse_argv(words.split())
        given = "frontend" if "frontend" in words else ""
        assert parsed.as_kwargs == {"service": given, "json": True}


def test_an_option_that_several_tasks_have_says_the_same_in_each_unless_it_means_something_else() -> None:
    @task(help={"yes": "do not ask, even now"})
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
    assert [argument.positional for argument in task()(push).get_arguments()] == [named]


def test_what_is_no_duration_is_told_with_its_option() -> None:
    assert (duration("watch", ""), duration("watch", "1m"), waiting("")) == (None, 60.0, 0.0)
    with raises(Kind.USAGE, match="--watch 'soon': not a duration"):
        duration("watch", "soon")
