"""Where two do not fit: the live release is stopped first, and comes back by itself when its successor is no good."""

from __future__ import annotations

import contextlib
import os
import re

import pytest

from behindy_ops.errors import BehindyError, Interrupted, Kind
from behindy_ops.report.events import Decision, DeployFinished, StepStarted, Warning_
from tests.kinds import raises
from tests.simulator.faults import Fault, heal, plan, plan_during
from tests.simulator.simulation import ClientKilled, Simulation
from tests.simulator.start import begin

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"


@pytest.fixture
def host() -> Simulation:
    return begin()


def tag(simulation: Simulation) -> str:
    live = simulation.world.live("frontend")
    return live.labels["behindy.tag"] if live else "nothing"


def steps(simulation: Simulation) -> list[str]:
    return [event.step for event in simulation.events if isinstance(event, StepStarted)]


def told(simulation: Simulation) -> str:
    return "\n".join(event.text for event in simulation.events if isinstance(event, Warning_ | Decision))


def scarce(simulation: Simulation, megabytes: int) -> None:
    """Let the host have so little memory left; the live frontend uses 300 MB."""
    simulation.world.available, simulation.world.used = megabytes * 2**20, 300 * 2**20


def test_a_candidate_that_does_not_fit_is_refused_with_what_can_be_done(host: Simulation) -> None:
    scarce(host, 100)
    with raises(Kind.NOT_ENOUGH_MEMORY) as caught:
        host.deploy("frontend", tag="mended")
    assert "needs about 300 MB; 100 MB available" in caught.value.what
    assert "--strategy recreate" in caught.value.remedy
    assert (tag(host), "pull" in steps(host), host.world.history) == ("second", False, [])


def test_force_makes_a_warning_of_it(host: Simulation) -> None:
    scarce(host, 100)
    host.deploy("frontend", tag="mended", force=True)
    assert tag(host) == "mended"
    assert "100 MB available" in told(host)


def test_the_live_release_is_stopped_before_its_successor_starts(host: Simulation) -> None:
    scarce(host, 100)
    host.recreate("frontend", tag="mended")
    done = steps(host)
    assert done.index("pull") < done.index("aside") < done.index("stop") < done.index("start") < done.index("switch")
    assert (tag(host), host.rules.at_rest("frontend")) == ("mended", "")
    assert "Downtime begins: frontend is stopped" in told(host)
    assert "frontend was down for at most 2 s" in told(host)
    assert [event.outcome for event in host.events if isinstance(event, DeployFinished)] == ["live"]


def test_what_would_not_fit_even_alone_is_refused_before_anything_is_stopped(host: Simulation) -> None:
    scarce(host, 40)
    with raises(Kind.NOT_ENOUGH_MEMORY):
        host.recreate("frontend", tag="mended")
    assert "aside" not in steps(host)


@pytest.mark.parametrize(
    ("release", "error"),
    [("exits", Kind.RELEASE_REFUSED), ("bad-inside", Kind.RELEASE_REFUSED), ("bad-through-nginx", Kind.RELEASE_REFUSED),
     ("bad-in-public", Kind.SWITCHED_BACK), ("dies-while-watched", Kind.SWITCHED_BACK)],
)  # fmt: skip
def test_a_bad_successor_brings_the_old_release_back(host: Simulation, release: str, error: Kind) -> None:
    before = host.world.live("frontend")
    with raises(error) as caught:
        host.recreate("frontend", tag=release)
    assert caught.value.state == "The previous release serves again, checked from outside."
    assert host.world.live("frontend") is before
    assert host.rules.at_rest("frontend") == ""


def test_the_downtime_ends_when_the_old_release_is_back_and_not_when_the_bad_one_had_the_name(host: Simulation) -> None:
    with raises(Kind.SWITCHED_BACK):
        host.recreate("frontend", tag="dies-while-watched")
    (seconds,) = re.findall(r"frontend was down for at most (\d+) s", told(host))
    assert int(seconds) > 4


def test_a_signal_before_the_switch_brings_it_back_and_one_after_it_leaves_the_new_one(host: Simulation) -> None:
    plan_during(host, "look_inside", Fault.SIGNAL)
    with pytest.raises(Interrupted) as caught:
        host.recreate("frontend", tag="mended")
    assert caught.value.state == "The previous release serves again, checked from outside."
    assert (tag(host), host.rules.at_rest("frontend")) == ("second", "")
    plan_during(host, "watch", Fault.SIGNAL)
    with pytest.raises(Interrupted):
        host.recreate("frontend", tag="mended")
    assert tag(host) == "mended"
    host.recover()
    assert (tag(host), host.rules.at_rest("frontend")) == ("mended", "")


def test_a_taken_back_successor_that_cannot_be_removed_does_not_keep_the_old_release_down(host: Simulation) -> None:
    before = host.world.live("frontend")
    plan_during(host, "discard", Fault.STUCK)
    with raises(Kind.SWITCHED_BACK) as caught:
        host.recreate("frontend", tag="bad-in-public")
    assert caught.value.state == "The previous release serves again, checked from outside."
    assert "The candidate may still be there" in told(host)
    assert host.world.live("frontend") is before
    assert "switched back" in str(host.world.history[-1])


def test_a_client_that_died_after_the_switch_has_proven_nothing(host: Simulation) -> None:
    host.world.checks.append(lambda: kill_after_switch(host))
    with pytest.raises(ClientKilled):
        host.recreate("frontend", tag="bad-in-public")
    assert tag(host) == "bad-in-public"
    host.recover()
    assert (tag(host), host.rules.at_rest("frontend")) == ("second", "")


def kill_after_switch(simulation: Simulation) -> None:
    """Kill the client some moments after the bad release has got the name."""
    live = simulation.world.live("frontend")
    if live is not None and live.labels["behindy.tag"] == "bad-in-public" and simulation.clients:
        del simulation.world.checks[-1]
        plan(simulation, 3, Fault.KILLED)


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.CUT, Fault.SIGNAL, Fault.REBOOT, Fault.DOCKERD_LONG])
@pytest.mark.parametrize("release", ["mended", "bad-inside", "bad-in-public"])
def test_a_fault_at_any_moment_heals(fault: Fault, release: str) -> None:
    for after in range(1, 130, 1 if FULL else 23):
        host = begin()
        plan(host, after, fault)
        with contextlib.suppress(BehindyError, ClientKilled):
            host.recreate("frontend", tag=release)
        heal(host)
        assert host.rules.at_rest("frontend") == "", f"{fault} {after} ticks into the recreation of {release}"


def test_a_first_deploy_has_nothing_to_stop() -> None:
    host = begin(deployed=False)
    host.recreate("frontend", tag="first")
    assert "Downtime" not in told(host)
    assert tag(host) == "first"
