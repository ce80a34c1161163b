"""A deploy's state to begin tests with, and answers of the host."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.state import State, begin
from behindy_ops.facts.container import Container
from behindy_ops.facts.image import Image
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, Result
from behindy_ops.project.services import Service
from behindy_ops.project.settings import Settings

__all__ = ["GREEN", "LIVE", "SERVICE", "answer", "described", "state_of"]

SETTINGS = Settings(domain="behindy.me")
SERVICE = Service("web", "me/web:latest", 3000, "/", "/", "/")
LIVE = Container("old", "web", image_id="sha256:1", labels={"behindy.release": "r1", "behindy.tag": "v1"})
GREEN = Container("new", "web-green", image_id="sha256:2", restart_policy="always")


def state_of(goal: Goal | None = None, *, live: Container | None = LIVE, **changes: Any) -> State:
    """A deploy of v2 over v1, whose candidate runs; ``changes`` are fields of the state."""
    containers = {"web": live} if live else {}
    survey = Survey(containers=containers, files={"rehearsal/header": "600"}, now=1_700_000_000.0, uptime=1000.0)
    begun = begin(SERVICE, goal or Goal(tag="v2"), SETTINGS, survey, release_id="r2", created="2026-01-31")
    known = {"green": GREEN, "image": Image("sha256:2", ("me/web:v2",)), "now": datetime(2026, 1, 31, tzinfo=UTC)}
    return replace(begun, **{**known, **changes})


def answer(out: str = "", *, code: int = 0, err: str = "", title: str = "do it") -> Result:
    """How a command ended."""
    return Result(Command(("bash", "-c"), title), code, out, err, 0.1)


def described(**changes: Any) -> str:
    """A container's line as the template prints it."""
    fields: dict[str, Any] = {
        "id": "new", "name": "/web-green", "created": "2026-01-31T00:00:00Z", "image_id": "sha256:2", "image": "me/web",
        "labels": {}, "status": "running", "running": True, "restarting": False, "oom": False, "exit": 0,
        "started": "2026-01-31T00:00:00Z", "finished": "0001-01-01T00:00:00Z", "restarts": 0, "health": "",
        "memory": 0, "restart": "no", "ports": {}, "networks": {}, "env": ["PATH", "SECRET"],
    }  # fmt: skip
    return json.dumps(fields | changes)
