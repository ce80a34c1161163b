"""A model of the whole: whatever strikes at whatever moment, no good release loses its users, and the next run heals.

With BEHINDY_TEST_FULL=1 far more of it is tried.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behindy_ops.errors import BehindyError, Kind
from tests.simulator.faults import Fault, plan
from tests.simulator.simulation import SERVICES, ClientKilled, Simulation
from tests.simulator.start import RELEASES, begin

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"

LONGEST = 115
"""Ticks a deploy takes, about."""


@dataclass(frozen=True)
class Act:
    """What an operator types, and what strikes meanwhile.

    Attributes:
        strikes: ticks after the beginning, and what strikes there.
        pause: seconds until the next act.
    """

    what: str
    service: str
    release: str = "good"
    strikes: tuple[tuple[int, Fault], ...] = ()
    open_for: float = 0.0
    pause: float = 0.0


def do(simulation: Simulation, act: Act) -> None:
    """Do it; how it ends is its own affair, as long as the rules hold."""
    world = simulation.world
    live = world.live(act.service)
    if live is not None:
        live.busy = world.now + act.open_for
    for after, fault in act.strikes:
        plan(simulation, after, fault)
    try:
        match act.what:
            case "deploy":
                simulation.deploy(act.service, tag=act.release)
            case "send":
                image = simulation.build(act.service, act.release, behaviour=RELEASES[act.release])
                simulation.deploy(act.service, tag=act.release, images={act.service: image})
            case "deploy all":
                simulation.deploy(tag=act.release)
            case "roll back":
                simulation.roll_back(act.service)
                live = world.live(act.service)
                assert live is None or live.image.behaviour.outside == 200, "rolled back to a bad release"
            case "recover":
                simulation.recover()
    except (BehindyError, ClientKilled):
        pass
    world.plan.clear()
    world.pass_time(act.pause)


def unrest(simulation: Simulation, services: set[str]) -> list[str]:
    return [why for service in sorted(services) if (why := simulation.rules.at_rest(service))]


def heal(simulation: Simulation, what: str) -> int:
    """Do plain runs until all is at rest; return how many it took. A lease that runs out is waited for."""
    services = set(SERVICES) if what == "deploy all" else set(simulation.rules.stood)
    waits = 0
    for runs in range(3):
        simulation.world.pass_time(20)
        if runs and not unrest(simulation, services):
            return runs
        while True:
            try:
                if what == "recover":
                    simulation.recover()
                else:
                    simulation.deploy(tag="mended")
            except BehindyError as error:
                if error.kind not in {Kind.LOCK_HELD, Kind.HOST_UNREACHABLE}:
                    break
                waits += 1
                assert waits < 4
                simulation.world.pass_time(70)
            else:
                break
    raise AssertionError(unrest(simulation, services))


acts = st.builds(
    Act,
    what=st.sampled_from(["deploy", "deploy", "send", "deploy all", "roll back", "recover"]),
    service=st.sampled_from(sorted(SERVICES)),
    release=st.sampled_from(sorted(RELEASES)),
    strikes=st.lists(st.tuples(st.sampled_from(range(1, LONGEST)), st.sampled_from(Fault)), max_size=3).map(tuple),
    open_for=st.sampled_from([0.0, 4.0, 60.0]),
    pause=st.sampled_from([0.0, 70.0]),
)


@settings(max_examples=5000 if FULL else 30, derandomize=not FULL, deadline=None, database=None, print_blob=False)
@given(
    deployed=st.booleans(),
    sequence=st.lists(acts, min_size=1, max_size=4),
    what=st.sampled_from(["deploy all", "recover"]),
)
def test_after_whatever_happens_two_plain_runs_at_most_put_all_in_order(
    deployed: bool, sequence: list[Act], what: str
) -> None:
    simulation = begin(deployed=deployed)
    for act in sequence:
        do(simulation, act)
    assert heal(simulation, what) <= 2


FEW = (("deploy", "good"), ("deploy", "bad-in-public"), ("send", "good"))


@pytest.mark.parametrize("fault", Fault)
def test_a_single_fault_at_any_moment_heals(fault: Fault) -> None:
    step = 1 if FULL else 17
    for what, release in itertools.product(("deploy", "send"), RELEASES) if FULL else FEW:
        for after in range(1, LONGEST, step):
            simulation = begin(deployed=True)
            do(simulation, Act(what, "frontend", release, ((after, fault),)))
            assert heal(simulation, "recover") <= 2
