"""What somebody else sees while a deploy is under way: who is at it, and nothing that an earlier run has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.deploy import queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.errors import Kind
from behindy_ops.facts.leftovers import Recovery, leftover
from behindy_ops.views.status import StatusView, describe
from behindy_ops.views.view import as_seen
from tests.kinds import raises
from tests.simulator.faults import Fault, plan_during
from tests.simulator.simulation import ClientKilled, Simulation
from tests.simulator.start import begin
from tests.simulator.test_deploys import live, warnings
from tests.simulator.test_drains import LONG

if TYPE_CHECKING:
    from collections.abc import Callable

    from behindy_ops.facts.survey import Survey


@pytest.fixture
def host() -> Simulation:
    return begin()


def look(host: Simulation) -> tuple[Survey, StatusView]:
    """What ``deploy.status`` sees and shows."""
    with host.connect() as session:
        survey = session.look()
        return survey, describe(as_seen(session, survey))


def looks_during(host: Simulation, deploy: Callable[[], None]) -> list[tuple[Survey, StatusView]]:
    """Somebody else's looks, one after the other, as long as a deploy takes and until the host drains nothing."""
    seen: list[tuple[Survey, StatusView]] = []
    looking = False

    def another() -> None:
        nonlocal looking
        if not looking:
            looking = True
            seen.append(look(host))
            looking = False

    host.world.checks.append(another)
    deploy()
    host.world.pass_time(2)
    host.world.checks.remove(another)
    return seen


@pytest.mark.parametrize("how", ["deploy", "with a drain", "waiting for the drain", "refused", "recreated"])
def test_whoever_looks_meanwhile_is_told_who_is_at_it_and_of_no_earlier_run(host: Simulation, how: str) -> None:
    def deploy() -> None:
        if how == "recreated":
            host.recreate("frontend", tag="mended")
        elif how == "refused":
            with raises(Kind.RELEASE_REFUSED):
                host.deploy("frontend", tag="bad-inside")
        else:
            host.deploy("frontend", tag="mended", wait_drain=how == "waiting for the drain")

    if "drain" in how:
        live(host).busy = host.world.now + LONG
    seen = looks_during(host, deploy)
    told = {(leftover(survey, "frontend"), *(each.leftover for each in view.services)) for survey, view in seen}
    assert told == {(Recovery.NOTHING, "", "", "")}
    beside = [view for survey, view in seen if survey.trio("frontend").green or survey.trio("frontend").blue]
    at_it = {view.changing for view in beside if view.changing}
    assert len(beside) > 5
    assert {text.partition(" is changing this host: ")[0] for text in at_it} == {"somebody@somewhere"}
    assert seen[-1][1].changing == ""


def test_what_a_client_that_died_has_left_is_told_once_its_lock_has_ended(host: Simulation) -> None:
    plan_during(host, "look_inside", Fault.VANISHED)
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag="mended")
    survey, view = look(host)
    assert (leftover(survey, "frontend"), bool(view.changing)) == (Recovery.NOTHING, True)
    queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="good"))
    (warning,) = warnings(host)
    assert warning.endswith("The plan is for what is there now.")
    host.world.pass_time(61)
    survey, view = look(host)
    assert (leftover(survey, "frontend"), view.changing) == (Recovery.REMOVE_GREEN, "")
    assert [each.leftover[:40] for each in view.services if each.leftover] == [Recovery.REMOVE_GREEN.value[:40]]
