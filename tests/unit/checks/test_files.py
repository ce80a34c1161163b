"""The project's files and directories on the host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks.check import Facts, Fix, FixKind, Level
from behindy_ops.checks.files import compose_file, rehearsal, unprepared
from behindy_ops.errors import Kind
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service
from tests.unit.machines import READY

BACKEND = Service("backend", "me/behindy-backend", 8080, "/", "/", None)
FILES = {"compose/docker-compose.yml": "644", "nginx/nginx.conf": "644"}


def test_without_the_file_its_content_is_not_judged() -> None:
    assert list(compose_file(Facts(survey=Survey(), services=(BACKEND,)))) == []
    (check,) = compose_file(Facts(survey=Survey(files=FILES), services=(BACKEND,)))
    assert check.level is Level.REFUSAL


def test_a_service_without_a_rehearsal_needs_no_token() -> None:
    (check,) = rehearsal(Facts(survey=Survey(), services=(BACKEND,)))
    assert (check.level, check.found) == (Level.OK, "backend declares none")
    rehearsed = replace(BACKEND, rehearsal="/")
    (check,) = rehearsal(Facts(survey=Survey(), services=(BACKEND, rehearsed)))
    assert check.level is Level.WARNING


@pytest.mark.parametrize(
    ("token", "why"), [("unloaded", "made after"), ("missing", "another one"), ("unmounted", "was replaced")]
)
def test_a_token_that_nginx_does_not_know_is_the_hosts_problem(token: str, why: str) -> None:
    rehearsed = (replace(BACKEND, rehearsal="/"),)
    survey = Survey(files={"rehearsal/header": "600"}, token=token)
    (check,) = rehearsal(Facts(survey=survey, services=rehearsed))
    assert (check.level, check.error().kind) == (Level.REFUSAL, Kind.NGINX_NOT_READY)
    assert why in check.found
    assert check.fix == (Fix(FixKind.RELOAD) if token == "unloaded" else None)
    for other in (replace(survey, token="loaded"), replace(survey, token=""), replace(survey, stale=frozenset("x"))):
        assert [each.level for each in rehearsal(Facts(survey=other, services=rehearsed))] == [Level.OK]
    (check,) = rehearsal(Facts(survey=Survey(token="missing"), services=rehearsed))
    assert check.level is Level.WARNING


@pytest.mark.parametrize(
    ("path", "mode"), [("state", "755"), ("rehearsal/header", "644"), (".env", "640"), (".", "775")]
)
def test_what_others_may_enter_or_read_is_closed(path: str, mode: str) -> None:
    assert not unprepared(READY.files)
    assert unprepared({**READY.files, path: mode})
