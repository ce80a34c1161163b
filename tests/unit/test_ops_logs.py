"""What a person may ask of logs and of ``ops.exec``, and which container is meant."""

from __future__ import annotations

import pytest

from behindy_ops.errors import Kind
from behindy_ops.views.logs import log_query, log_record
from behindy_ops.views.names import container_named, missing
from tests.kinds import kind_of, raises
from tests.unit.ops_facts import BESIDE, SERVICES

KNOWN = {service.name: service for service in SERVICES}


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("backend", "backend"),
        ("backend-green", "backend-green"),
        ("db", "postgres"),
        ("postgres", "postgres"),
        ("nginx", "nginx"),
    ],
)
def test_services_and_infrastructure_have_their_names(name: str, container: str) -> None:
    assert container_named(name, KNOWN, {"backend": "backend", **BESIDE}) == container


@pytest.mark.parametrize("name", ["bla", "-f", "backend;id", "nginx-green", ""])
def test_what_is_not_known_is_refused_with_what_there_is(name: str) -> None:
    with raises(Kind.USAGE) as error:
        container_named(name, KNOWN, BESIDE)
    assert error.value.remedy == "There are: backend, frontend, nginx, postgres, redis."


@pytest.mark.parametrize(
    ("since", "given"),
    [("10m", "10m"), ("2h30m", "2h30m"), ("3d", "72h"), ("", ""), ("2026-01-31T09:30:00", "2026-01-31T09:30:00")],
)
def test_spans_and_times_are_as_docker_takes_them(since: str, given: str) -> None:
    assert log_query("all", since, "").since == given


@pytest.mark.parametrize(
    ("tail", "since", "grep"),
    [("-1", "", ""), ("ten", "", ""), ("5", "yesterday", ""), ("5", "--help", ""), ("5", "", "a\nb"), ("5", "", "\0")],
)
def test_what_cannot_be_asked_is_refused(tail: str, since: str, grep: str) -> None:
    with raises(Kind.USAGE) as error:
        log_query(tail, since, grep)
    assert error.value.remedy


def test_a_line_is_data_with_dockers_time() -> None:
    line = "2026-11-24T06:25:43.097063544Z  two  words"
    assert log_record("nginx", line) == {
        "container": "nginx",
        "at": "2026-11-24T06:25:43.097063544Z",
        "text": " two  words",
    }
    assert log_record("nginx", "Error grabbing logs")["text"] == "Error grabbing logs"


def test_a_container_that_is_not_there_one_that_does_not_run_and_a_docker_that_does_not_answer() -> None:
    assert kind_of(missing("x", "Error response from daemon: No such container: x")) is Kind.CONTAINER_MISSING
    stopped = missing("x", " exited")
    assert kind_of(stopped) is Kind.CONTAINER_MISSING
    assert "does not run (exited)" in stopped.what
    assert kind_of(missing("x", "Cannot connect to the Docker daemon")) is Kind.HOST_NOT_READY
