"""What undoes a replacement; whole plans are walked in the simulator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.plan import bring_back, steps, way_back
from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.drain import FinishRequests
from behindy_ops.deploy.steps.external import CheckPrevious, Rehearse
from behindy_ops.deploy.steps.step import Say
from behindy_ops.deploy.steps.stop import StartAgain
from behindy_ops.deploy.steps.switch import GiveName
from behindy_ops.facts.survey import Survey
from behindy_ops.report.events import Decision
from tests.unit.deploy.states import SERVICE, state_of


def test_a_release_that_was_put_aside_is_started_again_only_if_it_was_told_to_stop() -> None:
    aside = state_of(Goal(recreate=True), phase=Phase.ASIDE)
    assert [type(step) for step in bring_back(aside)] == [GiveName, CheckPrevious]
    assert [type(step) for step in bring_back(aside.at(Phase.STOPPED))] == [StartAgain, GiveName, CheckPrevious]


def test_who_is_in_a_hurry_waits_for_no_last_requests() -> None:
    for hurried in (True, False):
        taken = [type(step) for step in way_back(state_of(), hurried=hurried)]
        assert (FinishRequests in taken) is not hurried


def test_without_a_previous_release_there_is_none_to_bring_back() -> None:
    assert [*bring_back(state_of(live=None, phase=Phase.STOPPED))] == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"service": replace(SERVICE, rehearsal="")}, "web declares no rehearsal path"),
        ({"survey": Survey(stale=frozenset({"web"}))}, "the nginx on the host has plain upstreams"),
        ({"survey": Survey()}, "the host has no rehearsal token"),
        ({}, ""),
    ],
)
def test_why_a_release_is_not_rehearsed_is_told(change: dict[str, Any], why: str) -> None:
    items = [*steps(replace(state_of(), **change))]
    told = [item.event.text for item in items if isinstance(item, Say) and isinstance(item.event, Decision)]
    assert any(why in text for text in told) == bool(why)
    assert any(isinstance(item, Rehearse) for item in items) != bool(why)
