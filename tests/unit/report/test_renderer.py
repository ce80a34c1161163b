"""What holds for every renderer: nothing that is shown stops a deploy or drives a terminal."""

from __future__ import annotations

import io
import re
import threading
from typing import TYPE_CHECKING

import pytest

from behindy_ops.report import events
from behindy_ops.report.jsonlines import JsonLines
from behindy_ops.report.plain import Plain
from behindy_ops.report.stream import SafeStream
from tests.unit.report.told import HOSTILE, ONE_OF_EACH, as_plain, on_console, renderers

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("show", [as_plain, on_console])
def test_what_a_container_logged_cannot_drive_the_terminal(show: Callable[..., str]) -> None:
    shown = show(events.Logs("log", (HOSTILE,)), events.Note(HOSTILE), events.StepDone(HOSTILE, 1, HOSTILE))
    assert not re.search(r"\x1b\[2J|\x1b\]|[\x00\x08\x9b\u202e]", shown)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp949", "utf-8"])
def test_no_encoding_stops_a_deploy(encoding: str) -> None:
    for number in range(3):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
        show = list(renderers(stream))[number]
        for event in [*ONE_OF_EACH, events.Note("한국어 \u2713 \udcff \U0001f600"), events.Logs("로그", ("\ud800",))]:
            show(event)
        show.close()
        assert b"frontend" in raw.getvalue()
        assert "�" in raw.getvalue().decode(encoding, "replace") or b"?" in raw.getvalue() or number == 2


def test_a_warning_is_told_to_people_once_and_to_programs_each_time() -> None:
    low, note = events.Warning_("Low."), events.Note("noted")
    again = [low, note, low, note, events.Warning_("Full.")]
    for shown in (as_plain(*again), on_console(*again)):
        assert [shown.count(word) for word in ("Low.", "Full.", "noted")] == [1, 1, 2]
    stream = io.StringIO()
    for event in again:
        JsonLines(SafeStream(stream))(event)
    assert stream.getvalue().count("Low.") == 2


def test_a_mistake_in_showing_an_event_does_not_stop_a_deploy() -> None:
    stream = io.StringIO()
    Plain(SafeStream(stream))(events.StepDone("pull", "not a number"))  # type: ignore[arg-type]
    assert "not a number" in stream.getvalue()


def test_events_from_many_threads_come_out_whole() -> None:
    stream = io.StringIO()
    show = Plain(SafeStream(stream))

    def tell() -> None:
        for _ in range(50):
            show(events.Note("x" * 60))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.getvalue().splitlines() == ["  -   " + "x" * 60] * 200
