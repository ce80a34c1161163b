"""A host of fakes for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.host.scripts.fake_host import FakeHost

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


@pytest.fixture
def engine(host: FakeHost) -> Path:
    """What all who may use Docker share, as this login does."""
    host.moved["/var/run/docker.sock"] = str(host.file("docker.sock"))
    (host.root / "alice").mkdir()
    return host.root / "behindy-ops"
