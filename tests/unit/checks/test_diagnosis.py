"""The doctor's rules: each problem by its name, from facts, with what --fix would do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks import memory
from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Level
from behindy_ops.checks.diagnosis import diagnose
from behindy_ops.checks.docker import NEEDED_TOOLS
from behindy_ops.facts.container import Container
from behindy_ops.facts.survey import Stanza, Survey
from behindy_ops.facts.upstream import Answer, Upstream
from behindy_ops.project.services import Service
from tests.named import NETWORK
from tests.unit.ops_facts import BESIDE, SERVICES, container, everybody, image, release, stopped, survey

MB = 2**20
GOOD = Answer(200, 0.1)
FILES = dict.fromkeys((".env", "compose/docker-compose.yml", "nginx/nginx.conf", "rehearsal/header"), "600")
ADDRESSES = {"backend": "10.0.0.2", "frontend": "10.0.0.3"}


def upstream(name: str, direct: Answer = GOOD, public: Answer = GOOD, **changes: object) -> Upstream:
    usual = Upstream(name, (ADDRESSES[name],), ADDRESSES[name], direct, public, f"https://behindy.me/{name}")
    return replace(usual, **changes)  # type: ignore[arg-type]


def limited(one: Container) -> Container:
    return replace(one, memory=100 * MB)


def host(*containers: Container, **changes: object) -> Survey:
    usual: dict[str, object] = {
        "memory": {"MemTotal": 2048 * MB, "MemAvailable": 900 * MB, "SwapTotal": 2048 * MB},
        "disk": (8000 * MB, 4000 * MB),
        "files": FILES,
        "tools": frozenset({"docker", *NEEDED_TOOLS}),
        "config": {"backend": "c0ffee", "frontend": "c0ffee"},
        "stanzas": {"backend": Stanza(limit=400 * MB), "frontend": Stanza(limit=400 * MB)},
        "skew": 0.2,
    }
    return survey(*map(limited, containers or everybody()), **usual | changes)


def facts(
    found: Survey | None = None,
    *upstreams: Upstream,
    services: tuple[Service, ...] = SERVICES,
    **changes: object,
) -> Facts:
    found = found or host()
    asked = {one.service: one for one in (upstream("backend"), upstream("frontend"), *upstreams)}
    usual = Facts(survey=found, services=services, image_prefix="me", beside=BESIDE, upstreams=tuple(asked.values()))
    return replace(usual, **changes)  # type: ignore[arg-type]


def found(given: Facts) -> dict[tuple[str, str], Check]:
    return {(check.subject, name(check)): check for check in diagnose(given)}


def only(given: Facts) -> Check:
    (check,) = diagnose(given)
    return check


def name(check: Check) -> str:
    assert check.problem is not None
    return check.problem.name


def test_a_host_that_is_well_has_nothing_wrong() -> None:
    assert diagnose(facts()) == []


TROUBLES: dict[str, tuple[Facts, str, str, str, Fix | None]] = {
    "the disk is full": (facts(host(disk=(8000 * MB, 100 * MB))), "host", "disk full", "100 MB", Fix(FixKind.PRUNE)),
    "nginx is stopped": (
        facts(host(*everybody(nginx=stopped("nginx", exit_code=1)))),
        "nginx", "nginx stopped", "exit code 1", Fix(FixKind.START, "nginx"),
    ),
    "nginx is missing": (
        facts(host(*(one for one in everybody() if one.name != "nginx"))),
        "nginx", "nginx missing", "", None,
    ),
    "the cache is stopped": (
        facts(host(*everybody(redis=stopped("redis")))), "redis", "dependency stopped", "exited",
        Fix(FixKind.START, "redis"),
    ),
    "the database is missing": (
        facts(host(*(one for one in everybody() if one.name != "postgres"))),
        "postgres", "dependency missing", "", None,
    ),
    "a service is off the network": (
        facts(host(*everybody(backend=replace(everybody()[0], addresses={}))), upstream("backend", resolves=())),
        "backend", "off the network", "it is not connected", Fix(FixKind.CONNECT, "backend"),
    ),
    "the network is missing": (facts(host(network=False)), "host", "network missing", "", None),
    "the live container is stopped": (
        facts(host(*everybody(backend=stopped("backend", exit_code=3))), upstream("backend", resolves=())),
        "backend", "stopped", "exit code 3", Fix(FixKind.START, "backend"),
    ),
    "the live container was OOM-killed": (
        facts(host(*everybody(backend=stopped("backend", exit_code=137, oom_killed=True))),
              upstream("backend", resolves=())),
        "backend", "OOM", "OOM-killed", Fix(FixKind.START, "backend"),
    ),
    "it restarts over and over": (
        facts(host(*everybody(backend=stopped("backend", status="restarting", restarting=True, restarts=4)))),
        "backend", "restarting", "4 restarts", None,
    ),
    "its name is missing": (
        facts(host(*(replace(one, name="backend-blue") if one.name == "backend" else one for one in everybody())),
              upstream("backend", resolves=())),
        "backend", "name missing", "backend-blue: running", Fix(FixKind.RECOVER, "backend"),
    ),
    "it answers with an error": (
        facts(None, upstream("backend", Answer(500, 0.1))), "backend", "health check failed", "HTTP 500", None,
    ),
    "its name leads to two": (
        facts(None, upstream("frontend", resolves=("10.0.0.3", "10.0.0.9"))), "frontend", "name leads elsewhere", "",
        None,
    ),
    "nginx does not listen inside": (
        facts(host(stanzas={"backend": Stanza(limit=400 * MB, asks=(8000,)), "frontend": Stanza(limit=400 * MB)},
                   listening=frozenset({80, 443}))),
        "backend", "nginx inside", "nginx listens on: 80, 443", None,
    ),
    "nginx asks an old address": (
        facts(None, upstream("frontend", public=Answer(502, 0.1))), "frontend", "bad gateway", "10.0.0.3",
        Fix(FixKind.RELOAD),
    ),
    "only the public way is broken": (
        facts(None, upstream("frontend", public=Answer(0, 0.1, "the certificate is not trusted"))),
        "frontend", "public URL", "certificate", None,
    ),
    "a port is published": (
        facts(host(stanzas={"backend": Stanza(limit=400 * MB, ports=("8080",))})), "backend", "published port", "8080",
        None,
    ),
    "a value is missing": (
        facts(host(), services=(replace(SERVICES[0], required_env=("JWT_SECRET",)), SERVICES[1])),
        "backend", "value missing", "JWT_SECRET: missing", None,
    ),
    "nginx's files are broken": (
        facts(host(problems={"nginx_": 'unexpected "}"'})), "nginx", "nginx configuration", 'unexpected "}"', None,
    ),
    "an alias survives renames": (
        facts(host(*everybody(backend=replace(everybody()[0], aliases={NETWORK: ("backend-green",)})))),
        "backend", "alias", "aliases: backend-green", None,
    ),
    "there is no .env": (facts(host(files=dict(list(FILES.items())[1:]))), "host", "no environment file", "", None),
}  # fmt: skip


@pytest.mark.parametrize(("given", "subject", "name", "evidence", "fix"), TROUBLES.values(), ids=TROUBLES.keys())
def test_each_trouble_is_recognised_by_its_name_with_its_evidence(
    given: Facts, subject: str, name: str, evidence: str, fix: Fix | None
) -> None:
    check = found(given)[subject, name]
    assert check.level is Level.REFUSAL
    assert evidence in " ".join(check.evidence)
    assert "" not in (check.symptom, check.found, check.remedy)
    assert check.fix == fix


RISKS: dict[str, tuple[Facts, str, str, str]] = {
    "a candidate was left": (
        facts(host(*everybody(), replace(everybody()[0], name="backend-green", id="g"))),
        "backend", "leftover", "backend-green",
    ),
    "killed for memory, and up again": (
        facts(kills=(("backend", "2027-01-15T07:00:00Z"), ("backend", "2027-01-15T08:00:00Z"))),
        "backend", "OOM", "2 times, last at 2027-01-15T08",
    ),
    "a limit of 2 GB on a host of 2 GB": (
        facts(replace(host(), containers={"backend": replace(everybody()[0], memory=2048 * MB)} | {
            one.name: limited(one) for one in everybody() if one.name != "backend"})),
        "backend", "limit", "limit of backend: 2048 MB",
    ),
    "it uses nearly all of its limit": (
        facts(host(usage={everybody()[0].id: 80 * MB})), "backend", "near its limit", "backend: running",
    ),
    "no swap": (facts(host(memory={"MemTotal": 2048 * MB, "SwapTotal": 0})), "host", "no swap", "SwapTotal 0"),
    "a wrong clock": (facts(host(skew=-90.0)), "host", "clock", "-90 s"),
    "nginx resolves names at load only": (
        facts(host(stale=frozenset({"frontend"}))), "nginx", "static upstream", "only: frontend",
    ),
    "the database is open to the world": (
        facts(host(*everybody(postgres=replace(everybody()[3], published=("5432/tcp",))))),
        "postgres", "published port", "5432/tcp",
    ),
    "the rollback's image is gone": (
        facts(host(releases=(release("backend", 1, "old"),))), "backend", "rollback image gone", "sha256:old",
    ),
    "an image was built on the host": (
        facts(host(images=(image("b", "me/behindy-backend:latest"),))), "backend", "built on the host", "latest",
    ),
    "a static health path": (
        facts(services=(replace(SERVICES[0], external="/health"), SERVICES[1])),
        "backend", "static health", "site.conf",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "subject", "name", "evidence"), RISKS.values(), ids=RISKS.keys())
def test_what_does_not_hurt_yet_is_a_risk(given: Facts, subject: str, name: str, evidence: str) -> None:
    check = only(given)
    assert check.problem is not None
    assert (check.subject, check.problem.name, check.level) == (subject, name, Level.WARNING)
    assert evidence in " ".join(check.evidence)


def test_the_cause_of_a_failed_health_check_is_looked_for_in_what_the_service_needs() -> None:
    bad = upstream("backend", Answer(503, 0.1))
    needs = (replace(SERVICES[0], required_env=("DB_PASS",)), SERVICES[1])
    assert "DB_PASS" in found(facts(host(), bad, services=needs))["backend", "health check failed"].found
    down = host(*everybody(postgres=stopped("postgres")))
    assert "postgres" in found(facts(down, bad))["backend", "health check failed"].found
    assert "release itself" in found(facts(None, bad))["backend", "health check failed"].found


def test_one_container_that_is_stopped_and_was_killed_is_one_trouble() -> None:
    killed = stopped("backend", exit_code=137, oom_killed=True)
    assert only(facts(host(*everybody(backend=killed)), upstream("backend", resolves=()))).problem is memory.OOM


def test_of_one_service_its_own_troubles_and_those_of_what_it_stands_on_are_told() -> None:
    given = facts(
        host(*everybody(redis=stopped("redis"))),
        upstream("backend", Answer(500, 0.1)),
        upstream("frontend", Answer(500)),
    )
    assert {one.subject for one in diagnose(given, ["frontend"])} == {"redis", "frontend"}
    assert {one.subject for one in diagnose(given)} == {"redis", "frontend", "backend"}


def test_a_services_own_troubles_are_those_of_all_its_containers_and_of_no_other_that_begins_like_it() -> None:
    away = [container(name, addresses={}) for name in ("frontend-green", "frontend-cache")]
    given = facts(host(*everybody(), *away), beside={**BESIDE, "cache": "frontend-cache"})
    subjects = {name: {check.subject for check in diagnose(given, [name])} for name in ("frontend", "backend")}
    assert subjects == {"frontend": {"frontend", "frontend-green", "frontend-cache"}, "backend": {"frontend-cache"}}


def test_troubles_come_before_risks() -> None:
    given = facts(host(*everybody(redis=stopped("redis")), memory={"MemTotal": 2048 * MB, "SwapTotal": 0}))
    findings = diagnose(given)
    assert [check.level for check in findings] == [Level.REFUSAL, Level.WARNING]
