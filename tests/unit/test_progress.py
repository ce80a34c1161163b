"""Progress lines, and a sign of life in the quiet between them."""

from __future__ import annotations

import io
import time

from sandbox.demo.progress import Progress


def test_a_line_has_the_time_since_the_start() -> None:
    now = [100.0]
    stream = io.StringIO()
    with Progress(stream, clock=lambda: now[0]) as progress:
        now[0] = 112.4
        progress.say("building")
    assert stream.getvalue() == "[  12 s] building\n"


def test_a_long_silence_is_broken_even_when_nothing_can_be_told() -> None:
    def fails() -> str:
        raise RuntimeError

    stream = io.StringIO()
    with Progress(stream, alive=lambda: "42 requests", quiet=0.02) as progress:
        _until(stream, "... 42 requests")
        progress.alive = fails
        _until(stream, "... still at it")


def _until(stream: io.StringIO, text: str) -> None:
    for _ in range(200):
        if text in stream.getvalue():
            return
        time.sleep(0.01)
    raise AssertionError(stream.getvalue())


def test_a_stream_that_knows_few_characters_is_no_obstacle() -> None:
    raw = io.BytesIO()
    with Progress(io.TextIOWrapper(raw, encoding="ascii")) as progress:
        progress.show("bar █ bar")
        assert raw.getvalue() == b"bar ? bar\n"
