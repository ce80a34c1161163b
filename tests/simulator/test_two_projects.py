"""Two projects on one host: whatever becomes of a deploy of one, the other's containers stay as they are."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import BehindyError, LockHeld
from behindy_ops.project.project import Project
from tests.simulator.faults import Fault, plan
from tests.simulator.simulation import SERVICES, Behaviour, ClientKilled, Simulation
from tests.simulator.start import begin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPOSE = """
name: shop
x-nginx:
  domains: shop.example
  shared: {directory: /home/ubuntu/behindy-ops, container: nginx}
services:
  backend:
    image: me/shop-backend
    container_name: shop-backend
    networks: [front]
    x-deploy: {port: 8080, route: /, internal: /health, external: /shop}
networks:
  front: {external: true, name: behindy-ops_internal}
"""


@pytest.fixture
def two(tmp_path: Path) -> tuple[Simulation, Simulation]:
    """Behindy's own services, and a project that has a backend, too."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    first = begin()
    shop = copy.copy(first)
    (declared,) = Project(tmp_path).services()
    service = replace(declared, watch=5, health=SERVICES["backend"].health)
    first.world.services[service.name], first.world.config[service.name] = service, "c0ffee"
    first.others, shop.others = frozenset({service.name}), frozenset(SERVICES)
    shop.project, shop.events, shop.clients, shop.connections = Project(tmp_path), [], [], []
    for tag in ("first", "second"):
        shop.push(service.name, tag)
    shop.push(service.name, "bad", Behaviour(inside=500, rehearsal=500, outside=500))
    shop.deploy(tag="first")
    shop.forget()
    return first, shop


def of(simulation: Simulation) -> dict[str, str]:
    """The containers of the services of a project, by their names."""
    found = simulation.world.engine.boxes.values()
    own = {service.name for service in simulation.services}
    return {box.name: box.id for box in found if box.labels.get("behindy.service") in own}


@contextlib.contextmanager
def untouched(simulation: Simulation) -> Iterator[None]:
    before = of(simulation)
    yield
    assert of(simulation) == before


def test_two_services_of_one_key_are_two_containers_of_two_projects(two: tuple[Simulation, Simulation]) -> None:
    first, shop = two
    assert (set(of(first)), set(of(shop))) == (set(SERVICES), {"shop-backend"})
    labels = {name: first.world.engine.find(name).labels["behindy.project"] for name in ("backend", "shop-backend")}
    assert labels == {"backend": "behindy-ops", "shop-backend": "shop"}


def test_while_one_deploys_the_other_waits_and_changes_nothing(two: tuple[Simulation, Simulation]) -> None:
    first, shop = two
    refused = []

    def meet() -> None:
        with untouched(shop), pytest.raises(LockHeld) as caught:
            shop.deploy(tag="second", drained=False)
        refused.append(str(caught.value))

    first.world.plan.setdefault(first.world.ticks + 40, []).append(meet)
    first.deploy("backend", tag="mended")
    assert len(refused) == 1
    with untouched(first):
        shop.deploy(tag="second", wait=60)
    assert {
        service.name: first.rules.at_rest(service.name) for service in first.world.services.values()
    } == dict.fromkeys(first.world.services, "")


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.VANISHED])
def test_a_run_that_is_killed_at_any_moment_is_put_in_order_by_its_own_project(
    two: tuple[Simulation, Simulation], fault: Fault
) -> None:
    struck = 0
    for after in range(1, 1000, 2):
        first, shop = copy.deepcopy(two)
        plan(first, after, fault)
        with untouched(shop), contextlib.suppress(ClientKilled):
            first.deploy("backend", tag="mended", drained=False)
        if not any(client.dead for client in first.connections):
            break
        struck += 1
        first.world.pass_time(90)  # what it had begun ends, and its lease
        with untouched(first):  # what was left of its backend is none of the shop's business
            shop.deploy(tag="second", wait=90)
            shop.recover(wait=90)
        with untouched(shop):
            first.recover(wait=90)
            first.world.pass_time(30)
        assert [first.rules.at_rest(name) for name in (*SERVICES, "shop-backend")] == [""] * 4, after
        assert first.world.engine.find("shop-backend").labels["behindy.tag"] == "second"
    assert struck > 40


def test_a_bad_release_of_one_leaves_the_other_as_it_was(two: tuple[Simulation, Simulation]) -> None:
    first, shop = two
    with untouched(first), untouched(shop), pytest.raises(BehindyError, match="HTTP 500"):
        shop.deploy(tag="bad")
    with untouched(first), untouched(shop), pytest.raises(BehindyError, match="HTTP 500"):
        first.deploy("backend", tag="bad-inside")
