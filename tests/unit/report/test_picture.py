"""A watched view: drawn in place on a terminal, one picture after the other elsewhere."""

from __future__ import annotations

import io
import os
import pty
import select
from collections.abc import Callable

import pytest

from behindy_ops.report.picture import Picture
from behindy_ops.report.text import Line, Tone


def on_a_terminal(*pictures: list[Line], **environ: str) -> str:
    outer, inner = pty.openpty()
    with os.fdopen(inner, "w", encoding="utf-8") as stream:
        with Picture(stream, {"TERM": "xterm", **environ}) as picture:
            for lines in pictures:
                picture.show(lines)
        shown = b""
        while select.select([outer], [], [], 0.2)[0]:
            shown += os.read(outer, 65536)
    os.close(outer)
    return shown.decode()


def test_the_second_picture_takes_the_place_of_the_first() -> None:
    shown = on_a_terminal([Line("one"), Line("more")], [Line("two")])
    assert shown.index("one") < shown.index("\x1b[1A") < shown.index("two")
    assert shown.startswith("\x1b[?25l")
    assert shown.rstrip().endswith("\x1b[?25h")


def elsewhere(*pictures: list[Line], **environ: str) -> str:
    stream = io.StringIO()
    with Picture(stream, {"TERM": "xterm", **environ}) as picture:
        for lines in pictures:
            picture.show(lines)
    return stream.getvalue()


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_who_wants_them(environ: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[33m" in on_a_terminal([Line("careful", Tone.CAREFUL)], **environ)) is coloured


@pytest.mark.parametrize("show", [on_a_terminal, elsewhere])
def test_a_picture_has_commands_as_the_reader_types_them(show: Callable[..., str]) -> None:
    assert "See ./inv ops.ps." in show([Line("See inv ops.ps.")], BEHINDY_INV="./inv")


def test_a_picture_has_at_most_the_rows_of_the_terminal() -> None:
    shown = on_a_terminal([Line(f"line {number}") for number in range(500)], [Line("end")])
    assert shown.count("line 499") == 0
    assert "..." not in shown  # the last row is a line like the others


def test_without_a_terminal_pictures_follow_each_other() -> None:
    assert elsewhere([Line("one", Tone.BAD)], [Line("two")]) == "one\ntwo\n"
