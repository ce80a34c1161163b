"""A deploy that is to happen only if its commit is newer than what is live, on a simulated host."""

from __future__ import annotations

import json

import pytest

from behindy_ops.deploy import queue
from behindy_ops.deploy.goals import Goal, commit_time
from behindy_ops.errors import Kind
from behindy_ops.report.events import Decision, DeployFinished, Plan
from tests.kinds import raises
from tests.simulator.simulation import Simulation
from tests.simulator.start import begin

MONDAY, TUESDAY = "2026-01-05T09:00:00+00:00", "2026-01-06T09:00:00+00:00"


@pytest.fixture
def host() -> Simulation:
    return begin()


def deploy(host: Simulation, tag: str, committed: str, *, force: bool = False, if_newer: bool = True) -> str:
    """Deploy, and return how that ended."""
    host.deploy("frontend", tag=tag, committed=commit_time(committed), if_newer=if_newer, force=force)
    return next(event.outcome for event in reversed(host.events) if isinstance(event, DeployFinished))


def live_tag(host: Simulation) -> str:
    live = host.world.live("frontend")
    assert live is not None
    return live.labels["behindy.tag"]


def test_an_older_commit_leaves_what_is_live_and_says_so(host: Simulation) -> None:
    assert deploy(host, "mended", TUESDAY) == "live"
    history = len(host.world.history)
    assert deploy(host, "good", MONDAY) == "older"
    assert live_tag(host) == "mended"
    assert len(host.world.history) == history
    (told,) = (event.text for event in host.events if isinstance(event, Decision) and "older than" in event.text)
    assert f"frontend:good is of a commit of {MONDAY}, older than that of the live release" in told
    assert f"(mended, {TUESDAY})" in told
    facts = next(event.facts for event in reversed(host.events) if isinstance(event, DeployFinished))
    assert facts["live_tag"] == "mended"
    assert host.rules.at_rest("frontend") == ""


@pytest.mark.parametrize(
    ("committed", "options", "outcome"),
    [
        ("2026-01-06T18:00:01+09:00", {}, "live"),
        (TUESDAY, {}, "live"),
        (MONDAY, {"if_newer": False}, "live"),
        (MONDAY, {"force": True}, "live"),
    ],
    ids=["newer", "of the same commit", "not asked", "forced"],
)
def test_any_other_is_deployed(host: Simulation, committed: str, options: dict[str, bool], outcome: str) -> None:
    deploy(host, "mended", TUESDAY)
    assert deploy(host, "good", committed, **options) == outcome
    assert live_tag(host) == "good"


def test_what_is_not_known_of_the_live_release_holds_nothing_up(host: Simulation) -> None:
    assert deploy(host, "mended", MONDAY) == "live"


def test_the_time_is_recorded_in_the_history_and_outlives_a_rollback(host: Simulation) -> None:
    deploy(host, "mended", MONDAY)
    deploy(host, "good", TUESDAY)
    ended = [json.loads(line) for line in host.world.history]
    assert [each["committed"] for each in ended if each["event"] == "ended"][-2:] == [MONDAY, TUESDAY]
    host.roll_back("frontend")
    assert live_tag(host) == "mended"
    assert host.world.live("frontend").labels["behindy.committed"] == MONDAY  # type: ignore[union-attr]
    assert deploy(host, "second", "2026-01-04T00:00:00Z") == "older"
    assert deploy(host, "good", TUESDAY) == "live"


def test_a_dry_run_says_it_too(host: Simulation) -> None:
    deploy(host, "mended", TUESDAY)
    host.events.clear()
    goal = Goal(tag="good", committed=MONDAY, if_newer=True)
    queue.show_plan(host.connect, [host.world.services["frontend"]], goal)
    assert not [event for event in host.events if isinstance(event, Plan)]
    assert any("Nothing would change." in event.text for event in host.events if isinstance(event, Decision))


@pytest.mark.parametrize("text", ["2026-01-05T09:00:00", "yesterday", "2026-01-05"])
def test_a_time_without_its_zone_is_refused(text: str) -> None:
    with raises(Kind.USAGE, match="no time with its zone"):
        commit_time(text)


def test_the_comparison_needs_a_time() -> None:
    with raises(Kind.USAGE, match="--if-newer needs to know"):
        commit_time("", needed=True)


@pytest.mark.parametrize(
    "text", ["2026-01-05T18:00:00+09:00", "2026-01-05T09:00:00Z", "1767603600", "2026-01-05 18:00:00 +0900"]
)
def test_whatever_git_prints_is_the_same_moment(text: str) -> None:
    assert commit_time(text) == MONDAY
