"""The project's own compose file: what fits the small host, and what must never be open to the world."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.project.project import Project

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPOSE = Project.find(Path(__file__).parent).compose
SERVICES = COMPOSE.stanzas
APPS = {name: SERVICES[name] for name in COMPOSE.deployable}


def megabytes(stanza: Mapping[str, Any]) -> int:
    limit = str(stanza["mem_limit"])
    assert limit.endswith("m")
    return int(limit[:-1])


def test_everything_once_and_any_service_twice_fits_two_gigabytes_of_memory_and_two_of_swap() -> None:
    once = sum(megabytes(stanza) for stanza in SERVICES.values())
    assert once <= 2048
    assert once + max(megabytes(stanza) for stanza in APPS.values()) <= 4096


@pytest.mark.parametrize("name", APPS)
def test_the_two_containers_of_a_service_hold_at_most_800_megabytes_together(name: str) -> None:
    assert 2 * megabytes(APPS[name]) <= 800


def test_only_nginx_is_open_to_the_world() -> None:
    assert [name for name, stanza in SERVICES.items() if stanza.get("ports")] == ["nginx"]


def test_the_applications_wait_for_a_deploy_and_the_rest_starts_by_itself() -> None:
    assert list(APPS) == ["llmserver", "backend", "frontend"]
    for name, stanza in SERVICES.items():
        assert ("profiles" in stanza) is (name in APPS)
        assert stanza["restart"] == "always"
        assert not {"llmserver", "backend", "frontend"} & set(stanza.get("depends_on", ()))


def test_logs_are_kept_small() -> None:
    for stanza in SERVICES.values():
        assert stanza["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
