"""The stream of events as programs read it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.errors import BehindyError, Interrupted
from behindy_ops.report import events
from behindy_ops.report.events import to_json
from tests.unit.report.told import AT, ONE_OF_EACH


def test_one_of_each_is_every_event_there_is() -> None:
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)]
    assert {type(event) for event in ONE_OF_EACH} == {kind for kind in kinds if not kind.__subclasses__()}


FAILED = (
    '"failed", "title": "unexpected", "what": "w", "state": "s", "remedy": "r", "lines": ["l"], "exit_code": 1, '
    '"error": "unexpected"'
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            events.DeployStarted("api", "v2", "h", "team/api"),
            '"deploy_started", "service": "api", "tag": "v2", "host": "h", "release": "team/api", "environment": ""',
        ),
        (ONE_OF_EACH[1], '"step_started", "step": "pull", "title": "Pull the image"'),
        (ONE_OF_EACH[2], '"step_progress", "step": "pull", "text": "3 of 7 layers"'),
        (ONE_OF_EACH[3], '"step_done", "step": "pull", "seconds": 1.234, "detail": "sha256:1f2e"'),
        (ONE_OF_EACH[5], '"step_failed", "step": "inside", "seconds": 45.1, "reason": "exited with code 1"'),
        (ONE_OF_EACH[6], '"decision", "text": "A green left over was removed."'),
        (ONE_OF_EACH[7], '"note", "text": "Good to know."'),
        (ONE_OF_EACH[8], '"warning", "text": "Little memory is left."'),
        (ONE_OF_EACH[9], '"logs", "title": "Last log lines", "lines": ["one", "[red]two[/red]"]'),
        (ONE_OF_EACH[10], '"plan", "title": "Plan", "lines": ["pull  docker pull team/frontend:v2"]'),
        (ONE_OF_EACH[11], '"taken_back", "service": "frontend", "reason": "it answers 502"'),
        (
            events.Recovered("api", "live", "v1", "w"),
            '"recovered", "service": "api", "outcome": "live", "tag": "v1", "what": "w"',
        ),
        (
            events.failed(BehindyError("w", state="s", remedy="r", lines=("l",))),
            FAILED,
        ),
        (
            events.DeployFinished("api", "live", 8.4, {"a": "", "b": "0"}),
            '"deploy_finished", "service": "api", "outcome": "live", "seconds": 8.4, "facts": {"a": "", "b": "0"}',
        ),
    ],
)
def test_the_json_line_of_an_event_stays_as_programs_know_it(event: events.Event, line: str) -> None:
    assert to_json(event, AT) == f'{{"at": "2025-11-10T12:30:00.250+00:00", "event": {line}}}'


def test_every_line_names_the_environment_if_one_is_chosen() -> None:
    for event in ONE_OF_EACH:
        assert json.loads(to_json(event, AT, "staging"))["environment"] == "staging"


@given(words=st.text())
def test_json_is_one_ascii_line_whatever_the_text(words: str) -> None:
    line = to_json(events.Logs(words, (words,)), AT)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["lines"] == [words]


def test_an_interrupted_run_has_the_exit_code_of_its_signal() -> None:
    assert events.failed(Interrupted("stopped", signal_number=15)).exit_code == 143
