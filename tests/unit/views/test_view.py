"""One look, one way to show it; and a Docker that cannot be asked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from behindy_ops.errors import Kind
from behindy_ops.report.text import Line
from behindy_ops.views.view import Seen, View, docker_problem, require_docker, shown
from tests.kinds import raises
from tests.unit.ops_facts import seen, survey


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("permission denied while trying to connect to the Docker daemon socket", "may not use Docker"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "not responding"),
        ("bash: line 1: docker: command not found", "not installed"),
    ],
)
def test_its_reason_is_told(said: str, word: str) -> None:
    problem = docker_problem(said)
    assert problem is not None
    assert word in problem.what
    with raises(Kind.HOST_NOT_READY, match=word):
        require_docker(seen(survey(), {"containers": said}), "containers")


def test_another_error_of_docker_is_not_one() -> None:
    assert docker_problem("Error: No such container: nginx") is None
    require_docker(seen(survey(), {"address": "Error: No such container: nginx"}), "address")


@dataclass(frozen=True)
class Count:
    containers: int


def test_a_view_is_shown_as_lines_for_people_and_fields_for_programs() -> None:
    def describe(found: Seen) -> Count:
        return Count(len(found.survey.containers))

    view = View("count", describe, lambda count: [Line(f"{count.containers} containers")])
    told = shown(view, view.describe(seen(survey())))
    assert (told.lines, told.data, told.problem) == ([Line("0 containers")], {"view": "count", "containers": 0}, None)
