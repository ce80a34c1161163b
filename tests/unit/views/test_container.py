"""Which container is meant, and what is said of one that cannot be used."""

from __future__ import annotations

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.names import Names, Role
from behindy_ops.views.container import missing, named, told_apart
from tests.kinds import kind_of, raises
from tests.unit.ops_facts import BESIDE, SERVICES

KNOWN = [service.name for service in SERVICES]


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("backend", "backend"),
        ("backend-green", "backend-green"),
        ("backend-run", "backend-run"),
        ("db", "postgres"),
        ("postgres", "postgres"),
        ("nginx", "nginx"),
    ],
)
def test_services_and_infrastructure_have_their_names(name: str, container: str) -> None:
    assert named(name, KNOWN, Names(containers={"backend": "backend", **BESIDE})) == container


@pytest.mark.parametrize("name", ["edge", "shop-edge-1", "nginx"])
def test_nginx_is_known_by_that_word_whatever_a_project_calls_it(name: str) -> None:
    names = Names(proxy=Role("edge", "shop-edge-1"), database=None, containers={"edge": "shop-edge-1"})
    assert named(name, KNOWN, names) == "shop-edge-1"
    with raises(Kind.USAGE):
        named("postgres", KNOWN, names)


@pytest.mark.parametrize("name", ["web", "shop-web"])
def test_a_service_is_known_by_its_key_and_by_its_containers_name(name: str) -> None:
    names = Names(containers={"web": "shop-web", **BESIDE}, deployed=("web",))
    assert named(name, ["shop-web"], names) == "shop-web"
    assert named("shop-web-green", ["shop-web"], names) == "shop-web-green"


def test_another_projects_nginx_may_be_looked_into() -> None:
    names = Names(proxy=Role("", "edge"), shared="/srv/first", database=None, cache=None, containers={"web": "web"})
    assert named("nginx", ["web"], names) == "edge"


@pytest.mark.parametrize("name", ["bla", "-f", "backend;id", "nginx-green", ""])
def test_what_is_not_known_is_refused_with_what_there_is(name: str) -> None:
    with raises(Kind.USAGE) as error:
        named(name, KNOWN, Names(containers=BESIDE))
    assert error.value.remedy == "Choose one of: backend, frontend, nginx, postgres, redis."


def test_a_container_that_is_not_there_one_that_does_not_run_and_a_docker_that_does_not_answer() -> None:
    assert kind_of(missing("x", "Error response from daemon: No such container: x")) is Kind.CONTAINER_MISSING
    stopped = missing("x", " exited")
    assert kind_of(stopped) is Kind.CONTAINER_MISSING
    assert "is not running (exited)" in stopped.what
    assert kind_of(missing("x", "Cannot connect to the Docker daemon")) is Kind.HOST_NOT_READY


def test_what_the_script_says_of_the_container_is_kept_apart_from_what_the_container_writes() -> None:
    said: list[str] = []
    written: list[str] = []
    take = told_apart("@@m", said, written.append)
    for line in ("@@m exited", "a @@m b", ""):
        take(line)
    assert (said, written) == ([" exited"], ["a @@m b", ""])


def test_of_tasks_on_other_nodes_is_said_where_they_are_and_what_to_type_there() -> None:
    error = missing("backend", " elsewhere beta c1c1 gamma c2c2")
    assert "there are some on beta (c1c1), gamma (c2c2)" in error.what
    assert "Log in to beta and type: docker exec c1c1 COMMAND" in error.remedy
    assert "inv ops.run backend -- COMMAND" in error.remedy
