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
