"""The table of what an interrupted run can leave."""

from __future__ import annotations

import itertools

import pytest

from behindy_ops.facts.container import Container
from behindy_ops.facts.draining import Draining
from behindy_ops.facts.leftovers import Recovery, decide, incomplete, leftover, serves
from behindy_ops.facts.survey import Survey, Trio
from behindy_ops.project.services import Service

LIVE, GREEN, BLUE = Container("1", "frontend"), Container("2", "frontend-green"), Container("3", "frontend-blue")
DEAD = Container("1", "frontend", running=False, status="exited")


@pytest.mark.parametrize(
    ("trio", "recovery"),
    [
        (Trio(), Recovery.NOTHING),
        (Trio(live=LIVE), Recovery.NOTHING),
        (Trio(live=DEAD), Recovery.NOTHING),
        (Trio(live=LIVE, green=GREEN), Recovery.REMOVE_GREEN),
        (Trio(live=DEAD, green=GREEN), Recovery.REMOVE_GREEN),
        (Trio(live=LIVE, green=GREEN, blue=BLUE), Recovery.REMOVE_GREEN),
        (Trio(green=GREEN, blue=BLUE), Recovery.FINISH_SWITCH),
        (Trio(live=LIVE, blue=BLUE), Recovery.FINISH_DRAIN),
        (Trio(live=DEAD, blue=BLUE), Recovery.SWITCH_BACK),
        (Trio(blue=BLUE), Recovery.RESTORE_BLUE),
        (Trio(green=GREEN), Recovery.START_OVER),
    ],
)
def test_what_was_seen_decides_what_is_done(trio: Trio, recovery: Recovery) -> None:
    assert decide(trio) is recovery


@pytest.mark.parametrize(
    "bad",
    [
        Container("1", "frontend", running=False),
        Container("1", "frontend", restarting=True),
        Container("1", "frontend", health="unhealthy"),
    ],
)
def test_a_live_container_that_does_not_serve_gives_way_to_a_blue_that_does(bad: Container) -> None:
    assert decide(Trio(live=bad, blue=BLUE)) is Recovery.SWITCH_BACK


def test_a_dead_blue_is_no_reason_to_take_back_the_name() -> None:
    dead_blue = Container("3", "frontend-blue", running=False)
    assert decide(Trio(live=DEAD, blue=dead_blue)) is Recovery.FINISH_DRAIN


def test_a_serving_live_container_never_loses_its_name_by_the_decision_alone() -> None:
    for green, blue in itertools.product((None, GREEN), (None, BLUE)):
        decision = decide(Trio(live=LIVE, green=green, blue=blue))
        assert decision in {Recovery.NOTHING, Recovery.REMOVE_GREEN, Recovery.FINISH_DRAIN}


def test_nothing_that_is_missing_serves() -> None:
    assert not serves(None)
    assert serves(LIVE)


@pytest.mark.parametrize(
    ("trio", "recovery"),
    [
        (Trio(live=LIVE, blue=BLUE), Recovery.NOTHING),
        (Trio(live=DEAD, blue=BLUE), Recovery.SWITCH_BACK),
        (Trio(live=LIVE, green=GREEN, blue=BLUE), Recovery.REMOVE_GREEN),
        (Trio(blue=BLUE), Recovery.RESTORE_BLUE),
        (Trio(live=LIVE), Recovery.NOTHING),
    ],
)
def test_what_the_host_drains_itself_is_left_to_it_as_long_as_its_successor_serves(
    trio: Trio, recovery: Recovery
) -> None:
    assert decide(trio, draining=True) is recovery
    containers = {each.name: each for each in trio if each is not None}
    survey = Survey(containers=containers, draining={"frontend": Draining("3", "r1", 0.0)})
    assert leftover(survey, "frontend") is recovery


def test_what_ran_once_is_ended_before_anything_else_and_only_if_a_deploy_made_it() -> None:
    ours = {"behindy.once": "x"}
    trio = {"frontend": LIVE, "frontend-green": GREEN}
    for what, recovery in (("before", Recovery.END_BEFORE), ("after", Recovery.END_AFTER)):
        name = f"frontend-{what}"
        survey = Survey(containers={**trio, name: Container("4", name, labels=ours)})
        assert leftover(survey, "frontend") is recovery
        survey = Survey(containers={**trio, name: Container("4", name)})  # a service may be called so
        assert leftover(survey, "frontend") is Recovery.REMOVE_GREEN
    assert leftover(Survey(containers={**trio, "x": Container("4", "frontend-run-1", labels=ours)}), "frontend") is (
        Recovery.REMOVE_GREEN
    )


@pytest.mark.parametrize(
    ("has", "wanted", "told"),
    [
        (None, 0, ""),
        (2, 2, ""),
        (None, 2, "web is a container of one host, and is to be run by the swarm"),
        (2, 0, "web is run by the swarm, and is to be a container of this host"),
        (1, 3, "web has 1 task, not 3"),
        (3, 2, "web has 3 tasks, not 2"),
    ],
)
def test_what_is_not_run_as_it_is_declared_is_not_complete(has: int | None, wanted: int, told: str) -> None:
    survey = Survey(containers={"web": Container("w", "web", replicas=has)})
    assert incomplete(survey, Service("web", "me/web", tasks=wanted)) == told
