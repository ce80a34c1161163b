"""A replacement that fails where nothing can be undone: what is told, and that the next run puts it in order."""

from __future__ import annotations

import pytest

from behindy_ops.errors import Kind, RemoteCommandFailed, SwitchedBack
from behindy_ops.report.events import Decision, TakenBack
from tests.kinds import raises
from tests.simulator.scripts import name_of
from tests.simulator.simulation import Simulation
from tests.simulator.start import begin

OUTAGE = 90.0
"""Seconds without Docker: longer than a script waits for it."""


@pytest.fixture
def host() -> Simulation:
    return begin()


def fail_docker_during_the_swap(host: Simulation, *, on_the_way_back: bool) -> None:
    """Let Docker go down after the first of the two renames."""

    def look() -> None:
        back = any(isinstance(event, Decision) and "is taken back" in event.text for event in host.events)
        swapping = any(process.name == "swap" for process in host.world.processes)
        torn = host.world.live("frontend") is None
        if swapping and torn and back is on_the_way_back:
            host.world.checks.remove(look)
            host.world.engine.go_down(OUTAGE)

    host.world.checks.append(look)
    host.rules.announced.add("frontend")


def sent(host: Simulation) -> list[str]:
    return [name_of(command) for command in host.connections[-1].sent]


def test_renames_that_can_neither_be_done_nor_undone_are_left_to_the_next_run(host: Simulation) -> None:
    fail_docker_during_the_swap(host, on_the_way_back=False)
    with raises(Kind.SWITCH_FAILED) as caught:
        host.deploy("frontend", tag="mended")
    assert caught.value.state == "The live name may be missing."
    assert "inv deploy.recover" in caught.value.remedy
    assert sent(host)[-1] == "swap"
    host.world.pass_time(OUTAGE)
    host.recover("frontend")
    assert host.rules.at_rest("frontend") == ""


def test_a_bad_release_that_keeps_the_name_is_not_said_to_be_switched_back(host: Simulation) -> None:
    before = host.world.live("frontend")
    fail_docker_during_the_swap(host, on_the_way_back=True)
    with pytest.raises(RemoteCommandFailed) as caught:
        host.deploy("frontend", tag="bad-in-public")
    assert not isinstance(caught.value, SwitchedBack)
    assert caught.value.state == "frontend still points at the new release."
    assert caught.value.remedy == "inv deploy.recover"
    assert not [event for event in host.events if isinstance(event, TakenBack)]
    assert sent(host)[-1] == "swap"
    host.world.pass_time(OUTAGE)
    host.recover("frontend")
    assert (host.world.live("frontend"), host.rules.at_rest("frontend")) == (before, "")
