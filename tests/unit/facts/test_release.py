"""Releases: their ids."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from behindy_ops.facts.release import Release, next_id

NOW = datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=9)))


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([], "20260131-010000"),
        (["20260131-005959-abcd"], "20260131-010000"),
        (["20260131-010000-abcd", "20250131-000000-abcd"], "20260131-010001"),
        (["20260201-235959-abcd"], "20260202-000000"),
        (["by hand", "20269999-000000-abcd"], "20260131-010000"),
    ],
)
def test_ids_sort_in_the_order_in_which_releases_were_made_even_if_the_clock_was_set_back(
    earlier: list[str], expected: str
) -> None:
    assert next_id(NOW, [Release(each, "web", "", "", "", "") for each in earlier]) == expected
