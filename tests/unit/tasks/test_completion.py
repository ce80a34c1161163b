"""What TAB is answered: the values that there are of a kind, of this project and of the host that is meant."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from behindy_ops.project.project import Project
from behindy_ops.tasks import completion, root
from behindy_ops.tasks.completion import answer
from behindy_ops.tasks.remembered import place

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = """\
services:
  frontend:
    x-deploy: {}
  backend:
    container_name: api
    x-deploy: {}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the environments "staging" and none, of each of which all is known."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    for name in (".env.example", ".env.staging"):
        (tmp_path / name).write_text("BEHINDY_HOST=h.example\n")
    made = Project(tmp_path)
    monkeypatch.setenv("BEHINDY_PROJECT", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("BEHINDY_ENV", "BEHINDY_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(completion, "TREE", [root(made)])
    for environment in ("", "staging"):
        about = {
            name: {"tag": {f"{environment}{name}-v1": "x"}, "release": {f"{environment}{name}-1": "v1"}}
            for name in ("frontend", "api")
        }
        file = place(made, {"BEHINDY_ENV": environment, "XDG_CACHE_HOME": str(tmp_path / "cache")})
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"at": time.time() + 3600, "services": about}))
    return made


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("deploy.frontend --tag ", ["frontend-v1"]),
        ("deploy.backend --tag ", ["api-v1"]),  # by its container
        ("deploy.frontend --env staging --tag ", ["stagingfrontend-v1"]),
        ("deploy.rollback frontend --env=staging --to ", ["stagingfrontend-1"]),
        ("deploy.all --tag ", ["frontend-v1", "api-v1"]),
        ("deploy.check --tag ", ["frontend-v1", "api-v1"]),
        ("deploy.check backend --tag ", ["api-v1"]),
        ("ops.ps --env ", ["staging"]),
    ],
)
def test_what_there_is_of_a_kind(words: str, expected: list[str]) -> None:
    assert [line.partition("\t")[0] for line in answer(words.split(" "))] == expected
