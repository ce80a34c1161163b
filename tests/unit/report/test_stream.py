"""A stream that is closed or broken stops nothing."""

from __future__ import annotations

import io
import os

from tests.unit.report.told import ONE_OF_EACH, renderers


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
