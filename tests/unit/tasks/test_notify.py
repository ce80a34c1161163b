"""Which tasks tell webhooks how they ended, and that they tell nothing of what was not begun."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from invoke import Context

import behindy_ops
from behindy_ops.deploy import queue
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host import session as sessions
from behindy_ops.report.events import DeployFinished, DeployStarted
from behindy_ops.tasks import root
from tests.receiver import SECRET, Receiver
from tests.unit.tasks.test_ask import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.deploy.hooks import Hooks

TELLING: list[tuple[str, dict[str, Any], str]] = [
    ("deploy.all", {}, "deploy"),
    ("deploy.frontend", {"tag": "v2"}, "deploy"),
    ("deploy.rollback", {"service": "frontend"}, "rollback"),
    ("deploy.recover", {}, "recovery"),
    ("ops.restart", {"service": "frontend"}, "restart"),
    ("ops.doctor", {"notify": True}, "doctor"),
    ("ops.doctor", {"notify": True, "fix": True, "yes": True}, "doctor"),
]
SILENT: list[tuple[str, dict[str, Any]]] = [
    ("deploy.frontend", {"dry_run": True}),
    ("deploy.status", {}),
    ("ops.doctor", {}),
    ("ops.prune", {}),
    ("host.up", {"yes": True}),
]
UNREACHABLE = Kind.HOST_UNREACHABLE.exit_code


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A webhook that is set; the host cannot be reached."""

    def connect(*_: object, **__: object) -> NoReturn:
        raise Kind.HOST_UNREACHABLE("Nobody is there.")

    monkeypatch.setattr(sessions, "open_session", connect)
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    monkeypatch.setattr(sys, "argv", ["inv"])
    with Receiver() as made:
        for variable, value in {"HOST": "h", "ENV": "", "NOTIFY_URL": made.url, "NOTIFY_ON": "changes"}.items():
            monkeypatch.setenv(f"BEHINDY_{variable}", value)
        yield made


def run(name: str, options: dict[str, Any]) -> int:
    with pytest.raises(SystemExit) as ended:
        root()[name](Context(), **options)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(("name", "options", "task"), TELLING)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_replaces_or_recovers_a_service_tells_how_it_ended(
    name: str, options: dict[str, Any], task: str, as_json: bool, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(name, {**options, "json": as_json}) == UNREACHABLE
    ((told),) = receiver.told
    assert (told["task"], told["outcome"], told["exit_code"]) == (task, "failed", UNREACHABLE)
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err


@pytest.mark.parametrize(("name", "options"), SILENT)
def test_what_changes_nothing_or_is_about_no_release_tells_nothing(
    name: str, options: dict[str, Any], receiver: Receiver
) -> None:
    assert run(name, options) == UNREACHABLE
    assert receiver.told == []


def test_a_no_to_the_question_and_a_wrong_word_are_not_told(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHINDY_CONFIRM", "yes")
    assert run("deploy.frontend", {}) == Kind.INTERRUPTED.exit_code
    assert run("deploy.frontend", {"tag": "no tag"}) != UNREACHABLE
    assert run("deploy.rollback", {"service": "nobody"}) == Kind.USAGE.exit_code
    assert run("ops.doctor", {"service": "nobody", "notify": True}) == Kind.USAGE.exit_code
    assert receiver.told == []


@pytest.mark.parametrize("name", ["deploy.frontend", "ops.doctor"])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_could_not_be_told_is_one_line_and_the_exit_code_stays(
    name: str, as_json: bool, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.status = 404
    options = {"notify": True} if name == "ops.doctor" else {}
    assert run(name, {**options, "json": as_json}) == UNREACHABLE
    said = capsys.readouterr()
    sentence = "The webhook (json) was not told how this ended: it answered HTTP 404."
    assert (said.out + said.err).count(sentence) == 1
    if as_json and name != "ops.doctor":
        events = [json.loads(line) for line in said.out.splitlines()]
        assert {"event": "warning", "text": sentence}.items() <= events[0].items()


@pytest.mark.parametrize("url", ["", "none"])
def test_a_doctor_who_is_to_tell_nobody_says_so_before_he_looks(
    url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHINDY_NOTIFY_URL", url)
    assert run("ops.doctor", {"notify": True}) == Kind.SETTINGS.exit_code
    assert receiver.told == []


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy is live at once."""

    def deploy(*_: object, hooks: Hooks, **__: object) -> None:
        hooks.emit(DeployStarted("frontend", "v2", "h"))
        hooks.emit(DeployFinished("frontend", "live", 1.0, {"release": "r2"}))

    monkeypatch.setattr(queue, "deploy", deploy)


@pytest.mark.usefixtures("deployed")
def test_a_task_and_a_program_tell_what_happened_on_the_way(receiver: Receiver) -> None:
    root()["deploy.frontend"](Context(), tag="v2")
    behindy_ops.deploy("frontend", "v2")
    assert [told["services"][0]["release"] for told in receiver.told] == ["r2", "r2"]
    assert [told["outcome"] for told in receiver.told] == ["live", "live"]


def test_a_program_that_deploys_tells_it_too(receiver: Receiver) -> None:
    receiver.status = 500
    told: list[object] = []
    with pytest.raises(BehindyError, match="Nobody is there"):
        behindy_ops.deploy("frontend", "v2", tell=told.append)
    assert [(each["task"], each["error"]) for each in receiver.told] == [("deploy", "host unreachable")]
    assert ["HTTP 500" in str(event) for event in told] == [True]
