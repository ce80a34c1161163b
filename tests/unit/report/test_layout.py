"""Tables, bars and histories in 80 columns, whatever the names are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from behindy_ops.report.layout import Column, bar, clip, sentence, spark, table
from behindy_ops.report.text import Line, Tone, shown_with

KOREAN = "백엔드-컨테이너-이름이-아주-길어서-팔십-칸을-넘을-수-있는-경우를-위한-시험용-이름"


def test_a_bar_shows_whatever_is_more_than_nothing() -> None:
    assert bar(0, 4) == "░░░░"
    assert bar(0.001, 4) == "█░░░"
    assert bar(0.5, 4) == "██░░"
    assert bar(7, 4) == "████"


def test_a_history_keeps_its_last_values_and_its_height() -> None:
    assert spark([0, 50, 100], 100, 10) == "▁▅█"
    assert spark([9, 0, 0], 100, 2) == "▁▁"
    assert spark([], 0, 10) == ""


def test_a_long_korean_name_is_cut_by_cells_not_by_characters() -> None:
    short = clip(KOREAN, 20)
    assert cell_len(short) <= 20
    assert short.endswith("…")


@given(st.lists(st.tuples(st.text(max_size=90), st.text(max_size=90), st.text(max_size=90)), max_size=4))
def test_no_row_of_a_table_is_wider_than_eighty_cells_or_more_than_one_line(rows: list[tuple[str, str, str]]) -> None:
    lines = table((Column("name", 30), Column("figure", 12, right=True), Column("rest")), rows)
    assert len(lines) == len(rows) + 1
    for line in lines:
        assert cell_len(line.text) <= 80
        assert line.text.isprintable() or "\ufffd" in line.text or "\n" not in line.text


def test_only_the_last_column_gives_way() -> None:
    (_, line) = table((Column("a"), Column("b", 5), Column("c")), [("x" * 30, "123456", "한" * 60)])
    assert line.text.startswith(f"{'x' * 30}  1234…  한")
    assert line.text.endswith("…")
    assert 79 <= cell_len(line.text) <= 80


def test_columns_line_up_beside_wide_characters() -> None:
    lines = table((Column("name", 10), Column("n", right=True)), [("한글", "1"), ("ab", "22")])
    assert [line.text for line in lines] == ["name   n", "한글   1", "ab    22"]


def test_rows_have_their_tones() -> None:
    lines = table((Column("a"),), [("x",), ("y",)], [Tone.BAD, Tone.PLAIN])
    assert [line.tone for line in lines] == [Tone.STRONG, Tone.BAD, Tone.PLAIN]


def test_a_sentence_is_wrapped_and_its_commands_are_not_broken_at_hyphens() -> None:
    lines = sentence("word " * 20 + "inv ops.prune --dry-run", indent="  ")
    assert all(cell_len(line.text) <= 80 for line in lines)
    assert any("--dry-run" in line.text for line in lines)
    assert not [line.text for line in lines if line.text.endswith(" ")]


def test_a_stream_without_block_characters_gets_ascii() -> None:
    (line,) = shown_with("ascii", [Line("██░ ▁▅█ cut…", Tone.BAD)])
    assert (line.text, line.tone) == ("##- _=# cut~", Tone.BAD)
    assert shown_with("utf-8", [Line("██")]) == [Line("██")]


def test_a_sentence_in_wide_characters_is_wrapped_not_cut() -> None:
    lines = sentence("가나다 " * 30)
    assert all(cell_len(line.text) <= 80 for line in lines)
    assert "".join(line.text for line in lines).count("가나다") == 30
