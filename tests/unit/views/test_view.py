"""One look, one way to show it; and a Docker that cannot be asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.names import Names
from behindy_ops.report.text import Line
from behindy_ops.views.view import Seen, View, as_survey, described, locked, require_docker, shown
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
    with raises(Kind.HOST_NOT_READY, match=word):
        require_docker(as_survey(said))


def test_another_error_of_docker_is_not_one() -> None:
    require_docker(as_survey("Error: No such container: nginx"))


@dataclass(frozen=True)
class Count:
    containers: int


def count(found: Seen) -> Count:
    return Count(len(found.survey.containers))


COUNT = View("count", count, lambda count: [Line(f"{count.containers} containers")])


def session_without_docker() -> Any:
    settings = SimpleNamespace(domain="b.me", host_dir="", image_prefix="me", host="ubuntu@b.me", engine="")
    found = survey(docker="", problems={"versions": "Cannot connect to the Docker daemon"})
    session = {"look": lambda: found, "lock": lambda what, wait: found}  # noqa: ARG005
    return SimpleNamespace(settings=settings, names=Names(), services=(), **session)


def test_where_docker_cannot_be_asked_a_view_is_not_shown_unless_it_is_about_the_host_too() -> None:
    with raises(Kind.HOST_NOT_READY, match="not responding"):
        described(session_without_docker(), COUNT)
    assert described(session_without_docker(), replace(COUNT, needs_docker=False)) == Count(0)


def test_what_needs_docker_is_not_begun_under_the_lock_without_it() -> None:
    with raises(Kind.HOST_NOT_READY, match="not responding"):
        locked(session_without_docker(), "a test", wait=0)


def test_a_view_is_shown_as_lines_for_people_and_fields_for_programs() -> None:
    told = shown(COUNT, COUNT.describe(seen(survey())))
    assert (told.lines, told.data, told.problem) == ([Line("0 containers")], {"view": "count", "containers": 0}, None)
