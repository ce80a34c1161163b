"""A host that is ready for a deploy of backend, as a survey sees it."""

from __future__ import annotations

from dataclasses import replace

from behindy_ops.checks.docker import NEEDED_TOOLS
from behindy_ops.facts.container import Container
from behindy_ops.facts.survey import Stanza, Survey
from behindy_ops.project.services import Service
from tests.named import NETWORK

__all__ = ["BACKEND", "GREEN", "MIB", "PATHS", "SURVEY"]

MIB = 2**20
BACKEND = Service("backend", "me/behindy-backend", 8080, "/h", "/api/h", "/api/h", required_env=("DB_PASS",))
PATHS = ("compose/docker-compose.yml", "nginx/nginx.conf", "rehearsal/header", ".env")
SURVEY = Survey(
    docker="26.1",
    compose="2.26",
    tools=frozenset({"docker", *NEEDED_TOOLS}),
    containers={
        name: Container(name, name, memory=100 * MIB, addresses={NETWORK: f"10.0.0.{number}"})
        for number, name in enumerate(("nginx", "backend"), 2)
    },
    network=True,
    files=dict.fromkeys(PATHS, "600"),
    environment={"DB_PASS": True},
    config={"backend": "c0ffee"},
    stanzas={"backend": Stanza(limit=400 * MIB)},
    memory={"MemTotal": 1900 * MIB, "MemAvailable": 900 * MIB, "SwapTotal": 2048 * MIB, "SwapFree": 2048 * MIB},
    disk=(8000 * MIB, 4000 * MIB),
    skew=0.0,
)
GREEN = replace(SURVEY.containers["backend"], name="backend-green")
