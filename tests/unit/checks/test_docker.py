"""Docker's versions, and the rotation of its logs."""

from __future__ import annotations

import json

import pytest

from behindy_ops.checks import docker
from behindy_ops.checks.check import Facts, Level
from behindy_ops.checks.docker import log_rotation
from behindy_ops.facts.survey import EngineKind, Survey


@pytest.mark.parametrize(
    ("text", "numbers"), [("26.1.5+dfsg1", (26, 1)), ("v2.26.1-4", (2, 26)), ("2.19", (2, 19)), ("dev", (999, 0))]
)
def test_versions_are_compared_by_their_first_two_numbers(text: str, numbers: tuple[int, int]) -> None:
    assert docker.version(text) == numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}),
        (
            '{"bip": "10.0.0.1/24", "log-opts": {"max-size": "50m"}}',
            {
                "bip": "10.0.0.1/24",
                "log-driver": "json-file",
                "log-opts": {"max-size": "50m", "max-file": "3"},
            },
        ),
    ],
)
def test_log_rotation_is_added_to_what_is_there(text: str, expected: dict[str, object]) -> None:
    made = log_rotation(text)
    assert isinstance(made, str)
    assert json.loads(made) == expected
    assert log_rotation(made) is True


def test_what_is_not_ours_to_set_stays() -> None:
    assert log_rotation('{"log-driver": "journald"}') is True
    assert log_rotation("{bad") is None
    assert log_rotation("[]") is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (EngineKind.ROOTLESS, "docker rootless"),
        (EngineKind.REMAPPED, "docker remaps users"),
        (EngineKind.SNAP, "docker from snap"),
        (EngineKind.CONTAINERD, ""),
    ],
)
def test_an_engine_with_which_only_half_would_work_is_refused_by_name(kind: EngineKind, name: str) -> None:
    found = list(docker.kind(Facts(survey=Survey(docker="26.1.5", engine=frozenset({kind})))))
    assert [check.problem.name for check in found if check.problem] == ([name] if name else [])
    assert all(check.level is Level.REFUSAL for check in found)


def test_a_rootless_engine_beside_none_of_the_systems_is_named() -> None:
    survey = Survey(tools=frozenset({"docker"}), engine=frozenset({EngineKind.ROOTLESS}))
    (check,) = docker.engine(Facts(survey=survey))
    assert check.problem is docker.ROOTLESS
    assert list(docker.kind(Facts(survey=survey))) == []
