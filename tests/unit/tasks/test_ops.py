"""``ops.*`` as tasks: what cannot be done is told before any setting is read or anything is connected."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from invoke import Context

from behindy_ops.errors import Kind, RemoteCommandFailed
from behindy_ops.project.settings import Settings
from behindy_ops.report.text import Line
from behindy_ops.tasks import root
from behindy_ops.tasks.show import present

USAGE, SETTINGS = Kind.USAGE.exit_code, Kind.SETTINGS.exit_code


@pytest.mark.parametrize(
    ("words", "options", "code"),
    [
        ("ops.exec backend", {"service": "backend"}, USAGE),
        ("ops.exec backend --", {"service": "backend"}, USAGE),
        ("ops.exec nobody -- env", {"service": "nobody"}, USAGE),
        ("ops.exec backend -- env", {"service": "backend"}, SETTINGS),
        ("ops.run backend", {"service": "backend"}, USAGE),
        ("ops.run nginx -- env", {"service": "nginx"}, USAGE),
        ("ops.run backend -- env", {"service": "backend"}, SETTINGS),
        ("ops.logs nobody", {"service": "nobody"}, USAGE),
        ("ops.logs backend --tail ten", {"service": "backend", "tail": "ten"}, USAGE),
        ("ops.logs db", {"service": "db"}, SETTINGS),
        ("ops.env nginx", {"service": "nginx"}, USAGE),
        ("ops.prune --wait soon", {"wait": "soon"}, USAGE),
        ("ops.stats --watch --every never", {"watch": True, "every": "never"}, USAGE),
        ("ops.mem", {}, SETTINGS),
    ],
)
def test_wrong_usage_comes_before_the_settings(
    words: str, options: dict[str, Any], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
    monkeypatch.setenv("BEHINDY_HOST", "")
    with pytest.raises(SystemExit) as ended:
        root()[words.split(maxsplit=1)[0]](Context(), **options)
    assert ended.value.code == code


def test_a_view_is_lines_for_people_or_one_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    lines, data = [Line("two"), Line("lines")], {"view": "x", "name": "한글"}
    present(lines, data, json=False)
    assert capsys.readouterr().out == "two\nlines\n"
    present(lines, data, json=True)
    said = capsys.readouterr().out
    assert said.isascii()
    assert json.loads(said) == data


def test_a_view_names_the_environment_if_one_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    staging = Settings(host="h", environment="staging")
    present([Line("shown")], {"view": "x"}, json=False, settings=staging)
    assert capsys.readouterr().out == "staging (h)\nshown\n"
    present([Line("shown")], {"view": "x"}, json=True, settings=staging)
    assert json.loads(capsys.readouterr().out) == {"environment": "staging", "view": "x"}
    present([Line("shown")], {"view": "x"}, json=False, settings=Settings(host="h"))
    assert capsys.readouterr().out == "shown\n"


def test_a_list_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    present([], [{"a": 1}, {"a": 2}], json=True)
    assert capsys.readouterr().out == '{"a": 1}\n{"a": 2}\n'
    present([], [], json=True)
    assert capsys.readouterr().out == ""


ENDED = {"error": "remote_command_failed", "what": "kept", "state": "", "remedy": "", "exit_code": 60}


def test_what_is_wrong_ends_the_task_after_the_view_was_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        present([Line("shown")], {}, RemoteCommandFailed("kept"), json=False)
    assert ended.value.code == Kind.REMOTE_COMMAND_FAILED.exit_code
    said = capsys.readouterr()
    assert said.out == "shown\n"
    assert "kept" in said.err


@pytest.mark.parametrize("told", [False, True])
def test_what_is_wrong_is_in_the_object_for_programs(told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        present([], {"view": "x"}, RemoteCommandFailed("kept"), json=True, told=told)
    assert ended.value.code == Kind.REMOTE_COMMAND_FAILED.exit_code
    said = capsys.readouterr()
    assert json.loads(said.out) == {"view": "x", **ENDED}
    assert ("kept" in said.err) is not told


def test_what_is_wrong_is_the_last_object_of_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        present([], [{"a": 1}], RemoteCommandFailed("kept"), json=True)
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"a": 1}
    assert ENDED.items() <= last.items()
