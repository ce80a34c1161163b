"""Facts for the tests of the views, as short as they can be."""

from __future__ import annotations

import re
from typing import Any

from rich.cells import cell_len

from behindy_ops.checks.check import Facts
from behindy_ops.facts.container import Container, Task
from behindy_ops.facts.image import Image
from behindy_ops.facts.release import Release
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service
from behindy_ops.report.text import Line
from behindy_ops.views.view import Seen
from tests.named import NETWORK

SERVICES = (
    Service("backend", "${BEHINDY_IMAGE_PREFIX:-behindy}/behindy-backend:latest", 8080, "/health", "/api/health", None),
    Service("frontend", "${BEHINDY_IMAGE_PREFIX:-behindy}/behindy-frontend:latest", 3000, "/", "/", None),
)
BESIDE = {"nginx": "nginx", "db": "postgres", "redis": "redis"}
NOW = 1_800_000_000.0
STARTED = "2027-01-15T07:00:00.123456789Z"
NEVER = "0001-01-01T00:00:00Z"


def container(name: str, **changes: Any) -> Container:
    usual: dict[str, Any] = {
        "id": name.encode().hex().ljust(64, "0")[:64],
        "image_id": f"sha256:{name}",
        "started": STARTED,
        "finished": NEVER,
        "addresses": {NETWORK: "10.0.0.1"},
    }
    return Container(**usual | {"name": name} | changes)


def image(identity: str, *names: str, created: str = "2027-01-01T00:00:00Z", size: int = 100) -> Image:
    tags = tuple(name for name in names if "@" not in name)
    return Image(f"sha256:{identity}", tags, tuple(name for name in names if "@" in name), created, size)


def release(service: str, number: int, identity: str, **changes: Any) -> Release:
    usual: dict[str, Any] = {"tag": f"v{number}", "digest": f"sha256:{number:064d}", "status": "stands"}
    return Release(
        **{"id": f"2027010{number}-000000-aaaa", "service": service, "repository": "", "image_id": f"sha256:{identity}"}
        | usual
        | changes
    )


def survey(*containers: Container, **changes: Any) -> Survey:
    usual: dict[str, Any] = {"docker": "26.1", "compose": "2.26", "tools": frozenset({"docker"}), "network": True}
    named = {one.name: one for one in containers}
    return Survey(**usual | {"containers": named, "now": NOW} | changes)


def seen(found: Survey, problems: dict[str, str] | None = None, /, **parts: str) -> Seen:
    sections = {name: text.splitlines() for name, text in parts.items()}
    facts = Facts(survey=found, services=SERVICES, image_prefix="me", beside=BESIDE)
    return Seen(sections, problems or {}, facts, "b.me", "ubuntu@b.me")


def text_of(lines: list[Line]) -> str:
    """The words of a view, whose lines are at most 80 cells wide."""
    assert all(cell_len(line.text) <= 80 for line in lines if not line.exact)
    return re.sub(r"\s+", " ", " ".join(line.text for line in lines))


def everybody(**changes: Container) -> list[Container]:
    names = ("backend", "frontend", "nginx", "postgres", "redis")
    usual = {name: container(name, addresses={NETWORK: f"10.0.0.{index}"}) for index, name in enumerate(names, 2)}
    usual["postgres"] = container("postgres", addresses={NETWORK: "10.0.0.5"}, aliases={NETWORK: ("db", "postgres")})
    return list((usual | changes).values())


def stopped(name: str, **changes: Any) -> Container:
    usual: dict[str, Any] = {"status": "exited", "running": False, "finished": STARTED, "addresses": {NETWORK: ""}}
    return container(name, **usual | changes)


def task(slot: int, node: str, **changes: Any) -> Task:
    usual: dict[str, Any] = {
        "id": f"t{slot}",
        "wanted": "running",
        "state": "running",
        "ready": True,
        "since": STARTED,
        "address": f"10.1.0.{slot}",
        "container": f"c{slot}".ljust(64, "0"),
        "here": node == "alpha",
    }
    return Task(**usual | {"slot": slot, "node": node} | changes)


def spread(name: str, *tasks: Task, replicas: int = 2, **changes: Any) -> Container:
    """What a swarm runs: usually a task on each of two nodes, neither of which was asked."""
    usual: dict[str, Any] = {"addresses": {}, "tasks": tasks or (task(1, "beta"), task(2, "gamma")), "memory": 400}
    return container(name, **usual | {"replicas": replicas} | changes)
