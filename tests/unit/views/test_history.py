"""``deploy.history``: what was done, and what was begun and never ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from behindy_ops.deploy.history import maintained
from behindy_ops.views import history
from behindy_ops.views.history_page import deeds
from tests.unit.ops_facts import text_of


def entry(event: str, number: int, **changes: Any) -> dict[str, Any]:
    usual = {"at": "2027-01-15T07:00:00.123+00:00", "event": event, "kind": "deploy", "service": "backend"}
    return usual | {"release": f"r{number}", "tag": f"v{number}", "who": "mona"} | changes


def test_a_deploy_that_ended_is_told_once_with_its_end() -> None:
    told = [
        entry("begun", 1),
        entry("ended", 1, outcome="refused", seconds={"pull": 2.0, "look": 3.5}, reason="it exited"),
    ]
    assert (
        text_of(history.lines(told)) == "2027-01-15T07:00:00Z deploy of backend:v1 refused in 5.5 s, by mona it exited"
    )


def test_one_that_never_ended_is_told_as_such() -> None:
    assert "begun, no end recorded" in text_of(history.lines([entry("begun", 1)]))


def test_a_torn_line_is_left_out_and_another_service_too() -> None:
    written = [json.dumps(entry("begun", 1)), '{"at": "20', json.dumps(entry("begun", 2, service="frontend"))]
    assert [found["release"] for found in history.entries(written, "")] == ["r1", "r2"]
    assert [found["release"] for found in history.entries(written, "frontend")] == ["r2"]


def test_maintenance_is_about_no_release() -> None:
    line = maintained("backend", "on", at=datetime(2027, 1, 15, 7, tzinfo=UTC), who="mona")
    assert (
        text_of(history.lines(history.entries([line], ""))) == "2027-01-15T07:00:00Z maintenance of backend on, by mona"
    )


def test_the_environment_is_told_where_one_was_chosen() -> None:
    line = maintained("backend", "on", at=datetime(2027, 1, 15, 7, tzinfo=UTC), who="mona", environment="staging")
    told = text_of(history.lines([entry("begun", 1, environment="staging"), *history.entries([line], "")]))
    assert "deploy of backend:v1 (staging) begun, no end recorded" in told
    assert "maintenance of backend (staging) on, by mona" in told


def test_nothing_recorded_is_said() -> None:
    assert text_of(history.lines([])) == "Nothing is recorded."


def test_entries_of_a_later_version_are_shown_as_far_as_they_are_understood() -> None:
    written = ["[1]", "7", json.dumps(entry("ended", 1, outcome="live", release=["r1"], seconds="5 s"))]
    assert text_of(history.lines(history.entries(written, ""))).endswith("deploy of backend:v1 live, by mona")


ODD = ["NaN", "Infinity", "1e400", "1" + 400 * "0", "-1", "1e9"]
"""Figures that JSON's readers take and no step has taken."""


@pytest.mark.parametrize("figure", ODD)
def test_what_no_step_can_have_taken_counts_for_nothing(figure: str) -> None:
    written = json.dumps(entry("ended", 1, outcome="live", seconds={"pull": 2.0, "odd": 0})).replace(
        ": 0}", f": {figure}}}"
    )
    found = history.entries([written], "")
    assert text_of(history.lines(found)).endswith("deploy of backend:v1 live in 2.0 s, by mona")
    assert [deed.steps for deed in deeds(found)] == [{"pull": 2.0}]


def test_what_the_host_drained_by_itself_is_told_as_that() -> None:
    drained = entry("drained", 2, outcome="removed", seconds={"drain": 12.25}, reason="it was idle")
    assert text_of(history.lines([drained])).endswith(
        "deploy of backend:v2 previous release drained by the host, removed in 12.2 s, by mona it was idle"
    )
