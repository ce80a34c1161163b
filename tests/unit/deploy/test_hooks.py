"""A project's own programs on this machine: what they are given, and how they end."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from behindy_ops.deploy.hooks import Hooks
from behindy_ops.errors import Kind
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Event, Logs, StepDone, StepFailed, StepProgress, StepStarted, Warning_
from tests.kinds import raises
from tests.unit.deploy.states import SERVICE

SETTINGS = replace(Settings(), host="there", registry_token=Secret("t0ken"))


@pytest.fixture
def events() -> list[Event]:
    return []


def hooks(folder: Path, events: list[Event], text: str, name: str = "pre-deploy", *, limit: float = 60) -> Hooks:
    file = folder / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "OWN": "mine", "BEHINDY_ENV": "staging"}
    return Hooks(folder / "hooks", SETTINGS, events.append, environ, limit)


def said(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, StepProgress)]


def test_it_runs_in_the_projects_folder_with_what_this_is_about_and_no_secret(
    tmp_path: Path, events: list[Event]
) -> None:
    hooks(tmp_path, events, "pwd; env | grep -E 'BEHINDY|OWN' | sort; env | grep -c t0ken").after(SERVICE, "v2", "r2")
    assert not events  # there is no such hook
    hooks(tmp_path, events, "pwd; env | grep -E 'BEHINDY|OWN' | sort; env | grep -c t0ken", "post-deploy").after(
        SERVICE, "v2", "r2"
    )
    assert said(events)[0] == str(tmp_path)
    assert said(events)[1:] == [
        *("BEHINDY_ENV=staging", "BEHINDY_HOST=there", "BEHINDY_RELEASE=r2", "BEHINDY_SERVICE=web", "BEHINDY_TAG=v2"),
        *("OWN=mine", "0"),
    ]


def test_one_that_ends_well_is_a_step(tmp_path: Path, events: list[Event]) -> None:
    hooks(tmp_path, events, "echo fine; echo too >&2").before(SERVICE, "v2")
    assert isinstance(events[0], StepStarted)
    assert events[0].title == "Run hooks/pre-deploy for web on this machine"
    assert isinstance(events[-2], StepDone)
    assert said(events) == ["fine", "too"]
    assert events[-1] == Logs("hooks/pre-deploy wrote", ("fine", "too"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("exit 3", "exit code 3"),
        ("kill -9 $$", "killed by a signal"),
        ("sleep 60 & sleep 60", "it took longer than 0.5 s and was ended"),
    ],
)
def test_one_that_fails_refuses_the_deploy(tmp_path: Path, events: list[Event], text: str, why: str) -> None:
    with raises(Kind.RELEASE_REFUSED) as caught:
        hooks(tmp_path, events, text, limit=0.5 if "sleep" in text else 60).before(SERVICE, "v2")
    assert caught.value.what == f"hooks/pre-deploy failed for web: {why}."
    assert isinstance(events[-1], StepFailed)


def test_what_it_said_last_is_in_the_error(tmp_path: Path, events: list[Event]) -> None:
    with raises(Kind.RELEASE_REFUSED) as caught:
        hooks(tmp_path, events, "seq 20; exit 1").before(SERVICE, "v2")
    assert caught.value.lines == tuple(map(str, range(11, 21)))


def test_one_after_a_deploy_that_fails_is_a_warning(tmp_path: Path, events: list[Event]) -> None:
    hooks(tmp_path, events, "exit 3", "post-deploy").after(SERVICE, "v2", "r2")
    assert events[-1] == Warning_(
        "hooks/post-deploy failed for web: exit code 3. The release of web is live and stays."
    )


def test_one_that_is_not_executable_is_told_instead_of_passed_over(tmp_path: Path, events: list[Event]) -> None:
    of_project = hooks(tmp_path, events, "")
    (tmp_path / "hooks" / "pre-deploy").chmod(0o644)
    with raises(Kind.USAGE, match="not executable"):
        of_project.before(SERVICE, "v2")


def test_one_that_cannot_be_started_says_why(tmp_path: Path, events: list[Event]) -> None:
    of_project = hooks(tmp_path, events, "")
    (tmp_path / "hooks" / "pre-deploy").write_text("#!/no/such/shell\n")
    with raises(Kind.RELEASE_REFUSED, match="it cannot be started \\(No such file or directory\\)"):
        of_project.before(SERVICE, "v2")
