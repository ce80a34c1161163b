"""Deploys that are interrupted on a simulated host: signals, lost leases, broken connections, second clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import ConnectionLost, HostUnreachable, Interrupted, LeaseLost, LockHeld
from behindy_ops.remote.command import Command, script, script_text
from tests.unit.simulator import SILENCE, ClientKilled, SimHost, Simulation
from tests.unit.simulator_faults import Fault, plan, plan_during
from tests.unit.simulator_scripts import SCRIPTS, body_of
from tests.unit.simulator_start import begin
from tests.unit.simulator_world import Process
from tests.unit.test_engine import decisions, history, live, outcomes, sent, tag, warnings

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE = ["pull", "look_inside", "look_outside"]
"""What runs before the switch and can be interrupted."""

AFTER = ["drain", "tidy", "stop_blue", "verify"]
"""What runs after it; ``drain`` begins with it and with the external check."""


@pytest.fixture
def host() -> Simulation:
    """Three services, each deployed twice."""
    return begin()


def changed(simulation: Simulation) -> object:
    """What a lost lease must protect."""
    world = simulation.world
    boxes = [(box.id, box.name, box.policy, box.life) for box in world.engine.boxes.values()]
    return boxes, {key: kept.status for key, kept in world.dirs.items()}, list(world.history)


@pytest.mark.parametrize("during", BEFORE)
@pytest.mark.parametrize("fault", [Fault.SIGNAL, Fault.SIGNAL_LATE])
def test_a_signal_before_the_switch_undoes_it(host: Simulation, during: str, fault: Fault) -> None:
    before = live(host)
    plan_during(host, during, fault)
    with pytest.raises(Interrupted) as caught:
        host.deploy("frontend", tag="mended")
    assert "runs on" in caught.value.state or "serves on" in caught.value.state
    assert live(host) is before
    assert host.rules.at_rest("frontend") == ""
    assert [entry["outcome"] for entry in history(host)[1:]] == ([] if during == "pull" else ["interrupted"])


def test_a_signal_while_compose_makes_the_candidate_waits_for_it(host: Simulation) -> None:
    plan_during(host, "start_green", Fault.SIGNAL)
    with pytest.raises(Interrupted):
        host.deploy("frontend", tag="mended")
    assert sent(host) == ["pull", "start_green", "look_inside", "discard", "record"]
    assert host.rules.at_rest("frontend") == ""


@pytest.mark.parametrize("during", AFTER)
def test_a_signal_after_the_switch_keeps_a_good_release(host: Simulation, during: str) -> None:
    plan_during(host, during, Fault.SIGNAL)
    with pytest.raises(Interrupted) as caught:
        host.deploy("frontend", tag="mended")
    assert "The new release of frontend is live and serves" in caught.value.state
    assert "deploy.recover" in caught.value.remedy
    assert tag(host) == "mended"
    assert history(host)[-1]["outcome"] == "live"
    host.recover()
    assert host.rules.at_rest("frontend") == ""
    assert (tag(host), host.rules.status_of(live(host))) == ("mended", "stands")


def test_a_signal_after_the_switch_takes_a_bad_release_back(host: Simulation) -> None:
    plan_during(host, "drain", Fault.SIGNAL)
    with pytest.raises(Interrupted) as caught:
        host.deploy("frontend", tag="bad-in-public")
    assert "The previous release serves again" in caught.value.state
    assert tag(host) == "second"
    assert host.rules.at_rest("frontend") == ""
    assert history(host)[-1]["outcome"] == "switched back"


@pytest.mark.parametrize("fault", [Fault.SIGNAL, Fault.SIGNAL_LATE])
def test_a_signal_never_interrupts_the_switch_itself(host: Simulation, fault: Fault) -> None:
    plan_during(host, "swap", fault)
    with pytest.raises(Interrupted) as caught:
        host.deploy("frontend", tag="mended")
    assert "is live and serves" in caught.value.state
    assert tag(host) == "mended"


@pytest.mark.parametrize("during", ["pull", "look_inside", "look_outside", "drain"])
@pytest.mark.parametrize("fault", [Fault.ASLEEP, Fault.AWAKES])
def test_a_client_that_lost_its_lease_changes_nothing_more(host: Simulation, during: str, fault: Fault) -> None:
    seen: list[object] = []
    plan_during(host, during, fault)
    host.world.checks.append(lambda: seen.append(changed(host)) if not host.world.leased and sent(host) else None)
    with pytest.raises(LeaseLost):
        host.deploy("frontend", tag="mended")
    assert len(host.connections) == 1
    assert changed(host) == seen[0]
    host.deploy("frontend", tag="mended")
    assert host.rules.at_rest("frontend") == ""


def test_a_client_that_slept_while_another_took_over_is_refused(host: Simulation) -> None:
    plan_during(host, "look_inside", Fault.OVERTAKEN)
    before = live(host)
    with pytest.raises(LeaseLost):
        host.deploy("frontend", tag="mended")
    assert live(host) is before
    assert host.rules.at_rest("frontend") == ""
    assert "stop_blue" in sent(host, 1)  # by which the other has removed the candidate


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CUT_SILENTLY])
@pytest.mark.parametrize("during", [*BEFORE, "start_green", "swap", *AFTER])
def test_a_connection_that_breaks_is_made_anew_once_and_the_deploy_is_finished(
    host: Simulation, during: str, fault: Fault
) -> None:
    plan_during(host, during, fault)
    begun = host.world.now
    host.deploy("frontend", tag="mended")
    assert len(host.connections) == 2
    assert "Connecting again to see where the host stands." in warnings(host)[0]
    assert (outcomes(host), tag(host)) == (["live"], "mended")
    assert host.rules.at_rest("frontend") == ""
    assert (host.world.now - begun > SILENCE) == (fault is Fault.CUT_SILENTLY)


@pytest.mark.parametrize("during", ["swap", *AFTER])
def test_what_was_done_when_the_connection_broke_is_not_done_again(host: Simulation, during: str) -> None:
    plan_during(host, during, Fault.CUT)
    host.deploy("frontend", tag="mended")
    assert not {"pull", "start_green", "swap"} & set(sent(host))
    assert "is live and serves" in decisions(host)
    releases = [release for service, release in host.world.dirs if service == "frontend"]
    assert len(releases) == 3


def test_a_connection_that_breaks_twice_is_an_error_that_says_so(host: Simulation) -> None:
    plan_during(host, "look_inside", Fault.CUT)
    plan_during(host, "verify", Fault.CUT)
    with pytest.raises(ConnectionLost):
        host.deploy("frontend", tag="mended")
    assert len(host.connections) == 2
    assert tag(host) == "mended"


def test_a_connection_that_breaks_before_the_lock_was_had_is_not_made_anew(host: Simulation) -> None:
    plan(host, 2, Fault.CUT)
    with pytest.raises(ConnectionLost):
        host.deploy("frontend", tag="mended")
    assert len(host.connections) == 1


def test_while_the_host_restarts_it_cannot_be_reached_and_what_is_known_of_it_is_said(host: Simulation) -> None:
    plan_during(host, "look_inside", Fault.REBOOT_LONG)
    with pytest.raises(HostUnreachable, match="how far it came is not known"):
        host.deploy("frontend", tag="mended")
    host.world.pass_time(60)
    host.deploy("frontend", tag="mended")
    assert host.rules.at_rest("frontend") == ""


@pytest.mark.parametrize("run", ["deploy", "roll_back", "recover"])
def test_while_one_client_works_another_is_refused_and_told_by_whom(host: Simulation, run: str) -> None:
    other: Callable[..., None] = getattr(host, run)
    refused: list[LockHeld] = []

    def come() -> None:
        if "look_inside" in {process.name for process in host.world.processes} and not refused:
            with pytest.raises(LockHeld) as caught:
                other("frontend")
            refused.append(caught.value)

    host.world.checks.append(come)
    host.deploy("frontend", tag="mended")
    assert refused[0].what.startswith("somebody@somewhere is changing this host: deploy of frontend:mended, since 20")
    assert sent(host) == []


def test_whoever_waits_for_the_lock_gets_it_when_the_other_has_died(host: Simulation) -> None:
    plan_during(host, "look_inside", Fault.VANISHED)
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag="mended")
    with pytest.raises(LockHeld):
        host.deploy("frontend", tag="mended")
    host.deploy("frontend", tag="mended", wait="2m")
    assert (outcomes(host), tag(host)) == (["live"], "mended")
    assert host.rules.at_rest("frontend") == ""


def test_the_next_client_waits_for_what_a_dead_one_is_still_doing(host: Simulation) -> None:
    plan_during(host, "start_green", Fault.KILLED, tick=4)
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag="mended")
    assert "start_green" in {process.name for process in host.world.processes}
    host.recover()
    assert sent(host)[0] == "stop_blue"
    assert host.world.engine.named("frontend-green") is None


def test_the_simulator_refuses_a_command_nobody_has_prepared(host: Simulation) -> None:
    process = Process("reboot")
    for argv in (("reboot",), ("docker", "system", "prune"), ("bash", "-c", "reboot", "reboot")):
        with pytest.raises(AssertionError, match="nobody has prepared"):
            body_of(host.world, process, Command(argv, title="break the host"))


def test_the_simulator_wants_the_lock_for_a_change(host: Simulation) -> None:
    from behindy_ops.interrupts import Interrupts

    connection = SimHost(host.world, Interrupts())
    with pytest.raises(ValueError, match="needs the lock"):
        connection.run(Command(script("stop_blue", "c1", "10"), title="stop it", changes=True))


def test_the_simulator_retells_scripts_that_exist() -> None:
    for name in SCRIPTS:
        assert script_text(name)
