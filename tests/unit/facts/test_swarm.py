"""What an engine says of the swarm it belongs to."""

from __future__ import annotations

import json

import pytest

from behindy_ops.facts.replies import read
from behindy_ops.facts.swarm import Node, Seat, Swarm, parse_node


def line(name: str, **more: object) -> str:
    """What lib/swarm.sh prints of a worker that may run releases."""
    usual: dict[str, object] = {"availability": "active", "state": "ready", "address": "10.0.0.2", "version": "26.1.5"}
    labels = {"behindy.apps": "true", "behindy.ssh": "ops@two:22"}
    return json.dumps(
        {"id": f"id-{name}", "name": name, "memory": 2048, "labels": labels, "manager": None} | usual | more
    )


MANAGER = line(
    "one",
    address="10.0.0.1",
    labels=None,
    manager={"Leader": True, "Reachability": "reachable", "Addr": "10.0.0.1:2377"},
)


def told(*lines: str) -> Swarm:
    return Swarm.parse(read("\n".join(["@@ swarm_", *lines, "@@ end"]), "@@"))


def test_a_manager_tells_of_its_nodes_and_of_the_names_that_releases_bear() -> None:
    swarm = told(
        "node id-one", "seat manager", "service backend", "service frontend", "@@ nodes_", MANAGER, line("two")
    )
    assert (swarm.seat, swarm.services) == (Seat.MANAGER, ("backend", "frontend"))
    assert swarm.own == swarm.managers[0]
    assert (swarm.own.manager, swarm.own.manager_address, swarm.own.apps) == ("leader", "10.0.0.1:2377", False)
    assert swarm.runs(["frontend", "llmserver"]) == ("frontend",)


@pytest.mark.parametrize("name", ["two", "id-two", "10.0.0.2", "ops@two:22"])
def test_a_node_is_found_by_each_of_its_names(name: str) -> None:
    found = told("@@ nodes_", MANAGER, line("two")).named(name)
    assert found is not None
    assert found.name == "two"
    assert told("@@ nodes_", MANAGER).named(name) is None


def test_of_an_engine_that_nobody_could_ask_nothing_is_known() -> None:
    assert told() == Swarm(Seat.UNKNOWN)


@pytest.mark.parametrize(
    ("changes", "takes"),
    [({}, True), ({"availability": "pause"}, False), ({"availability": "drain"}, False), ({"state": "down"}, False)],
)
def test_a_node_takes_a_task_while_it_answers_and_is_active(changes: dict[str, object], takes: bool) -> None:
    assert parse_node(line("two", **changes)).takes is takes


def test_a_manager_that_is_away_is_one_still() -> None:
    away = parse_node(line("two", state="down", manager={"Leader": False, "Reachability": "unreachable"}))
    assert (away.manager, away.ready) == ("unreachable", False)
    assert Node("a", "a").manager == ""
