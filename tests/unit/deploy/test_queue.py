"""A connection that breaks in the middle of a deploy, and what others did until it is there again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from behindy_ops.deploy import queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.errors import LeaseLost
from behindy_ops.report.events import Warning_
from tests.simulator.faults import Fault, plan_during
from tests.simulator.start import begin
from tests.simulator.world import ReleaseDir

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from behindy_ops.host.session import Session
    from tests.simulator.simulation import Simulation


def deploy_another(host: Simulation) -> None:
    host.deploy("frontend", tag="good")


def remove_it_by_hand(host: Simulation) -> None:
    host.rules.announced.add("frontend")
    host.world.engine.stop("frontend")
    host.world.engine.remove("frontend")


@pytest.mark.parametrize(
    ("meddle", "state", "live"),
    [(deploy_another, "good is live", "good"), (remove_it_by_hand, "There is none now", "nothing")],
)
def test_what_somebody_else_did_while_the_connection_was_down_is_not_undone(
    meddle: Callable[[Simulation], None], state: str, live: str
) -> None:
    host = begin()

    def connect() -> AbstractContextManager[Session]:
        if host.connections:
            meddle(host)
        return host.connect()

    plan_during(host, "look_inside", Fault.CUT)
    with pytest.raises(LeaseLost, match="somebody else changed frontend") as caught:
        queue.deploy(connect, [host.world.services["frontend"]], Goal(tag="mended"))
    assert caught.value.state == f"{state}; this run has changed nothing since."
    found = host.world.live("frontend")
    assert (found.labels["behindy.tag"] if found else "nothing") == live
    assert "start_green" not in [command.argv[3] for command in host.connections[-1].sent if len(command.argv) > 3]


@pytest.mark.parametrize("description", ["", "[1]", '{"id": "r9", "serv', '{"version": 2}'])
def test_a_release_that_cannot_be_read_stops_nothing_and_is_named_once(description: str) -> None:
    host = begin()
    host.world.dirs["frontend", "20990101-000000-r9"] = ReleaseDir(description, "stands", "")
    for run in (host.recover, partial(host.deploy, "frontend", tag="mended"), partial(host.roll_back, "frontend")):
        host.events.clear()
        run()
        told = [event.text for event in host.events if isinstance(event, Warning_)]
        assert sum("frontend/20990101-000000-r9/release.json cannot be read" in text for text in told) == 1
    live = host.world.live("frontend")
    assert live is not None
    assert live.labels["behindy.tag"] == "second"
