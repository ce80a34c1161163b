"""Every check of the preflight: what it finds, how serious that is, what it says to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Check, Level, first_refusal, forced
from behindy_ops.checks.docker import NEEDED_TOOLS
from behindy_ops.errors import STILL_RUNNING, Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.survey import Stanza, Survey
from behindy_ops.project.services import Service
from behindy_ops.project.settings import Settings
from tests.named import NETWORK

MB = 2**20
BACKEND = Service(
    "backend", "me/behindy-backend:latest", 8080, "/h", "/api/h", "/api/h", required_env=("DB_PASS", "JWT_SECRET")
)
NGINX = Container("n", "nginx", memory=64 * MB, addresses={NETWORK: "10.0.0.2"})
LIVE = Container("b", "backend", memory=400 * MB, addresses={NETWORK: "10.0.0.3"})
GOOD = Survey(
    docker="26.1.5+dfsg1",
    compose="2.26.1-4",
    tools=frozenset({"docker", *NEEDED_TOOLS}),
    containers={"nginx": NGINX, "backend": LIVE},
    network=True,
    files={
        "compose/docker-compose.yml": "644",
        "nginx/nginx.conf": "644",
        ".env": "600",
        "rehearsal/header": "600",
    },
    environment={"DB_PASS": True, "JWT_SECRET": True},
    config={"backend": "c0ffee"},
    stanzas={"backend": Stanza(limit=400 * MB)},
    memory={"MemTotal": 2048 * MB, "MemAvailable": 900 * MB, "SwapTotal": 2048 * MB, "SwapFree": 2048 * MB},
    disk=(8000 * MB, 4000 * MB),
    usage={"b": 300 * MB},
    skew=0.4,
)


def examine(survey: Survey) -> dict[str, Check]:
    return {check.name: check for check in preflight.examine(survey, BACKEND, Settings())}


def test_a_host_that_is_ready_has_every_check_ok() -> None:
    checks = preflight.examine(GOOD, BACKEND, Settings())
    assert [(check.name, check.found) for check in checks if check.level is not Level.OK] == []
    assert [check.name for check in checks] == [
        "docker", "compose", "tools", "files", "environment", "network", "nginx", "nginx configuration", "compose file",
        "aliases", "ports", "limit", "limits", "memory", "disk", "rehearsal", "clock",
    ]  # fmt: skip
    assert first_refusal(checks) is None


def nginx(**changes: object) -> Survey:
    return replace(GOOD, containers=GOOD.containers | {"nginx": replace(NGINX, **changes)})  # type: ignore[arg-type]


def without_file(name: str) -> Survey:
    return replace(GOOD, files={file: facts for file, facts in GOOD.files.items() if file != name})


REFUSED: dict[str, tuple[Survey, str, Kind, str]] = {
    "no docker": (replace(GOOD, tools=frozenset()), "docker", Kind.HOST_NOT_READY, "not installed"),
    "not in the group": (
        replace(GOOD, docker="", problems={"versions": "Permission denied while trying"}),
        "docker", Kind.HOST_NOT_READY, "may not use Docker",
    ),
    "engine down": (replace(GOOD, docker=""), "docker", Kind.HOST_NOT_READY, "not responding"),
    "old engine": (replace(GOOD, docker="19.03.8"), "docker", Kind.HOST_NOT_READY, "too old"),
    "no compose": (replace(GOOD, compose=""), "compose", Kind.HOST_NOT_READY, "not installed"),
    "old compose": (replace(GOOD, compose="v2.18.1"), "compose", Kind.HOST_NOT_READY, "too old"),
    "no flock": (replace(GOOD, tools=GOOD.tools - {"flock"}), "tools", Kind.HOST_NOT_READY, "lacks flock"),
    "no compose file": (without_file("compose/docker-compose.yml"), "files", Kind.FILES_MISSING, "docker-compose.yml"),
    "no .env": (without_file(".env"), "environment", Kind.ENVIRONMENT_FILE_MISSING, "no behindy-ops/.env"),
    "an empty value": (
        replace(GOOD, environment={"DB_PASS": False}), "environment", Kind.ENVIRONMENT_FILE_MISSING,
        "DB_PASS, JWT_SECRET",
    ),
    "no network": (replace(GOOD, network=False), "network", Kind.NETWORK_MISSING, NETWORK),
    "no nginx": (replace(GOOD, containers={"backend": LIVE}), "nginx", Kind.NGINX_NOT_READY, "no nginx container"),
    "nginx stopped": (nginx(running=False, status="exited"), "nginx", Kind.NGINX_NOT_READY, "not running"),
    "nginx elsewhere": (nginx(addresses={}), "nginx", Kind.NGINX_NOT_READY, "not on the network"),
    "nginx's files are broken": (
        replace(GOOD, problems={"nginx_": 'nginx: [emerg] unexpected "}"'}),
        "nginx configuration", Kind.NGINX_NOT_READY, "not valid",
    ),
    "broken compose file": (replace(GOOD, config={}), "compose file", Kind.COMPOSE_INVALID, "does not declare backend"),
    "an alias": (
        replace(GOOD, containers=GOOD.containers | {"backend": replace(LIVE, aliases={NETWORK: ("backend-green",)})}),
        "aliases", Kind.HOST_NOT_READY, "DNS alias",
    ),
    "a published port": (
        replace(GOOD, stanzas={"backend": Stanza(limit=400 * MB, ports=("8080",))}),
        "ports", Kind.COMPOSE_INVALID, "publishes port 8080",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("survey", "name", "error", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_a_deploy_impossible_is_refused_by_its_own_name(
    survey: Survey, name: str, error: Kind, words: str
) -> None:
    check = examine(survey)[name]
    assert (check.level, check.problem and check.problem.kind) == (Level.REFUSAL, error)
    assert words in check.found
    assert check.remedy
    problem = first_refusal(forced(preflight.examine(survey, BACKEND, Settings())))
    assert problem is not None
    assert problem.kind is error
    assert problem.state == STILL_RUNNING


def test_without_docker_nothing_else_is_looked_at() -> None:
    assert list(examine(replace(GOOD, docker="", containers={}, network=False))) == ["docker"]


WARNED: dict[str, tuple[Survey, str, str]] = {
    "others can read .env": (replace(GOOD, files=GOOD.files | {".env": "644"}), "environment", "mode 644"),
    "no token": (without_file("rehearsal/header"), "rehearsal", "no rehearsal token"),
    "no limit": (replace(GOOD, stanzas={"backend": Stanza()}), "limit", "no memory limit"),
    "a limit of 2 GB on a host of 2 GB": (
        replace(GOOD, stanzas={"backend": Stanza(limit=2048 * MB)}), "limit", "2048 MB on a host of 2048 MB",
    ),
    "a container without a limit": (nginx(memory=0), "limit", "nginx has no memory limit"),
    "more promised than there is": (
        replace(GOOD, memory=GOOD.memory | {"MemTotal": 700 * MB, "SwapTotal": 100 * MB}),
        "limits", "make 864 MB, the host has 700 MB and 100 MB swap",
    ),
    "a clock ahead": (replace(GOOD, skew=6.0), "clock", "6 s ahead of ours"),
    "a clock behind": (replace(GOOD, skew=-3600.0), "clock", "3600 s behind ours"),
    "little memory": (replace(GOOD, memory=GOOD.memory | {"MemAvailable": 20 * MB}), "memory", "with the help of swap"),
}  # fmt: skip


@pytest.mark.parametrize(("survey", "name", "words"), WARNED.values(), ids=WARNED.keys())
def test_what_is_risky_is_a_warning_with_its_figure(survey: Survey, name: str, words: str) -> None:
    check = examine(survey)[name]
    assert check.level is Level.WARNING
    assert words in check.found
    assert check.remedy
    assert first_refusal(preflight.examine(survey, BACKEND, Settings())) is None


def test_a_worker_needs_no_nginx_no_public_name_and_no_rehearsal() -> None:
    worker = Service("backend", "me/behindy-backend:latest", required_env=("DB_PASS", "JWT_SECRET"))
    files = {name: mode for name, mode in GOOD.files.items() if name != "rehearsal/header"}
    found = replace(GOOD, containers={"backend": LIVE}, files=files, misled=(7, ()))
    assert first_refusal(preflight.examine(found, BACKEND, Settings())) is not None
    checks = preflight.examine(found, worker, Settings())
    assert [check.found for check in checks if check.problem] == []
