"""The plot shows which release answered when, within 72 columns, in any terminal."""

from __future__ import annotations

import pytest

from sandbox.bench.plot import plot
from sandbox.traffic.model import Answers


def _steady(service: str, release: str, begin: float, end: float, count: int = 10) -> list[Answers]:
    return [Answers(service, quarter / 4, release, count) for quarter in range(int(begin * 4), int(end * 4))]


_DEPLOY = [*_steady("frontend", "v1", 0, 10), *_steady("frontend", "v2", 10, 20)]


def test_a_release_stands_where_it_answered_and_nowhere_else() -> None:
    v1, v2, *_ = plot(_DEPLOY, seconds=20, width=52)
    columns = 52 - len("frontend v1 ")
    assert v1 == "frontend v1 " + "█" * (columns // 2)
    assert v2 == "         v2 " + " " * (columns // 2) + "█" * (columns // 2)


def test_a_single_answer_among_thousands_still_shows() -> None:
    answers = [*_steady("frontend", "v1", 0, 20, count=1000), Answers("frontend", 15.0, "v3", 1)]
    assert plot(answers, seconds=20)[1].endswith("▁")


def test_heights_compare_within_a_service() -> None:
    answers = [*_steady("backend", "v1", 0, 10, count=100), *_steady("frontend", "v1", 0, 10, count=1)]
    backend, frontend, *_ = plot(answers, seconds=10, width=50)
    assert backend.count("█") == frontend.count("█") > 30


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp949-unknown"])
def test_a_terminal_without_block_characters_gets_ascii(encoding: str) -> None:
    lines = plot(_DEPLOY, seconds=20, encoding=encoding)
    assert all(line.isascii() for line in lines)
    assert "@@@@" in lines[0]


@pytest.mark.parametrize("width", [40, 72, 200])
def test_no_line_is_wider_than_asked_or_than_72(width: int) -> None:
    lines = plot(_DEPLOY, seconds=20, width=width)
    assert max(map(len, lines)) == min(width, 72)


def test_the_axis_runs_from_zero_to_the_end() -> None:
    axis = plot(_DEPLOY, seconds=20)[-1].split()
    assert axis == ["0", "s", "5", "s", "10", "s", "15", "s", "20", "s"]


def test_services_come_in_the_order_of_their_first_answers() -> None:
    answers = [*_steady("zoo", "v1", 0, 5), *_steady("abc", "v1", 1, 5), *_steady("zoo", "v2", 3, 5)]
    assert [line[:6] for line in plot(answers, seconds=5)[:3]] == ["zoo v1", "    v2", "abc v1"]


def test_services_can_be_put_in_another_order() -> None:
    answers = [*_steady("zoo", "v1", 0, 5), *_steady("abc", "v1", 1, 5)]
    assert [line[:3] for line in plot(answers, seconds=5, first=("abc", "none"))[:2]] == ["abc", "zoo"]


def test_no_answers_are_said_to_be_none() -> None:
    assert plot([], seconds=5) == ["no answers"]
