"""What a swarm has of its own in a deploy: how its candidate is started."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.deploy.engines.swarm import StartTasks
from behindy_ops.deploy.steps.internal import CheckInside
from behindy_ops.deploy.steps.steady import CheckSteady
from behindy_ops.deploy.steps.step import Attempts
from behindy_ops.errors import Kind
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.secret import Secret
from tests.unit.deploy.states import SETTINGS, answer, state_of

LOGIN = replace(SETTINGS, registry="docker.io", registry_user="me", registry_token=Secret("t0ken"))


def test_the_token_that_the_nodes_pull_by_is_told_before_all_else_and_stands_in_no_argument() -> None:
    with_login, without = (StartTasks().command(replace(state_of(), settings=each)) for each in (LOGIN, SETTINGS))
    assert with_login.argv == (*without.argv, "docker.io", "me")
    assert with_login.stdin == b"t0ken\n" + without.stdin
    assert (with_login.public, without.public) == (False, True)
    assert "t0ken" not in f"{with_login}"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.REGISTRY_LOGIN, Kind.REGISTRY_REFUSED),
        (Code.NO_SECRET, Kind.ENVIRONMENT_INVALID),
        (1, Kind.RELEASE_REFUSED),
    ],
)
def test_a_start_that_failed_is_told_by_its_cause(code: int, kind: Kind) -> None:
    error = StartTasks().read(state_of(), answer(code=code)).error
    assert error is not None
    assert error.kind is kind


REJECTED = {
    "id": "t1", "slot": 1, "node": "n2", "wanted": "shutdown", "state": "rejected", "error": "No such image: me/web",
    "since": "2026", "exit": 0, "addresses": [],
}  # fmt: skip
UNIT = {
    "id": "n" * 25, "name": "web-green", "created": "2026", "updated": "2026", "labels": {}, "memory": 0,
    "image": "me/web@sha256:2",
    "replicas": 1, "env": [], "tasks": [REJECTED], "nodes": [{"id": "n2", "name": "two", "status": "Ready"}],
}  # fmt: skip


@pytest.mark.parametrize("check", [CheckInside(), CheckSteady()])
def test_an_image_that_a_node_cannot_pull_is_refused_as_one_that_the_host_cannot_pull(check: Attempts) -> None:
    look = check.judge(state_of(), answer(f"state {json.dumps(UNIT)}\n"))
    error = check.conclude(state_of(), look).error
    assert error is not None
    assert (error.kind, "two cannot pull its image" in error.what) == (Kind.IMAGE_NOT_FOUND, True)
    assert "docker pull sha256:2" in error.remedy
