"""What a swarm says of a service, as the container that it is to all else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from behindy_ops.facts.container import parse_container
from behindy_ops.facts.leftovers import stopped_first
from tests.unit.facts.containers import container_line

NODES = [
    {"id": "n1", "name": "alpha", "status": "Ready", "here": True},
    {"id": "n2", "name": "beta", "status": "Down", "here": False},
]


def told(slot: int, node: str, **changes: Any) -> dict[str, Any]:
    usual = {"wanted": "running", "state": "running", "error": "", "since": f"2027-01-0{slot}T00:00:00Z", "exit": 0}
    return {
        "id": f"t{slot}",
        "slot": slot,
        "node": node,
        "addresses": [f"10.1.0.{slot}/24"],
        "container": f"c{slot}",
        **usual,
        **changes,
    }


def service(*tasks: dict[str, Any], replicas: int = 2, check: str = "") -> str:
    usual = {"id": "w1", "name": "web", "created": "2027-01-01T00:00:00Z", "image": "me/web@sha256:d", "memory": 2**29}
    usual |= {"updated": "2027-01-09T00:00:00Z"}
    usual |= {"labels": {"behindy.image": "sha256:1", "behindy.name": "web"}, "env": ["A"], "nodes": NODES}
    return json.dumps({**usual, "check": check, "replicas": replicas, "tasks": tasks})


def test_it_runs_while_one_of_its_tasks_does_and_is_reached_at_those() -> None:
    web = parse_container(service(told(2, "n1"), told(1, "n1"), told(3, "n2")))
    assert (web.status, web.replicas, [task.slot for task in web.serving]) == ("running", 2, [1, 2])
    assert web.all_addresses == {"10.1.0.1", "10.1.0.2"}
    assert (web.joins("net"), web.address("net")) == (True, "10.1.0.1")
    assert (web.tasks[0].here, web.tasks[2].here, web.tasks[0].container) == (True, False, "c2")


def test_what_is_to_have_no_task_any_more_was_stopped_when_that_was_said() -> None:
    """Its tasks are forgotten within seconds; it is to be known whether its successor was made before that."""
    stopped = parse_container(service(replicas=0))
    assert (stopped.running, stopped.finished) == (False, "2027-01-09T00:00:00Z")
    assert not stopped_first(parse_container(service(told(1, "n1"))), stopped)
    assert stopped_first(replace(stopped, created="2027-01-10T00:00:00Z"), stopped)
    begun = parse_container(service(told(1, "n1", state="starting")))
    assert (begun.running, begun.started) == (True, "2027-01-01T00:00:00Z")


def test_one_of_which_no_task_runs_is_reached_nowhere() -> None:
    web = parse_container(
        service(told(1, "n1", wanted="shutdown", state="failed", error="exit (3)", exit=3), replicas=1)
    )
    assert (web.running, web.exit_code, web.address("net"), web.serving) == (False, 3, "", ())


def test_a_container_is_where_its_networks_are() -> None:
    one = parse_container(container_line())
    (network,) = one.addresses
    assert (one.replicas, one.joins(network), one.joins("other")) == (None, True, False)
    assert one.all_addresses == {one.address(network)}


@pytest.mark.parametrize(
    ("check", "state", "health"),
    [
        ("", "starting", ""),
        ("NONE", "starting", ""),
        ("CMD", "starting", "starting"),
        ("CMD-SHELL", "running", "healthy"),
        ("CMD", "pending", "starting"),
    ],
)
def test_a_task_with_a_health_check_runs_once_that_has_passed(check: str, state: str, health: str) -> None:
    assert parse_container(service(told(1, "n1"), told(2, "n1", state=state), check=check)).health == health


def test_what_was_killed_is_told_with_its_limit_of_memory() -> None:
    killed = told(1, "n1", wanted="shutdown", state="failed", error="task: non-zero exit (137)", exit=137)
    web = parse_container(service(killed, replicas=1))
    assert web.trouble.endswith("(task: non-zero exit (137)), as is what needs more memory than its limit of 512 MB")
