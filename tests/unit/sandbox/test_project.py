"""A copy of this project that declares replicas."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.project.compose import ComposeFile
from sandbox.host.project import with_replicas

TEXT = (Path(__file__).parents[3] / "compose/docker-compose.yml").read_text(encoding="utf-8")


def test_each_service_gets_its_own_number_and_the_others_keep_theirs() -> None:
    services = ComposeFile.parse(with_replicas(TEXT, {"frontend": 4, "llmserver": 2})).services()
    assert {name: service.replicas for name, service in services.items()} == {
        "llmserver": 2, "backend": 1, "frontend": 4
    }  # fmt: skip


def test_a_service_that_is_not_deployed_has_no_replicas() -> None:
    with pytest.raises(ValueError, match="redis has no x-deploy"):
        with_replicas(TEXT, {"redis": 2})
