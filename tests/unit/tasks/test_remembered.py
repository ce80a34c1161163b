"""What is kept of a host for a shell: asked seldom, waited for shortly, and without anything secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from behindy_ops.facts.image import Image
from behindy_ops.facts.release import Release
from behindy_ops.facts.survey import Survey
from behindy_ops.project.project import Project
from behindy_ops.project.services import Service
from behindy_ops.tasks import remembered
from behindy_ops.tasks.remembered import STARTED, ask, known, place, values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB = Service("web", "ghcr.io/acme/web", 80, "/up", "/up", "/up")
COMPOSE = "name: shop\nservices:\n  web:\n    image: ghcr.io/acme/web\n    x-deploy: {port: 80}\n"


def release(number: int, tag: str) -> Release:
    return Release(f"2026010{number}-000000", "web", "ghcr.io/acme/web", tag, "sha256:d", "sha256:i", status="stands")


def test_tags_and_releases_are_those_of_the_service_the_newest_first() -> None:
    images = (
        Image("a", ("ghcr.io/acme/web:v3", "ghcr.io/acme/other:v9"), ("ghcr.io/acme/web@sha256:d",)),
        Image("b", ("ghcr.io/acme/web:v1",)),
    )
    survey = Survey(images=images, releases=(release(1, "v1"), release(2, "v2")))
    found = values(survey, [WEB], "")["web"]
    assert set(found["tag"]) == {"v1", "v2", "v3"}
    assert found["tag"]["v3"] == "image on the host"
    assert list(found["release"]) == ["20260102-000000", "20260101-000000", "v2", "v1"]
    assert found["release"]["20260102-000000"] == "v2, stands"


def test_what_a_shell_would_act_on_is_never_offered() -> None:
    bad = ("$(reboot)", "v1;reboot", "-rf", "a b", "\x1b[31mv1", "")
    images = (Image("a", tuple(f"ghcr.io/acme/web:{tag}" for tag in (*bad, "v1.2-3"))),)
    releases = (*(release(number, tag) for number, tag in enumerate(bad)), release(9, "v9"))
    found = values(Survey(images=images, releases=releases), [WEB], "")["web"]
    assert set(found["tag"]) == {"v1.2-3", "v9"}
    assert set(found["release"]) == {"20260109-000000", "v9"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / ".git").mkdir()
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    return Project(tmp_path)


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    for process in STARTED:
        process.kill()
        process.wait()
    STARTED.clear()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A client whose host does not answer: nothing listens at that port."""
    away = {"BEHINDY_HOST": "127.0.0.1", "BEHINDY_PORT": "1", "BEHINDY_DOMAIN": "shop.example"}
    return {**os.environ, **away, "XDG_CACHE_HOME": str(tmp_path / "cache"), "BEHINDY_ENV": ""}


def keep(project: Project, environ: dict[str, str], age: float) -> None:
    file = place(project, environ)
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {"at": time.time() - age, "services": {"web": {"tag": {"v1": ""}, "release": {}}}}
    file.write_text(json.dumps(kept))


def test_what_is_fresh_is_taken_as_it_is(
    project: Project, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(project, environ, age=5)
    monkeypatch.setattr(subprocess, "Popen", None)  # nothing is started
    assert known(project, environ)["web"]["tag"] == {"v1": ""}


def test_a_host_that_does_not_answer_costs_the_wait_once_and_not_what_was_known(
    project: Project, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(project, environ, age=3600)
    monkeypatch.setattr(remembered, "PATIENCE", 60.0)  # of this test, for a busy machine
    assert known(project, environ)["web"]["tag"] == {"v1": ""}
    kept = json.loads(place(project, environ).read_text())
    assert time.time() - kept["at"] < 60
    monkeypatch.setattr(subprocess, "Popen", None)
    assert known(project, environ)["web"]["tag"] == {"v1": ""}


def test_a_host_that_is_slow_is_not_waited_for(
    project: Project, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    monkeypatch.setattr(remembered, "PATIENCE", 0.1)
    assert known(project, environ) == {}
    assert STARTED[-1].poll() is None
    assert os.getsid(STARTED[-1].pid) != os.getsid(0)  # nothing in it can ask on the terminal


def test_who_asks_imports_nothing_of_the_folder_around(
    project: Project, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    around = tmp_path / "around"
    around.mkdir()
    (around / "json.py").write_text("open('imported', 'w')\nfrom marshal import *\n")
    monkeypatch.chdir(around)
    monkeypatch.setattr(remembered, "PATIENCE", 60.0)
    assert known(project, environ) == {}
    assert STARTED[-1].poll() == 0
    assert place(project, environ).exists()
    assert [each.name for each in around.iterdir()] == ["json.py"]


def test_who_asks_ends_by_itself_where_a_host_never_answers(environ: dict[str, str], tmp_path: Path) -> None:
    script = (
        "import pathlib, signal, sys; from behindy_ops.tasks import remembered; remembered.LONGEST = 1;"
        "remembered._look = signal.pause; remembered.main(pathlib.Path(sys.argv[1]))"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "kept" / "x.json")]
    done = subprocess.run(argv, env=environ, timeout=60, check=False)
    assert done.returncode == -signal.SIGALRM
    assert [each.name for each in (tmp_path / "kept").iterdir()] == ["x.json"]


def test_what_is_kept_is_for_its_owner_alone(
    project: Project, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BEHINDY_HOST", "BEHINDY_PORT", "BEHINDY_DOMAIN", "BEHINDY_ENV"):
        monkeypatch.setenv(name, environ[name])
    monkeypatch.setenv("BEHINDY_PROJECT", str(project.root))
    file = place(project, environ)
    ask(file)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_each_project_environment_and_host_has_its_own(project: Project, environ: dict[str, str]) -> None:
    others = [environ, environ | {"BEHINDY_ENV": "staging"}, environ | {"BEHINDY_HOST": "other"}]
    assert len({place(project, each) for each in others} | {place(Project(project.root.parent), environ)}) == 4


@pytest.mark.parametrize("text", ["", "[]", "{", "nonsense"])
def test_what_was_kept_and_cannot_be_read_is_asked_again(
    text: str, project: Project, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place(project, environ)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    monkeypatch.setattr(remembered, "PATIENCE", 60.0)
    assert known(project, environ) == {}
    assert json.loads(file.read_text())["services"] == {}
