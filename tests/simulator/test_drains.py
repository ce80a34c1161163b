"""The host drains a previous release by itself: docs/design.md, "The drain belongs to the host"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import BehindyError
from behindy_ops.facts.leftovers import Recovery, leftover
from tests.simulator.faults import Fault, plan, plan_during, strike
from tests.simulator.simulation import ClientKilled, Simulation
from tests.simulator.start import begin
from tests.simulator.test_deploys import decisions, history, live, outcomes, sent, tag, warnings

if TYPE_CHECKING:
    from tests.simulator.docker import Box

LONG = 25.0
"""Seconds that a request to the previous release still takes; ``drain`` is 30."""


@pytest.fixture
def host() -> Simulation:
    return begin()


def busy(host: Simulation, service: str = "frontend", seconds: float = LONG) -> Box:
    """A deploy that has ended while the host still drains what was live before, which is returned."""
    before = live(host, service)
    before.busy = host.world.now + seconds
    host.deploy(service, tag="mended", drained=False)
    assert service in host.world.draining
    return before


def test_a_deploy_ends_when_its_release_is_proven_and_the_host_stops_the_previous_one_once_it_is_idle(
    host: Simulation,
) -> None:
    begun = host.world.now
    before = busy(host)
    assert host.world.now - begun < LONG - 5
    assert (outcomes(host), host.world.locked, before.running) == (["live"], None, True)
    assert "frontend-blue is drained by the host: 1 open connection, until" in decisions(host)
    host.drained()
    assert (before.running, host.rules.at_rest("frontend")) == (False, "")
    assert host.world.now >= before.busy
    last = history(host)[-1]
    assert (last["event"], last["outcome"], last["previous"]) == (
        "drained", "removed", before.labels["behindy.release"]
    )  # fmt: skip


def test_what_stays_busy_is_stopped_when_its_time_is_up(host: Simulation) -> None:
    before = busy(host, seconds=3600)
    busy_until = before.busy
    host.drained()
    assert (before.running, host.world.now < busy_until) == (False, True)


def test_other_services_are_deployed_meanwhile(host: Simulation) -> None:
    before = busy(host)
    host.deploy("backend", tag="mended", drained=False)
    assert (tag(host, "backend"), before.running) == ("mended", True)


def test_the_same_service_waits_for_it_without_the_lock(host: Simulation) -> None:
    before = busy(host)
    during: list[str] = []

    def deploy_another() -> None:
        if not during and any(process.name == "await" for process in host.world.processes):
            during.append("backend")
            host.deploy("backend", tag="mended", drained=False)

    host.world.checks.append(deploy_another)
    host.deploy("frontend", tag="good")
    assert (tag(host), tag(host, "backend"), before.running) == ("good", "mended", False)
    assert "The host still drains frontend-blue: 1 open connection, until" in decisions(host)
    assert "--now has it stopped without waiting" in decisions(host)
    assert host.world.now >= before.busy


@pytest.mark.parametrize("how", ["deploy", "rollback", "recover"])
def test_with_now_it_is_stopped_at_once(host: Simulation, how: str) -> None:
    before = busy(host)
    busy_until = before.busy
    host.rules.hurried.add("frontend")
    if how == "deploy":
        host.deploy("frontend", tag="good", now=True)
    elif how == "rollback":
        host.roll_back("frontend", now=True)
    else:
        host.recover("frontend", now=True)
    assert (before.running, host.rules.at_rest("frontend")) == (False, "")
    assert host.world.now < busy_until


def test_nothing_is_to_be_put_in_order_meanwhile(host: Simulation) -> None:
    before = busy(host)
    host.events.clear()
    host.recover("frontend")
    assert "frontend: steady; the host drains frontend-blue (1 open connection, until" in decisions(host)
    assert sent(host) == []
    assert before.running is False  # by the host, in the end


@pytest.mark.parametrize("fault", [Fault.REBOOT, Fault.REBOOT_LONG])
def test_a_reboot_meanwhile_is_healed_by_the_next_command(host: Simulation, fault: Fault) -> None:
    before = busy(host)
    strike(host, fault)
    host.world.pass_time(60)
    assert host.world.engine.named("frontend-blue") is before
    host.recover("frontend")
    assert (host.rules.at_rest("frontend"), tag(host)) == ("", "mended")


def test_a_drain_that_was_killed_is_finished_by_the_next_command(host: Simulation) -> None:
    before = busy(host)
    (drainer,) = [process for process in host.world.processes if process.name == "drainer"]
    host.world.processes.remove(drainer)
    drainer.end(137)
    before.busy = 0.0
    host.deploy("frontend", tag="good")
    assert (host.rules.at_rest("frontend"), tag(host)) == ("", "good")


@pytest.mark.parametrize("fault", [Fault.DOCKERD, Fault.DOCKERD_LONG, Fault.DOCKERD_AWAY])
@pytest.mark.parametrize("tick", range(1, 9))
def test_an_engine_that_is_started_again_meanwhile_loses_nothing(host: Simulation, fault: Fault, tick: int) -> None:
    plan_during(host, "drainer", fault, tick=tick)
    host.deploy("frontend", tag="mended")
    host.world.pass_time(40)
    host.recover("frontend")
    assert (host.rules.at_rest("frontend"), tag(host)) == ("", "mended")


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.VANISHED, Fault.CUT, Fault.SIGNAL, Fault.SECOND, Fault.REBOOT])
@pytest.mark.parametrize("tick", range(1, 9))
def test_whatever_strikes_while_it_is_handed_over_is_healed(host: Simulation, fault: Fault, tick: int) -> None:
    plan_during(host, "leave", fault, tick=tick)
    with pytest.raises((ClientKilled, BehindyError)) if fault is not Fault.SECOND else _nothing():
        host.deploy("frontend", tag="mended")
        raise ClientKilled  # it was over by then
    host.world.pass_time(100)
    host.recover("frontend")
    assert (host.rules.at_rest("frontend"), tag(host)) == ("", "mended")


def _nothing() -> pytest.RaisesExc[ClientKilled]:
    return pytest.raises(ClientKilled)


@pytest.mark.parametrize("after", range(1, 400, 23))
def test_a_second_client_that_comes_while_it_drains_changes_nothing_of_it(host: Simulation, after: int) -> None:
    before = busy(host)
    plan(host, after, Fault.SECOND)
    host.drained()
    assert (before.running, host.rules.at_rest("frontend")) == (False, "")
    assert host.world.now >= before.busy


def test_a_release_that_crashes_meanwhile_is_switched_back_to_what_still_drains(host: Simulation) -> None:
    before = busy(host)
    bad = live(host)
    bad.policy = "no"
    host.world.engine.kill(bad.id)
    with host.connect() as session:
        survey = session.look()
    assert leftover(survey, "frontend") is Recovery.SWITCH_BACK
    host.recover("frontend")
    assert (live(host), before.running, warnings(host)) == (before, True, [])
    drained = [entry for entry in history(host) if entry["event"] == "drained"]
    assert [(entry["outcome"], entry["reason"]) for entry in drained] == [("left", "a command has taken it over")]


def test_nothing_is_stopped_whose_successor_does_not_run(host: Simulation) -> None:
    before = busy(host)
    bad = live(host)
    bad.policy = "no"
    host.world.engine.kill(bad.id)
    host.drained()
    assert before.running
    assert history(host)[-1]["reason"] == "its successor does not run"
    host.recover("frontend")
    assert live(host) is before


def test_what_cannot_be_stopped_is_left_to_the_next_command(host: Simulation) -> None:
    host.world.engine.stuck_until = host.world.now + 60
    host.deploy("frontend", tag="mended")
    assert history(host)[-1]["outcome"] == "left"
    host.world.pass_time(60)
    host.recover("frontend")
    assert (host.rules.at_rest("frontend"), tag(host)) == ("", "mended")


def test_a_dry_run_says_what_still_drains(host: Simulation) -> None:
    from behindy_ops.deploy import queue
    from behindy_ops.deploy.goals import Goal

    busy(host)
    queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="good"))
    assert "frontend-blue is drained first" in decisions(host)


@pytest.mark.parametrize("how", ["rollback", "recover"])
def test_a_rollback_while_the_previous_release_still_drains_goes_to_that_one(host: Simulation, how: str) -> None:
    before = busy(host)
    bad = live(host)
    bad.policy = "no"
    host.world.engine.kill(bad.id)
    if how == "rollback":
        host.roll_back("frontend")
    else:
        host.recover("frontend")
    assert live(host) is before, "it is what was live before, and not the one before that"
    assert host.rules.at_rest("frontend") == ""


def test_a_rollback_to_a_named_release_goes_there_whatever_was_put_in_order(host: Simulation) -> None:
    busy(host)
    bad = live(host)
    bad.policy = "no"
    host.world.engine.kill(bad.id)
    host.roll_back("frontend", to="first")
    assert tag(host) == "first"


@pytest.mark.parametrize("now", [False, True])
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CUT_SILENTLY])
def test_a_connection_that_breaks_after_it_was_handed_over_ends_with_what_is_live(
    host: Simulation, fault: Fault, *, now: bool
) -> None:
    before = live(host)
    before.busy = host.world.now + 3600
    plan_during(host, "verify", fault, tick=6)
    begun = host.world.now
    host.deploy("frontend", tag="mended", now=now, drained=False)
    assert (tag(host), outcomes(host)) == ("mended", ["live"])
    assert before.running is (fault is Fault.CUT), "a minute later its time was up"
    assert "still drains" not in decisions(host), "what it has replaced itself is no reason to wait"
    assert host.world.now - begun < 25 + (90 if fault is Fault.CUT_SILENTLY else 0)
    assert [entry["outcome"] for entry in history(host) if entry["event"] == "ended"] != []
