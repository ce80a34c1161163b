"""The project's files and directories on the host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks.check import Facts, Fix, FixKind, Level, forced
from behindy_ops.checks.files import compose_file, directory, files, project, rehearsal, unprepared
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.release import Labels
from behindy_ops.facts.survey import Survey
from behindy_ops.project.names import Names
from behindy_ops.project.services import Service, replicas
from tests.unit.machines import READY

BACKEND = Service("backend", "me/behindy-backend", 8080, "/", "/", None)
FILES = {"compose/docker-compose.yml": "644", "nginx/nginx.conf": "644"}


def test_without_the_file_its_content_is_not_judged() -> None:
    assert list(compose_file(Facts(survey=Survey(), services=(BACKEND,)))) == []
    (check,) = compose_file(Facts(survey=Survey(files=FILES), services=(BACKEND,)))
    assert check.level is Level.REFUSAL


def test_a_further_container_is_declared_with_the_first_one() -> None:
    both = replicas(replace(BACKEND, replicas=2))
    (check,) = compose_file(Facts(survey=Survey(files=FILES, config={"backend": "c0ffee"}), services=both))
    assert (check.level, check.subject) == (Level.OK, "backend")


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


def started(name: str, where: str, *, release: str = "r1") -> Container:
    labels = {"com.docker.compose.project.working_dir": where} | ({Labels.release: release} if release else {})
    return Container("c", name, labels=labels)


@pytest.mark.parametrize(
    ("where", "release", "level"),
    [
        ("/home/ubuntu/behindy-ops/compose", "r1", Level.OK),
        ("/srv/ops/compose", "r1", Level.OK),  # another name of the same directory
        ("/home/alice/behindy-ops/compose", "r1", Level.REFUSAL),
        ("/home/ubuntu/behindy-ops2/compose", "r1", Level.REFUSAL),
        ("/home/ubuntu/before", "", Level.OK),  # not yet under this tool's care
        ("", "r1", Level.OK),
    ],
)
def test_a_release_of_another_directory_is_named(where: str, release: str, level: Level) -> None:
    live = started("backend", where, release=release)
    survey = Survey(directory=("/home/ubuntu/behindy-ops", "/srv/ops"), containers={"backend": live})
    (check,) = directory(Facts(survey=survey, services=(BACKEND,)))
    assert check.level is level
    if level is Level.REFUSAL:
        assert f"BEHINDY_HOST_DIR={where.removesuffix('/compose')}," in check.remedy
        assert [found.level for found in forced([check])] == [Level.WARNING]


def test_an_nginx_of_another_directory_is_a_warning() -> None:
    survey = Survey(directory=("/srv/ops",), containers={"nginx": started("nginx", "/home/alice/ops/compose")})
    ours, nginx = directory(Facts(survey=survey, services=(BACKEND,)))
    assert (ours.level, nginx.level, nginx.subject) == (Level.OK, Level.WARNING, "nginx")
    assert list(directory(Facts(survey=replace(survey, directory=()), services=(BACKEND,)))) == []


@pytest.mark.parametrize("name", ["backend", "backend-green", "backend-blue", "backend-before", "backend-run"])
@pytest.mark.parametrize(
    ("theirs", "where", "refused"),
    [
        ("behindy-ops", "/home/ubuntu/behindy-ops/compose", True),
        ("shop", "/home/alice/shop/compose", False),  # this project, of another login
        ("shop-before", "/home/ubuntu/shop/compose", False),  # this project, which was called so
        ("", "/home/ubuntu/behindy-ops/compose", False),  # a release of an earlier version: `directory` tells
    ],
)
def test_a_name_that_is_another_projects_is_refused_even_by_force(
    name: str, theirs: str, where: str, *, refused: bool
) -> None:
    there = started(name, where)
    there = replace(there, labels=there.labels | ({Labels.project: theirs} if theirs else {}))
    survey = Survey(names=Names(project="shop"), directory=("/home/ubuntu/shop",), containers={name: there})
    found = list(project(Facts(survey=survey, services=(BACKEND,))))
    assert [check.level for check in forced(found)] == ([Level.REFUSAL] if refused else [])
    assert all("container_name: shop-backend in" in check.remedy for check in found)
    assert list(project(Facts(survey=replace(survey, directory=()), services=(BACKEND,)))) == []


def test_a_further_containers_name_is_not_to_be_another_projects_either() -> None:
    there = started("backend-2-blue", "/srv/first/compose")
    there = replace(there, labels=there.labels | {Labels.project: "first"})
    survey = Survey(names=Names(project="shop"), directory=("/home/ubuntu/shop",), containers={there.name: there})
    for count, refused in ((1, False), (2, True)):
        found = list(project(Facts(survey=survey, services=(replace(BACKEND, replicas=count),))))
        assert bool(found) is refused


def test_another_projects_nginx_has_its_files_in_that_ones_directory() -> None:
    names = Names(project="shop", shared="/srv/first")
    alone = Survey(names=names, files={"compose/docker-compose.yml": "644"})
    (check,) = files(Facts(survey=alone, services=(BACKEND,)))
    assert check.level is Level.OK
    (check,) = files(Facts(survey=replace(alone, names=Names()), services=(BACKEND,)))
    assert check.level is Level.REFUSAL
    for where, level in (("/srv/first/compose", None), ("/srv/shop/compose", Level.WARNING)):
        there = replace(alone, directory=("/srv/shop",), containers={"nginx": started("nginx", where)})
        found = [check for check in directory(Facts(survey=there, services=(BACKEND,))) if check.subject == "nginx"]
        assert [check.level for check in found] == ([level] if level else [])
