"""What an interrupted run left, where it is not as simple as it is mostly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.report.events import Decision, Warning_
from tests.simulator.faults import Fault, plan_during
from tests.simulator.scripts import name_of
from tests.simulator.simulation import ClientKilled
from tests.simulator.start import begin

if TYPE_CHECKING:
    from tests.simulator.docker import Box
    from tests.simulator.simulation import Simulation


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
    assert ("look_inside" in sent(host)) is runs
    assert "watch" not in sent(host)


def test_a_first_release_that_was_never_proven_and_does_not_answer_is_told_and_does_not_stand() -> None:
    host = begin(deployed=False)
    plan_during(host, "watch", Fault.KILLED)
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag="bad-in-public")
    bad, recorded = live(host), list(host.world.history)
    host.recover("frontend")
    assert "frontend was never proven and does not answer from outside. Deploy a good release." in told(host)
    assert (live(host), bad.running, host.rules.status_of(bad)) == (bad, True, "candidate")
    assert host.world.history == recorded
