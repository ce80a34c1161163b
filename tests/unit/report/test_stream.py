"""A stream that is closed or broken stops nothing, and what is typed is shown as the reader types it."""

from __future__ import annotations

import io
import os

import pytest

from behindy_ops.report.stream import SafeStream
from tests.unit.report.told import ONE_OF_EACH, renderers

BOLD, PLAIN = "\x1b[1;31m", "\x1b[0m"


def test_a_reader_that_went_away_does_not_stop_a_deploy() -> None:
    for number in range(3):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as stream:
            show = list(renderers(stream))[number]
            for event in ONE_OF_EACH:
                show(event)
            show.close()


def test_a_closed_stream_does_not_stop_a_deploy() -> None:
    stream = io.StringIO()
    shows = list(renderers(stream))
    stream.close()
    for show in shows:
        for event in ONE_OF_EACH:
            show(event)
        show.close()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See inv ops.ps, (inv env.diff)", "See ./inv ops.ps, (./inv env.diff)"),
        ("inv\n  ops.ps", "./inv\n  ops.ps"),
        ("To make one: inv init --check", "To make one: ./inv init --check"),
        (f"{BOLD}inv ops.ps{PLAIN}", f"{BOLD}./inv ops.ps{PLAIN}"),
        (f"Type inv{PLAIN}\n{BOLD}  ops.ps", f"Type ./inv{PLAIN}\n{BOLD}  ops.ps"),
        ("./inv ops.ps, /a/inv ops.ps, my-inv ops.ps, inv 1", "./inv ops.ps, /a/inv ops.ps, my-inv ops.ps, inv 1"),
    ],
)
def test_commands_are_those_the_reader_types_in_colour_and_across_lines_too(text: str, shown: str) -> None:
    stream = io.StringIO()
    SafeStream(stream, {"BEHINDY_INV": "./inv"}).write(text)
    assert stream.getvalue() == shown
