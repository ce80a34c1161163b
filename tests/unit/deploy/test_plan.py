"""What undoes a replacement; whole plans are walked in the simulator."""

from __future__ import annotations

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.plan import bring_back, way_back
from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.drain import FinishRequests
from behindy_ops.deploy.steps.external import CheckPrevious
from behindy_ops.deploy.steps.stop import StartAgain
from behindy_ops.deploy.steps.switch import GiveName
from tests.unit.deploy.states import state_of


def test_a_release_that_was_put_aside_is_started_again_only_if_it_was_told_to_stop() -> None:
    aside = state_of(Goal(recreate=True), phase=Phase.ASIDE)
    assert [type(step) for step in bring_back(aside)] == [GiveName, CheckPrevious]
    assert [type(step) for step in bring_back(aside.at(Phase.STOPPED))] == [StartAgain, GiveName, CheckPrevious]


def test_who_is_in_a_hurry_waits_for_no_last_requests() -> None:
    for hurried in (True, False):
        steps = [type(step) for step in way_back(state_of(), hurried=hurried)]
        assert (FinishRequests in steps) is not hurried
