"""An SSH server for the tests of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.host.ssh_server import SshServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    server = SshServer(tmp_path)
    yield server
    server.close()
