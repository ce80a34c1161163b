"""Who is told of an error that ends a task: people once, a program by one object."""

from __future__ import annotations

import json as json_
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from invoke import Context

from behindy_ops.deploy.engines import choice
from behindy_ops.deploy.hooks import Hooks
from behindy_ops.env import edit
from behindy_ops.errors import Kind, SwarmFound
from behindy_ops.host import session as sessions
from behindy_ops.project.project import Project
from behindy_ops.project.settings import Settings
from behindy_ops.tasks import root
from behindy_ops.tasks.client import Client, client
from behindy_ops.tasks.guard import guarded
from tests.kinds import raises
from tests.unit.tasks.test_ask import Terminal


@guarded
def body(json: bool = False) -> NoReturn:
    with client(services=False, json=json):
        raise Kind.DISK_FULL("Full.", remedy="Make room.")


@pytest.mark.parametrize("actions", ["", "true"])
@pytest.mark.parametrize("json", [False, True])
def test_an_error_is_told_once(
    json: bool, actions: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHINDY_HOST", "host.example")
    monkeypatch.setenv("GITHUB_ACTIONS", actions)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    with pytest.raises(SystemExit) as ended:
        body(json=json)
    assert ended.value.code == Kind.DISK_FULL.exit_code
    said = capsys.readouterr()
    if json:
        (line,) = said.out.splitlines()
        assert json_.loads(line)["what"] == "Full."
        assert said.err.count("What  Full.") == 1
    else:
        assert (said.out + said.err).count("What  Full.") == 1


def on(**settings: Any) -> Client:
    return Client(Project(Path("/nowhere")), Settings(host="h", **settings), [], lambda _: None)


@pytest.mark.parametrize(("environment", "place"), [("", "production (h)"), ("staging", "staging (h)")])
def test_a_change_is_asked_for_by_environment_and_host_where_the_setting_says_so(
    environment: str, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    on(environment=environment).confirm("Deploy web:v2", yes=False)
    with raises(Kind.INTERRUPTED):
        on(environment=environment, confirm=True).confirm("Deploy web:v2", yes=False)
    assert capsys.readouterr().err == f"Deploy web:v2 on {place}? [yes/no] "


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("deploy.all", {}),
    ("deploy.frontend", {}),
    ("deploy.rollback", {"service": "frontend"}),
    ("deploy.recover", {}),
    ("ops.restart", {"service": "frontend"}),
    ("ops.prune", {}),
    ("ops.network", {"fix": True}),
    ("ops.nginx", {"reload": True}),
    ("ops.exec", {"service": "backend"}),
    ("ops.run", {"service": "backend"}),
    ("lock.acquire", {"message": "x"}),
    ("lock.release", {}),
    ("deploy.maintenance", {"service": "frontend", "on": True}),
    ("deploy.maintenance", {"service": "frontend", "off": True}),
    ("host.up", {}),
    ("db.restore", {"backup": "x", "from_host": True}),
]


@pytest.mark.parametrize(("name", "options"), CHANGES)
@pytest.mark.parametrize("yes", [False, True])
def test_each_task_that_changes_a_host_without_a_question_of_its_own_asks_before_it_connects(
    name: str, options: dict[str, Any], yes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = []

    def connect(*_: object, **__: object) -> NoReturn:
        connected.append(name)
        raise Kind.HOST_UNREACHABLE("Nobody is there.")

    monkeypatch.setattr(sessions, "open_session", connect)
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    monkeypatch.setattr(sys, "argv", ["inv", name, "--", "env"])
    for variable, value in {"HOST": "h", "CONFIRM": "yes", "ENV": ""}.items():
        monkeypatch.setenv(f"BEHINDY_{variable}", value)
    with pytest.raises(SystemExit) as ended:
        root()[name](Context(), yes=yes, **options)
    assert ended.value.code == (Kind.HOST_UNREACHABLE if yes else Kind.INTERRUPTED).exit_code
    assert connected == [name] * yes


@pytest.mark.parametrize("confirm", [False, True])
def test_where_the_host_turns_out_to_manage_a_swarm_the_task_is_done_as_one_of_a_swarm(
    confirm: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engines, typed = [], Terminal("yes\nno\n" if confirm else "")

    def connect(_: Project, settings: Settings, *__: object, find: str) -> NoReturn:
        engines.append((settings.engine, find))
        raise Kind.HOST_UNREACHABLE("Away.") if settings.engine else SwarmFound("It is one.")

    monkeypatch.setattr(choice, "_found", set())
    monkeypatch.setattr(sessions, "open_session", connect)
    monkeypatch.setattr(sys, "stdin", typed)
    for variable, value in {"HOST": "h", "CONFIRM": "yes" if confirm else "", "ENV": ""}.items():
        monkeypatch.setenv(f"BEHINDY_{variable}", value)
    hook = tmp_path / "hooks" / "pre-deploy"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\necho x >> {tmp_path}/run\n")
    hook.chmod(0o755)
    monkeypatch.setattr(Hooks, "found", lambda _, name: hook if name == hook.name else None)
    with pytest.raises(SystemExit) as ended:
        root()["deploy.frontend"](Context())
    assert ended.value.code == Kind.HOST_UNREACHABLE.exit_code
    assert engines == [("", "behindy-ops_internal-swarm"), ("swarm", "")]
    said = capsys.readouterr()
    assert said.err.count("BEHINDY_ENGINE=swarm") == 1
    assert (said.out + said.err).count("[yes/no]") == confirm
    assert (tmp_path / "run").read_text() == "x\n"
    assert not choice.begun_before()


def test_a_value_that_was_typed_is_not_read_again_for_the_swarm(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def read_value(name: str) -> str:
        read.append(name)
        return "value"

    def connect(_: Project, settings: Settings, *__: object, **___: object) -> NoReturn:
        raise Kind.HOST_UNREACHABLE("Away.") if settings.engine else SwarmFound("It is one.")

    monkeypatch.setattr(choice, "_found", set())
    monkeypatch.setattr(sessions, "open_session", connect)
    monkeypatch.setattr(edit, "read_value", read_value)
    monkeypatch.setenv("BEHINDY_HOST", "h")
    with pytest.raises(SystemExit):
        root()["env.set"](Context(), name="JWT_SECRET")
    assert read == ["JWT_SECRET"]
