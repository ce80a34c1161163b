"""Events on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len

from behindy_ops.report import events
from behindy_ops.report.console import Console
from behindy_ops.report.stream import SafeStream
from tests.unit.report.told import ONE_OF_EACH, lines_left, on_console


def test_a_terminal_shows_steps_in_columns_within_eighty() -> None:
    shown = on_console(*ONE_OF_EACH)
    left = lines_left(shown)
    assert "  ✓ Pull the image                                1.2 s  sha256:1f2e" in left
    assert "  ✗ Ask from inside                              45.1 s  exited with code 1" in left
    assert "✓ frontend v2 is live in 8.4 s" in left
    assert "    │ [red]two[/red]" in left
    assert all(len(line) <= 80 for line in left)


def test_a_detail_without_room_goes_below_its_step() -> None:
    left = lines_left(on_console(events.StepDone("x", 1, "word " * 20)))
    assert left[0].endswith("1.0 s")
    assert left[1].startswith("      word word")
    assert all(len(line) <= 80 for line in left)


def test_korean_titles_keep_the_times_in_their_column() -> None:
    left = lines_left(on_console(events.StepDone("a", 1), events.StepStarted("b", "이미지"), events.StepDone("b", 1)))
    korean = next(line for line in left if "이미지" in line and "✓" in line)
    latin = next(line for line in left if "✓ a" in line)
    assert len(korean) + len("이미지") == len(latin)


def test_a_step_that_runs_is_shown_with_a_clock_and_erased_when_it_is_done() -> None:
    shown = on_console(events.StepStarted("pull", "Pull"), events.StepDone("pull", 1.0))
    assert "0.0 s" in shown
    assert "\x1b[?25l" in shown
    assert "\x1b[2K" in shown


@pytest.mark.parametrize("told", [ONE_OF_EACH[:3], ONE_OF_EACH[:2]])
def test_the_cursor_comes_back_even_when_a_step_never_ended(told: list[events.Event]) -> None:
    shown = on_console(*told)
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0


def test_two_steps_may_run_at_once() -> None:
    left = lines_left(
        on_console(
            events.StepStarted("a", "First"),
            events.StepStarted("b", "Second"),
            events.StepDone("a", 1),
            events.StepDone("b", 2),
        )
    )
    ended = [line for line in left if "✓" in line]
    assert [line.split()[1] for line in ended] == ["First", "Second"]


def test_progress_of_a_step_that_has_ended_shows_nothing() -> None:
    assert on_console(events.StepProgress("pull", "3 of 7")).strip() == ""


def test_an_error_fits_a_narrow_terminal() -> None:
    left = lines_left(on_console(events.Failed("refused", "word " * 30), width=40))
    assert max(map(len, left)) <= 40


@pytest.mark.parametrize("words", ["word " * 30, "안녕 " * 40])
def test_quoted_lines_wrap_at_words_behind_their_bar(words: str) -> None:
    left = lines_left(on_console(events.Logs("log", (f"  {words}",)), width=40))[1:]
    assert len(left) > 3
    assert all(line.startswith("    │ ") and cell_len(line) <= 40 for line in left)
    assert {part for line in left for part in line.split()} == {"│", words[: words.index(" ")]}


def test_what_is_longer_than_a_line_is_left_whole() -> None:
    assert "x" * 100 in on_console(events.Plan("plan", ("run " + "x" * 100,)), width=40)


def test_no_color_means_no_color() -> None:
    colours = re.compile(r"\x1b\[(?:[0-9;]*;)?3[0-7]m")
    assert colours.search(on_console(*ONE_OF_EACH))
    assert not colours.search(on_console(*ONE_OF_EACH, color=False))


def test_an_ascii_terminal_gets_ascii_signs() -> None:
    raw = io.BytesIO()
    show = Console(SafeStream(io.TextIOWrapper(raw, encoding="ascii", write_through=True)), width=80)
    for event in ONE_OF_EACH:
        show(event)
    show.close()
    left = lines_left(raw.getvalue().decode("ascii"))
    assert "  + Pull the image                                1.2 s  sha256:1f2e" in left
    assert not [line for line in left if "?" in line]
