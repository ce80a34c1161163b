"""What a survey says of previous releases that the host drains by itself."""

from __future__ import annotations

import pytest

from behindy_ops.facts.draining import Draining, open_connections, parse_draining


def test_a_line_of_the_survey_is_read_and_one_that_is_cut_short_passed_over() -> None:
    rows = [["frontend", "c1", "r1", "1800000000", "2"], ["backend", "c2", "-", "1800000000", "0"], ["llm", "c3"]]
    assert parse_draining(rows) == {
        "frontend": Draining("c1", "r1", 1_800_000_000.0, 2),
        "backend": Draining("c2", "", 1_800_000_000.0, 0),
    }


def test_it_is_told_in_words_and_by_the_clock_of_the_host() -> None:
    assert Draining("c", "", 1_800_000_000.0, 2).described() == "2 open connections, until 08:00:00 UTC at the latest"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "no open connections"),
        (1, "1 open connection"),
        (2, "2 open connections"),
        (-1, "connections not visible"),
    ],
)
def test_connections_are_counted_in_words(count: int, words: str) -> None:
    assert open_connections(count) == words
