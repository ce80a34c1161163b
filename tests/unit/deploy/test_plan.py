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
from behindy_ops.deploy.steps.step import Say, WithNext
from behindy_ops.deploy.steps.stop import Discard, StartAgain
from behindy_ops.deploy.steps.switch import GiveName, PutNamesBack
from behindy_ops.facts.release import Labels
from behindy_ops.facts.survey import Survey
from behindy_ops.report.events import Decision
from tests.unit.deploy.states import LIVE, SERVICE, state_of


def test_a_release_that_was_put_aside_is_started_again_only_if_it_was_told_to_stop() -> None:
    aside = state_of(Goal(recreate=True), phase=Phase.ASIDE)
    assert [type(step) for step in bring_back(aside)] == [GiveName, CheckPrevious]
    assert [type(step) for step in bring_back(aside.at(Phase.STOPPED))] == [StartAgain, GiveName, CheckPrevious]


def test_a_job_that_is_gone_back_to_has_its_name_again_and_is_not_run() -> None:
    job = replace(LIVE, running=False, labels={**LIVE.labels, Labels.schedule: "0 3 * * * 3600"})
    stopped = state_of(Goal(recreate=True), live=job, phase=Phase.STOPPED)
    assert [type(step) for step in bring_back(stopped)] == [GiveName]
    taken = [type(step) for step in way_back(state_of(live=job, phase=Phase.SWITCHED), hurried=True)]
    assert taken == [PutNamesBack, Discard]


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
    sent = [item.following for item in items if isinstance(item, WithNext)]
    assert any(isinstance(step, Rehearse) for step in sent) != bool(why)
