"""host.check: what a bare host lacks, and what should be seen to, each with what to type."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.checks.check import Check, Level
from behindy_ops.errors import Kind
from behindy_ops.facts.machine import HostFacts
from behindy_ops.provision.check import as_json, as_lines, check_host, findings, problem
from tests.scripted import Answer, scripted
from tests.unit.machines import BARE, DOMAIN, MIB, READY

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from behindy_ops.host.session import Session
    from behindy_ops.project.settings import Settings


def examine(facts: HostFacts) -> dict[str, Check]:
    return {check.name: check for check in findings(facts, host_dir="behindy-ops", domain=DOMAIN)}


def test_what_a_bare_host_lacks_is_named_with_its_remedy() -> None:
    checks = findings(BARE, host_dir="behindy-ops", domain=DOMAIN)
    missing = {check.name: check.remedy for check in checks if check.level is Level.REFUSAL}
    assert {name: remedy.partition("inv ")[2].split()[0].rstrip(",.") for name, remedy in missing.items()} == {
        "tools": "host.setup",
        "authorities": "host.setup",
        "docker": "host.setup",
        "compose": "host.setup",
        "directories": "host.setup",
        "environment": "env.push",
        "files": "host.sync",
    }
    lines = as_lines(checks, "host")
    assert all(len(line.text) <= 80 for line in lines)
    assert lines[-2].text.startswith("7 missing for a deploy")
    assert lines[-1].text == "What helps most: inv host.setup"
    told = as_json(checks, "host")
    assert (told["host"], told["ready"]) == ("host", False)
    assert told["checks"] == [check.data() for check in checks]
    assert told["helps_most"] == "inv host.setup"
    error = problem(checks, "host")
    assert error is not None
    assert (error.exit_code, error.remedy) == (30, "inv host.setup")
    assert error.what.startswith("host is not ready for a deploy: ")


def test_a_login_that_may_not_become_root_is_told_so_beside_what_needs_it() -> None:
    refused = examine(replace(BARE, root=False))
    assert refused["tools"].remedy == "Set the host up: inv host.setup (once admin may use sudo without a password)"
    assert "sudo" not in refused["files"].remedy
    assert examine(BARE)["tools"].remedy == "Set the host up: inv host.setup"


def test_what_needs_no_root_is_made_by_any_login() -> None:
    checks = examine(replace(READY, root=False, files={}))
    assert checks["directories"].remedy == "Make them: inv host.setup"


FILES = dict.fromkeys((".env", "compose/docker-compose.yml", "nginx/nginx.conf"), "600")


def test_a_host_that_is_ready_has_every_check_ok() -> None:
    checks = findings(
        replace(READY, files={**READY.files, **FILES}, certificate=True, skew=0.2), host_dir="x", domain=DOMAIN
    )
    assert [check.found for check in checks if check.level is not Level.OK] == []
    assert as_lines(checks, "host")[-1].text == "host is ready for a deploy."
    assert problem(checks, "host") is None
    assert as_json(checks, "host")["helps_most"] == ""


@pytest.mark.parametrize(
    ("facts", "name", "problem"),
    [
        (replace(READY, skew=60.0), "clock", "clock"),
        (replace(READY, synchronized=False), "clock", "clock not synchronized"),
        (replace(READY, disk=(8_000 * MIB, 2_000 * MIB)), "disk", "disk nearly full"),
        (replace(READY, disk=(0, 0)), "disk", "disk not readable"),
        (replace(READY, memory={"MemTotal": 900 * MIB, "SwapTotal": 2048 * MIB}), "memory", "host too small"),
        (replace(READY, memory=BARE.memory), "swap", "no swap"),
        (replace(READY, memory=BARE.memory, container=True), "swap", "no swap"),
        (replace(READY, memory={**BARE.memory, "SwapTotal": 512 * MIB}), "swap", "little swap"),
        (replace(READY, swappiness=60), "swap", "swappiness"),
        (replace(READY, reboot=True), "system", "reboot pending"),
        (replace(READY, system="alpine"), "system", "unknown system"),
        (replace(READY, updates=False), "updates", "no security updates"),
        (replace(READY, logging=""), "logs", "logs grow without limit"),
        (replace(READY, logging="{bad"), "logs", "daemon.json broken"),
        (replace(READY, timers=frozenset()), "timers", "not scheduled"),
        (replace(READY, placed={}), "timers", "not scheduled"),
        (replace(READY, live_restore=False), "live-restore", "containers end with the engine"),
        (READY, "certificate", "certificate missing"),
        (
            replace(READY, files={**READY.files, ".env": "644"}),
            "environment", "environment file readable",
        ),
        (
            replace(READY, files={name: entry for name, entry in READY.files.items() if name != "rehearsal/header"}),
            "rehearsal", "no rehearsal token",
        ),
    ],
)  # fmt: skip
def test_what_should_be_seen_to_is_no_obstacle(facts: HostFacts, name: str, problem: str) -> None:
    check = examine(facts)[name]
    assert check.problem is not None
    assert (check.problem.name, check.level) == (problem, Level.WARNING)
    assert check.remedy


def test_a_file_of_dockers_that_may_not_be_looked_at_is_not_judged() -> None:
    check = examine(replace(READY, logging=None))["logs"]
    assert (check.level, "may not read" in check.found) == (Level.OK, True)


def test_one_session_on_a_connection_is_too_few() -> None:
    check = examine(replace(READY, sessions=1))["sessions"]
    assert (check.level, "MaxSessions 1" in check.found, "MaxSessions 10" in check.remedy) == (
        Level.REFUSAL,
        True,
        True,
    )
    assert "sessions" not in examine(replace(READY, sessions=2))


def test_a_certificate_that_may_not_be_looked_at_is_not_judged() -> None:
    assert "certificate" not in examine(replace(READY, root=False))


def test_of_a_project_without_a_domain_no_certificate_and_no_renewal_is_asked() -> None:
    own = replace(READY, files={**READY.files, **FILES}, certificate=False, placed={}, timers=frozenset())
    alone = replace(own, names=replace(own.names, database=None))
    found = {check.name: check for check in findings(alone, host_dir="x", domain="")}
    assert not {"certificate", "timers"} & {*found}
    assert [check.found for check in found.values() if check.problem] == []
    assert {"certificate", "timers"} <= {check.name for check in findings(alone, host_dir="x", domain=DOMAIN)}


def test_a_host_directory_that_is_not_there_is_named() -> None:
    assert "does not exist" in examine(BARE)["directories"].found
    half = {name: entry for name, entry in READY.files.items() if name != "state"}
    assert "lacks state" in examine(replace(READY, files=half))["directories"].found


def test_a_login_outside_the_group_docker_is_told_so() -> None:
    check = examine(replace(READY, docker="", problems={"versions": "permission denied while trying to connect"}))[
        "docker"
    ]
    assert check.problem is not None
    assert (check.problem.name, check.level) == ("docker forbidden", Level.REFUSAL)
    assert "inv host.setup" in check.remedy


def test_nodes_of_a_swarm_are_asked_for_what_no_manager_knows_and_one_out_of_reach_is_named() -> None:
    line = {"availability": "active", "state": "ready", "address": "", "version": "26", "memory": 1, "manager": None}
    labels = {"behindy.apps": "true", "behindy.ssh": "two:2222"}
    nodes = json.dumps({"id": "n2", "name": "two", "labels": labels} | line)
    text = f"@ system\n@ login\nuser admin\n@ docker\nengine 26.1.5\n@ swarm_\nseat manager\n@ nodes_\n{nodes}\n"
    first = scripted(host__facts=Answer(text + "@ clock\nnow 1\n@ certificate\n@ end\n"))
    other = scripted(host__facts=Answer("@ system\n@ memory\nMemTotal 2000000\n@ clock\nnow 1\n@ certificate\n@ end\n"))
    reached: list[Settings] = []

    def reach(settings: Settings) -> AbstractContextManager[Session]:
        reached.append(settings)
        return nullcontext(other.session)

    found = {check.name: check for check in check_host(first.session, reach) if check.subject == "two"}
    assert [(settings.host, settings.port) for settings in reached] == [("two", 2222)]
    assert found["clock"].found.startswith("two: The host's clock is")
    assert found["swap"].remedy.startswith("Make 2 GB of it: BEHINDY_HOST=two BEHINDY_PORT=2222 inv host.setup")

    def refused(_: Settings) -> AbstractContextManager[Session]:
        raise Kind.LOGIN_REFUSED("It refused the key.")

    (check,) = [check for check in check_host(first.session, refused) if check.subject == "two"]
    assert (check.problem and check.problem.name, "two:2222" in check.found) == ("node not reached", True)
