"""Cron's five fields: what they mean, to systemd and to us."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from behindy_ops.project.cron import parse

NOW = datetime(2026, 11, 26, 21, 30, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("text", "calendar", "last"),
    [
        ("0 3 * * *", ("*-*-* 3:0:00",), "2026-11-26 03:00"),
        ("0  22 * * *", ("*-*-* 22:0:00",), "2026-11-25 22:00"),
        ("* * * * *", ("*-*-* *:*:00",), "2026-11-26 21:30"),
        ("*/15 8-18 * * 1-5", ("Mon,Tue,Wed,Thu,Fri *-*-* 8,9,10,11,12,13,14,15,16,17,18:0,15,30,45:00",),
         "2026-11-26 18:45"),
        ("5 0 * * 7", ("Sun *-*-* 0:5:00",), "2026-11-22 00:05"),
        ("30 4 1,15 * *", ("*-*-1,15 4:30:00",), "2026-11-15 04:30"),
        ("30 4 1 * 5", ("*-*-1 4:30:00", "Fri *-*-* 4:30:00"), "2026-11-20 04:30"),
        ("0 0 29 2 *", ("*-2-29 0:0:00",), "2024-02-29 00:00"),
        ("10-50/20 0 * 1-12/6 *", ("*-1,7-* 0:10,30,50:00",), "2026-07-31 00:50"),
    ],
)  # fmt: skip
def test_the_fields_are_systemds_calendar_and_have_a_last_moment(
    text: str, calendar: tuple[str, ...], last: str
) -> None:
    cron = parse(text)
    found = cron.last(NOW)
    assert found is not None
    assert (cron.calendar(), found.strftime("%Y-%m-%d %H:%M")) == (calendar, last)
    assert cron.text == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    ["", "0 3 * *", "0 3 * * * *", "60 3 * * *", "0 24 * * *", "0 3 0 * *", "0 3 * 13 *", "0 3 * * 8", "0 3 31 2 *",
     "5-1 * * * *", "*/0 * * * *", "a * * * *", "@daily", "0 3 * * MON", "-1 * * * *", "1;2 * * * *"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)
