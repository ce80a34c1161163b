"""What an interrupted run left, where it is not as simple as it is mostly."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import BehindyError, RemoteCommandFailed
from behindy_ops.project.services import HealthPolicy
from behindy_ops.report.events import Decision, Event, Recovered, TakenBack, Warning_
from tests.simulator.faults import Fault, plan_during
from tests.simulator.scripts import name_of
from tests.simulator.simulation import SERVICES, Behaviour, ClientKilled, Simulation
from tests.simulator.start import begin

if TYPE_CHECKING:
    from tests.simulator.docker import Box


@pytest.fixture
def host() -> Simulation:
    """Deployed twice by runs that are gone."""
    host = begin()
    host.world.engine.epoch += 1
    return host


def live(host: Simulation) -> Box:
    found = host.world.live("frontend")
    assert found is not None
    return found


def sent(host: Simulation) -> list[str]:
    return [name_of(command) for command in host.connections[-1].sent]


def told(host: Simulation) -> str:
    return "\n".join(event.text for event in host.events if isinstance(event, Decision | Warning_))


def ends(host: Simulation) -> list[Event]:
    """What is told of how it ended, for those who read no sentences."""
    return [event for event in host.events if isinstance(event, TakenBack | Recovered)]


def test_what_does_not_come_to_rest_is_left_to_a_person_after_five_rounds(host: Simulation) -> None:
    before, engine = live(host), host.world.engine

    def leave_a_candidate() -> None:
        if host.clients and engine.named("frontend-green") is None:
            engine.create("frontend-green", before.image)

    host.world.checks.append(leave_a_candidate)
    with pytest.raises(RemoteCommandFailed, match="frontend does not come to rest") as caught:
        host.recover("frontend")
    assert caught.value.what.count("REMOVE_GREEN") == sent(host).count("stop_blue") == 5
    assert caught.value.state == "The live container was left as it is."
    assert (live(host), before.running, host.world.history) == (before, True, [])


@pytest.mark.parametrize("runs", [False, True], ids=["it does not run", "it is unhealthy"])
def test_a_candidate_that_is_not_healthy_does_not_get_the_name_and_is_asked_only_if_it_runs(
    runs: bool, host: Simulation
) -> None:
    before, engine = live(host), host.world.engine
    engine.rename("frontend", "frontend-blue")
    green = engine.create("frontend-green", engine.pull("me/behindy-frontend:bad-inside"))
    if runs:
        engine.start(green.id)
    host.recover("frontend")
    assert (live(host), host.rules.at_rest("frontend")) == (before, "")
    assert ("look_inside" in sent(host)) is runs


@pytest.mark.parametrize(("tag", "runs"), [("good", False), ("bad-inside", True)], ids=["it exited", "it is unhealthy"])
def test_a_release_an_earlier_run_left_live_is_switched_back_if_it_is_not_healthy(
    tag: str, runs: bool, host: Simulation
) -> None:
    before, engine = live(host), host.world.engine
    engine.rename("frontend", "frontend-blue")
    bad = engine.create("frontend", engine.pull(f"me/behindy-frontend:{tag}"), before.labels)
    engine.start(bad.id)
    if not runs:
        engine.stop(bad.id)
    host.recover("frontend")
    assert (live(host), host.rules.at_rest("frontend")) == (before, "")
    assert "The new release of frontend was switched back: it is not healthy." in told(host)
    back, recovered = ends(host)
    assert back == TakenBack("frontend", "it is not healthy")
    assert isinstance(recovered, Recovered)
    assert (recovered.outcome, recovered.tag) == ("live", before.labels["behindy.tag"])
    assert ("look_inside" in sent(host)) is runs
    assert "watch" not in sent(host)


def test_a_first_release_that_was_never_proven_and_does_not_answer_is_told_and_does_not_stand() -> None:
    host = begin(deployed=False)
    plan_during(host, "swap", Fault.KILLED, tick=6)  # the names have changed
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag="bad-in-public")
    bad, recorded = live(host), list(host.world.history)
    host.recover("frontend")
    assert "frontend was never proven and does not answer from outside. Deploy a good release." in told(host)
    assert (live(host), bad.running, host.rules.status_of(bad)) == (bad, True, "candidate")
    assert ends(host) == []
    assert host.world.history == recorded


def patient() -> Simulation:
    """Services that are given 45 s, and a release that needs 30 of them."""
    host = Simulation({name: replace(service, health=HealthPolicy()) for name, service in SERVICES.items()})
    for service in SERVICES:
        host.push(service, "first")
        host.push(service, "patient", Behaviour(boot=30.0))
    host.deploy(tag="first")
    host.forget()
    return host


@pytest.mark.parametrize("script", ["drain", "stop_blue"])
@pytest.mark.parametrize("fault", [Fault.REBOOT, Fault.REBOOT_LONG])
@pytest.mark.parametrize("service", ["frontend", "backend"])
def test_a_reboot_during_the_drain_does_not_take_back_a_release_that_is_still_booting(
    service: str, script: str, fault: Fault
) -> None:
    host = patient()
    host.world.engine.pull(f"me/behindy-{service}:patient")
    plan_during(host, script, fault)
    with contextlib.suppress(BehindyError):
        host.deploy(service, tag="patient")
    host.world.pass_time(2 if fault is Fault.REBOOT else 31)
    host.recover(service)
    new = host.world.live(service)
    assert new is not None
    assert (new.labels["behindy.tag"], host.rules.status_of(new)) == ("patient", "stands")
    assert host.rules.at_rest(service) == ""
    assert "is taken back" not in told(host)


@pytest.mark.parametrize("age", [10.0, 100.0])
def test_what_docker_calls_unhealthy_while_it_may_still_boot_is_asked(age: float) -> None:
    """A health check of the compose file may be over before a candidate's patience is."""
    host = patient()
    engine, before = host.world.engine, live(host)
    engine.rename("frontend", "frontend-blue")
    new = engine.create("frontend", engine.pull("me/behindy-frontend:patient"), before.labels | {"behindy.tag": "new"})
    engine.start(new.id)
    new.health = "unhealthy"
    host.world.pass_time(age)
    host.recover("frontend")
    assert (live(host) is new, host.rules.at_rest("frontend")) == (age < 45, "")
