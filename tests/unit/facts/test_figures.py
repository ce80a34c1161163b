"""Figures as people read them."""

from __future__ import annotations

import pytest

from behindy_ops.facts.figures import age, size, took


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (2048, "2 kB"),
        (4.5 * 2**20, "4.5 MB"),
        (851 * 2**20, "851 MB"),
        (20 * 2**30, "20.0 GB"),
    ],
)
def test_sizes_are_binary_and_short(count: float, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(("seconds", "said"), [(42, "42 s"), (300, "5 min"), (7 * 3600, "7 h"), (12 * 86400, "12 d")])
def test_ages_are_in_one_unit(seconds: float, said: str) -> None:
    assert age(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (-0.1, "0.0 s"), (0.04, "0.0 s"), (99.94, "99.9 s"), (99.96, "1 min 40 s"), (3599.6, "60 min 00 s")],
)
def test_durations_are_short(seconds: float, said: str) -> None:
    assert took(seconds) == said
