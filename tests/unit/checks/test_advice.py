"""What helps most: of the worst problem that there is something to type against."""

from __future__ import annotations

import re

import pytest

from behindy_ops.checks import certificates, disk, docker, environment, files, memory, nginx, outside, services, swarm
from behindy_ops.checks.advice import closing, helps_most
from behindy_ops.checks.check import Check, Fix, FixKind, ok
from behindy_ops.tasks import root
from tests.unit.checks.test_rules import PROBLEMS

START = Fix(FixKind.START, "redis")
STOPPED = services.DEPENDENCY_STOPPED.check("dependencies", "redis is exited", subject="redis", fix=START)
UNHEALTHY = services.UNHEALTHY.check("answers", "HTTP 500", subject="backend")
NO_VALUE = environment.NO_VALUE.check("environment", "JWT_SECRET is missing", subject="backend", name="JWT_SECRET")
FIREWALL = outside.FIREWALL_RULES.check("firewall", "the rules are gone")
LOGS = docker.LOGS_GROW.check("logs", "no limit")
CLOSED = services.IN_MAINTENANCE.check("maintenance", "closed", subject="frontend")
UNREACHED = outside.OTHERWISE.check("outside", "HTTP 403")
STATIC = nginx.STATIC_NAMES.check("nginx", "two names")
LIMIT = memory.NO_LIMIT.check("limit", "none", subject="backend")


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([], ""),
        ([ok("docker", "27.1")], ""),
        ([NO_VALUE, UNHEALTHY, LOGS], "inv ops.logs backend"),
        ([LOGS, NO_VALUE], "inv env.set JWT_SECRET"),
        ([LOGS, STATIC], "inv ops.nginx --reload"),
        ([CLOSED, LOGS], "inv deploy.maintenance frontend --off"),
        ([STOPPED, UNHEALTHY], "inv ops.doctor --fix"),
        ([FIREWALL, UNHEALTHY], "inv ops.logs backend"),
        ([LIMIT, LOGS], "inv host.setup"),
    ],
    ids=[
        *("nothing", "all well", "users before deploys", "deploys before warnings", "warnings about users first"),
        *("the first of equals", "what --fix does", "the next that has a command", "a warning without one"),
    ],
)
def test_the_worst_comes_first(checks: list[Check], expected: str) -> None:
    assert helps_most(checks) == expected


def test_what_harms_less_does_not_stand_in_for_what_has_no_command() -> None:
    assert helps_most([LOGS, NO_VALUE, FIREWALL]) == FIREWALL.remedy
    assert helps_most([UNREACHED, LOGS]) == UNREACHED.remedy


def test_what_was_tried_is_not_told_again() -> None:
    assert helps_most([STOPPED], tried=[START]) == "inv ops.logs redis"
    assert closing([STOPPED], tried=[START]) == "What helps most: inv ops.logs redis"
    assert closing([]) == ""


@pytest.mark.parametrize(
    ("problem", "command"),
    [
        (disk.FULL, "inv ops.prune"),
        (certificates.NOT_TRUSTED, "inv host.certs"),
        (services.INCOMPLETE, "inv deploy.{subject} {tag}"),
        (services.STOPPED, "inv ops.logs {subject}"),
        (nginx.NGINX_STOPPED, "inv ops.logs nginx"),
        (swarm.EDGE_SILENT, "inv host.setup --swarm --edge {subject}"),
        (files.OTHER_PROJECT, ""),
        (outside.FIREWALL_RULES, ""),
    ],
)
def test_a_command_is_taken_from_the_remedy_as_it_is_typed(problem: object, command: str) -> None:
    assert getattr(problem, "command") == command  # noqa: B009 - Problem and Risk, which is a partial of it


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_a_command_is_one_of_the_remedys_and_there_is_such_a_task_with_such_options(problem: object) -> None:
    command, remedy = (str(getattr(problem, name)) for name in ("command", "remedy"))
    assert command in remedy
    if command:
        task = root()[re.sub(r"\{.*", "all", command.split()[1])]
        options = {name for argument in task.get_arguments() for name in argument.names}
        assert set(re.findall(r"--([a-z-]+)", command)) <= {name.replace("_", "-") for name in options}


def test_users_are_hurt_by_much_of_what_can_be_wrong() -> None:
    hurting = {problem.name for problem in PROBLEMS if problem.users}
    assert {"nginx stopped", "bad gateway", "certificate expired", "stopped", "disk full"} <= hurting
    assert not hurting & {"value missing", "clock", "logs grow without limit", "swappiness", "image missing"}
