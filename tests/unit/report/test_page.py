"""Axes, heights and looks of a page's pictures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from behindy_ops.report.page import SERIES, dates_axis, levels, looks, seconds_axis


@pytest.mark.parametrize(
    ("end", "texts"),
    [
        (34.2, ["0 s", "10 s", "20 s", "30 s"]),
        (4.1, ["0 s", "2 s", "4 s"]),
        (0.9, ["0 s", "0.5 s"]),
        (100.0, ["0 s", "50 s", "100 s"]),
        (2500.0, ["0 s", "1000 s", "2000 s"]),
    ],
)
def test_an_axis_of_seconds_has_a_few_round_marks(end: float, texts: list[str]) -> None:
    assert [tick.text for tick in seconds_axis(0.0, end).ticks] == texts


def test_an_axis_may_begin_at_a_moment_and_counts_from_there() -> None:
    axis = seconds_axis(1_800_000_000.0, 1_800_000_010.0)
    assert [(tick.at - axis.begin, tick.text) for tick in axis.ticks] == [(0.0, "0 s"), (5.0, "5 s"), (10.0, "10 s")]


def test_what_is_beyond_an_edge_is_at_the_edge() -> None:
    axis = seconds_axis(0.0, 10.0)
    assert [axis.share(at) for at in (-5.0, 0.0, 2.5, 10.0, 99.0)] == [0.0, 0.0, 0.25, 1.0, 1.0]
    assert seconds_axis(3.0, 3.0).share(3.0) == 0.0


def test_moments_are_told_in_utc_with_seconds_where_they_are_close() -> None:
    day = 86_400.0
    assert [tick.text for tick in dates_axis(0.0, 2 * day).ticks] == [
        "1970-01-01 00:00", "1970-01-02 00:00", "1970-01-03 00:00",
    ]  # fmt: skip
    assert [tick.text for tick in dates_axis(day, day + 120).ticks][1] == "1970-01-02 00:01:00"


def test_a_single_moment_is_in_the_middle_of_a_minute() -> None:
    axis = dates_axis(3600.0, 3600.0)
    assert (axis.end - axis.begin, axis.share(3600.0)) == (60.0, 0.5)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [(datetime.min.replace(tzinfo=UTC), "1-01-01 00:00:00"), (datetime.max.replace(tzinfo=UTC), "9999-12-31 23:59:59")],
)
def test_the_marks_of_an_axis_keep_to_the_years_that_there_are(moment: datetime, shown: str) -> None:
    at = moment.timestamp()
    told = [tick.text.lstrip("0") for tick in dates_axis(at, at).ticks]
    assert len(told) == 3
    assert shown in told


@pytest.mark.parametrize(
    ("top", "height", "texts"),
    [
        (42.0, 50.0, ["50/s"]),
        (38.0, 40.0, ["20/s", "40/s"]),
        (0.0, 1.0, ["0.5/s", "1/s"]),
        (1800.0, 2000.0, ["1,000/s", "2,000/s"]),
    ],
)
def test_a_chart_is_as_high_as_a_round_number_above_its_highest_point(
    top: float, height: float, texts: list[str]
) -> None:
    found, marks = levels(top, "/s")
    assert found == pytest.approx(height)
    assert found >= top
    assert [mark.text for mark in marks] == texts


def test_heights_may_be_told_in_another_unit() -> None:
    height, marks = levels(300 * 2**20, " MB", 1 / 2**20)
    assert (height, [mark.text for mark in marks]) == (400 * 2**20, ["200 MB", "400 MB"])
    assert marks[0].at == 200 * 2**20


def test_looks_go_round_when_there_are_more_names() -> None:
    names = [f"v{number}" for number in range(8)]
    given = dict(looks(names))
    assert [given[name] for name in names] == [*SERIES, SERIES[0], SERIES[1]]
