"""What a person may ask of a log, and a line as it is shown."""

from __future__ import annotations

import json

import pytest

from behindy_ops.errors import Kind
from behindy_ops.views.logs import query, shown
from tests.kinds import raises


@pytest.mark.parametrize(
    ("since", "given"),
    [("10m", "10m"), ("2h30m", "2h30m"), ("3d", "72h"), ("", ""), ("2026-01-31T09:30:00", "2026-01-31T09:30:00")],
)
def test_spans_and_times_are_as_docker_takes_them(since: str, given: str) -> None:
    assert query("all", since, "").since == given


@pytest.mark.parametrize(
    ("tail", "since", "grep"),
    [("-1", "", ""), ("ten", "", ""), ("5", "yesterday", ""), ("5", "--help", ""), ("5", "", "a\nb"), ("5", "", "\0")],
)
def test_what_cannot_be_asked_is_refused(tail: str, since: str, grep: str) -> None:
    with raises(Kind.USAGE) as error:
        query(tail, since, grep)
    assert error.value.remedy


def test_a_line_is_data_with_dockers_time() -> None:
    line = "2026-11-24T06:25:43.097063544Z  two  words"
    as_data = query("all", "", "", json=True)
    assert json.loads(shown(as_data, "nginx", line) or "") == {
        "container": "nginx",
        "at": "2026-11-24T06:25:43.097063544Z",
        "text": " two  words",
    }
    assert json.loads(shown(as_data, "nginx", "Error grabbing logs") or "")["at"] == ""


def test_text_that_is_only_in_the_time_is_no_match() -> None:
    line = "2026-11-24T06:25:43.097063544Z words"
    assert shown(query("all", "", "06:25", json=True), "nginx", line) is None
    assert shown(query("all", "", "word", json=True), "nginx", line)


def test_for_people_a_line_has_no_control_sequences() -> None:
    assert shown(query("all", "", ""), "nginx", "a\x1b[31mb\x07") == "ab\ufffd"


def test_a_line_of_a_task_says_whose_it_is_and_no_line_can_pretend_to_be_one() -> None:
    asked = query("all", "", "", json=True)
    at = "2027-01-15T08:00:01Z"
    assert json.loads(shown(asked, "web", f"{at} {asked.mark} 2@beta two  words") or "") == {
        "container": "web",
        "task": "web.2",
        "node": "beta",
        "at": at,
        "text": "two  words",
    }
    assert json.loads(shown(asked, "web", f"{at} @@0 2@beta two") or "")["text"] == "@@0 2@beta two"
    assert query("all", "", "").mark != asked.mark
