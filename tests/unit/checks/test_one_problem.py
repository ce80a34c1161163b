"""One thing that is wrong has one name and one remedy, whichever task meets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks.check import Check, Facts, examine
from behindy_ops.checks.diagnosis import diagnose
from behindy_ops.checks.rules import BEFORE_DEPLOY
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.survey import Stanza, Survey
from behindy_ops.provision.check import findings
from tests.unit.machines import DOMAIN, MIB, READY
from tests.unit.ready import BACKEND, GREEN, PATHS, SURVEY

MACHINE = replace(
    READY,
    files={**READY.files, **dict.fromkeys(PATHS, "600")},
    certificate=True,
)


def without(name: str) -> tuple[Survey, HostFacts]:
    return (
        replace(SURVEY, files={path: facts for path, facts in SURVEY.files.items() if path != name}),
        replace(MACHINE, files={path: mode for path, mode in MACHINE.files.items() if path != name}),
    )


def only(survey: Survey) -> tuple[Survey, HostFacts]:
    """What host.check does not see."""
    return survey, MACHINE


FORBIDDEN = "permission denied while trying to connect to the Docker daemon"
BROKEN: dict[str, tuple[Survey, HostFacts]] = {
    "docker missing": (
        replace(SURVEY, tools=SURVEY.tools - {"docker"}),
        replace(MACHINE, tools=MACHINE.tools - {"docker"}),
    ),
    "docker forbidden": (
        replace(SURVEY, docker="", problems={"versions": FORBIDDEN}),
        replace(MACHINE, docker="", problems={"versions": FORBIDDEN}),
    ),
    "docker not responding": (replace(SURVEY, docker=""), replace(MACHINE, docker="")),
    "docker too old": (replace(SURVEY, docker="19.3"), replace(MACHINE, docker="19.3")),
    "compose missing": (replace(SURVEY, compose=""), replace(MACHINE, compose="")),
    "compose too old": (replace(SURVEY, compose="2.3"), replace(MACHINE, compose="2.3")),
    "tool missing": (
        replace(SURVEY, tools=SURVEY.tools - {"flock"}),
        replace(MACHINE, tools=MACHINE.tools - {"flock"}),
    ),
    "files missing": without("nginx/nginx.conf"),
    "no environment file": without(".env"),
    "no rehearsal token": without("rehearsal/header"),
    "rehearsal token not loaded": (replace(SURVEY, token="unloaded"), replace(MACHINE, token="unloaded")),
    "environment file readable": (
        replace(SURVEY, files={**SURVEY.files, ".env": "644"}),
        replace(MACHINE, files={**MACHINE.files, ".env": "644"}),
    ),
    "disk full": (
        replace(SURVEY, disk=(8000 * MIB, 1000 * MIB)),
        replace(MACHINE, disk=(8000 * MIB, 1000 * MIB)),
    ),
    "clock": (replace(SURVEY, skew=-6.0), MACHINE),
    "no swap": (
        replace(SURVEY, memory={**SURVEY.memory, "SwapTotal": 0, "SwapFree": 0}),
        replace(MACHINE, memory={**MACHINE.memory, "SwapTotal": 0}),
    ),
    "little swap": (
        replace(SURVEY, memory={**SURVEY.memory, "SwapTotal": 512 * MIB}),
        replace(MACHINE, memory={**MACHINE.memory, "SwapTotal": 512 * MIB}, container=True),
    ),
    "host too small": (
        replace(SURVEY, memory={**SURVEY.memory, "MemTotal": 1600 * MIB}),
        replace(MACHINE, memory={**MACHINE.memory, "MemTotal": 1600 * MIB}),
    ),
    "disk nearly full": (
        replace(SURVEY, disk=(8000 * MIB, 2000 * MIB)),
        replace(MACHINE, disk=(8000 * MIB, 2000 * MIB)),
    ),
    "value missing": only(replace(SURVEY, environment={})),
    "network missing": only(replace(SURVEY, network=False)),
    "nginx missing": only(replace(SURVEY, containers={"backend": SURVEY.containers["backend"]})),
    "nginx configuration": only(replace(SURVEY, problems={"nginx_": 'unexpected "}"'})),
    "compose file invalid": only(replace(SURVEY, config={})),
    "published port": only(replace(SURVEY, stanzas={"backend": Stanza(limit=400 * MIB, ports=("8080",))})),
    "limit": only(replace(SURVEY, stanzas={"backend": Stanza()})),
    "leftover": only(replace(SURVEY, containers={**SURVEY.containers, "backend-green": GREEN})),
}


def met(survey: Survey, machine: HostFacts) -> dict[str, list[Check]]:
    """What each task finds that is not ok."""
    facts = Facts(survey=survey, services=(BACKEND,), host_dir="behindy-ops")
    everything = {
        "deploy.check": examine(BEFORE_DEPLOY, facts),
        "ops.doctor": diagnose(facts),
        "host.check": findings(replace(machine, skew=survey.skew), host_dir="behindy-ops", domain=DOMAIN),
    }
    return {task: [check for check in checks if check.problem] for task, checks in everything.items()}


def test_where_nothing_is_wrong_no_task_finds_anything() -> None:
    assert met(SURVEY, MACHINE) == {"deploy.check": [], "ops.doctor": [], "host.check": []}


@pytest.mark.parametrize(("name", "host"), BROKEN.items(), ids=BROKEN.keys())
def test_every_task_that_meets_a_problem_says_the_same_of_it(name: str, host: tuple[Survey, HostFacts]) -> None:
    found = {task: checks for task, checks in met(*host).items() if checks}
    assert len(found) > 1
    told = {
        (check.problem and check.problem.name, check.level, check.remedy)
        for checks in found.values()
        for check in checks
    }
    assert len(told) == 1, told
    assert next(iter(told))[0] == name
