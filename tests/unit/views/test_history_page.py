"""``deploy.history --html``: what was done, from the host's entries to a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from behindy_ops.deploy.history import maintained
from behindy_ops.report.html import render
from behindy_ops.report.page import Look, Table, Timeline
from behindy_ops.views.history import entries
from behindy_ops.views.history_page import UNENDED, deeds, page

BEGIN = datetime(2027, 1, 15, 7, tzinfo=UTC).timestamp()


def entry(event: str, number: int, after: float = 0.0, **changes: Any) -> dict[str, Any]:
    at = datetime.fromtimestamp(BEGIN + after, UTC).isoformat(timespec="milliseconds")
    usual = {"at": at, "event": event, "kind": "deploy", "service": "backend", "who": "mona"}
    return usual | {"release": f"r{number}", "tag": f"v{number}"} | changes


HISTORY = [
    entry("begun", 1),
    entry("ended", 1, 6.0, outcome="live", seconds={"pull": 2.0, "start": 3.5}),
    entry("begun", 2, 100.0),
    entry("ended", 2, 112.0, outcome="refused", seconds={"pull": 9.0}, reason="it exited"),
    entry("drained", 1, 130.0, outcome="removed", seconds={"drain": 28.3}, reason="it was idle"),
    entry("begun", 3, 200.0, service="frontend"),
]


def table_of(part: object) -> Table:
    assert isinstance(part, Table)
    return part


def test_what_was_begun_and_what_ended_are_one_deed() -> None:
    first, second, third = deeds(HISTORY)
    assert (first.began, first.ended, first.outcome) == (BEGIN, BEGIN + 6, "live")
    assert first.steps == {"pull": 2.0, "start": 3.5, "drain by the host": 28.3}
    assert (second.tag, second.reason, second.look) == ("v2", "it exited", Look.CAREFUL)
    assert (third.service, third.outcome, third.look) == ("frontend", UNENDED, Look.FAINT)


def test_maintenance_is_about_no_release() -> None:
    line = maintained("backend", "on", at=datetime(2027, 1, 15, 7, tzinfo=UTC), who="mona")
    (deed,) = deeds(entries([line], ""))
    assert (deed.title, deed.outcome, deed.began) == ("maintenance of backend", "on", BEGIN)


def test_entries_of_a_later_version_are_shown_as_far_as_they_are_understood() -> None:
    odd = [
        entry("ended", 1, outcome=["live"], seconds="5 s", release=["r1"]),
        entry("ended", 2, outcome="live", at="yesterday"),
        entry("ended", 3, outcome="live", at=7, seconds={"pull": "2", "start": -1, "switch": 1.0}),
    ]
    (deed,) = deeds(odd)
    assert (deed.outcome, deed.steps, deed.look) == ("['live']", {}, Look.ONE)


def test_the_page_says_who_did_what_when_and_how_it_ended() -> None:
    made = page(HISTORY, "mona.example")
    tiles = {tile.name: tile.value for tile in made.tiles}
    assert tiles["Went live"] == "1"
    assert tiles["Refused or taken back"] == "1"
    assert tiles["No end recorded"] == "1"
    assert tiles["Median time to go live"] == "5.5 s"
    table = table_of(made.sections[-1].parts[0])
    assert table.head == ("when (UTC)", "what", "ended", "took", "who", "why", "steps")
    assert table.rows == (
        ("2027-01-15 07:03:20", "deploy of frontend:v3", UNENDED, "", "mona", "", ""),
        ("2027-01-15 07:01:40", "deploy of backend:v2", "refused", "9.0 s", "mona", "it exited", "pull 9.0 s"),
        (
            "2027-01-15 07:00:00", "deploy of backend:v1", "live", "5.5 s", "mona", "",
            "pull 2.0 s, start 3.5 s, drain by the host 28.3 s",
        ),
    )  # fmt: skip


def test_each_service_has_a_row_with_a_bar_for_each_deed() -> None:
    timeline = page(HISTORY, "mona.example").sections[0].parts[0]
    assert isinstance(timeline, Timeline)
    bars = {row.name: [(bar.begin - BEGIN, bar.end - BEGIN, bar.look) for bar in row.bars] for row in timeline.rows}
    assert bars == {
        "backend": [(0.0, 6.0, Look.GOOD), (100.0, 112.0, Look.CAREFUL)],
        "frontend": [(200.0, 200.0, Look.FAINT)],
    }
    assert timeline.table.rows == (("backend", "1", "1", "0"), ("frontend", "0", "0", "1"))


def test_what_took_how_long_is_drawn_without_what_the_host_did_later() -> None:
    timeline = page(HISTORY, "mona.example").sections[1].parts[0]
    assert isinstance(timeline, Timeline)
    assert [(row.name, row.value, [bar.title for bar in row.bars]) for row in timeline.rows] == [
        ("backend:v2", "9.0 s", ["pull: 9.0 s"]),
        ("backend:v1", "5.5 s", ["pull: 2.0 s", "start: 3.5 s"]),
    ]
    assert timeline.table.rows == (("pull", "11.0 s", "5.5 s"), ("start", "3.5 s", "3.5 s"))


def test_only_the_newest_are_drawn_and_the_table_has_all() -> None:
    many = [entry("ended", n, n * 60.0, outcome="live", seconds={"pull": 1.0}) for n in range(60)]
    made = page(many, "mona.example")
    drawn = made.sections[1].parts[0]
    assert isinstance(drawn, Timeline)
    assert [row.name for row in drawn.rows] == [f"backend:v{n}" for n in range(59, 19, -1)]
    assert len(table_of(made.sections[2].parts[0]).rows) == 60


def test_an_environment_is_a_column_where_one_was_chosen() -> None:
    made = page([entry("ended", 1, outcome="live", environment="staging")], "mona.example")
    table = table_of(made.sections[-1].parts[0])
    assert dict(zip(table.head, table.rows[0], strict=True))["environment"] == "staging"


def test_a_history_without_entries_is_a_page_too() -> None:
    text = render(page([], "mona.example", "backend"))
    assert "History of backend" in text
    assert "No deploy has been made yet." in text


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+00:00",
        "0001-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T23:59:59-09:00",
    ],
)
def test_the_first_and_the_last_moment_that_there_are_can_be_shown(at: str) -> None:
    made = page([entry("ended", 1, outcome="live", at=at)], "mona.example")
    assert table_of(made.sections[-1].parts[0]).rows[0][0].lstrip("0")[:10].rstrip() in ("1-01-01 00", "9999-12-31")
    assert "deploy of backend:v1" in render(made)


def test_a_hostile_entry_is_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    text = render(page([entry("ended", 1, outcome=hostile, reason=hostile, who=hostile, tag=hostile)], hostile))
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
