"""The sandbox, brought up once; releases, built once each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pytest

from sandbox.host import lifecycle, releases
from tests.sandbox.interruption_table import ROWS, Row, render
from tests.sandbox.support import SERVICES, deploy, live_tags

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo


@pytest.fixture(scope="session")
def sandbox() -> SandboxInfo:
    return lifecycle.up(print)


@cache
def _built(service: str, tag: str, fault: str | None, boot_seconds: float) -> str:
    image: str = releases.release(service, tag, fault, boot_seconds=boot_seconds)
    return image


Release = Callable[..., str]


@pytest.fixture(scope="session")
def release(sandbox: SandboxInfo) -> Release:
    """Build and push a release unless this run has already; return its tag."""

    def build(service: str, tag: str, fault: str | None = None, *, boot_seconds: float = 0.0) -> str:
        _built(service, tag, fault, boot_seconds)
        return tag

    return build


@pytest.fixture
def live_services(release: Release) -> None:
    """All three services live at v1, nothing left over."""
    tags = {container: tag for container, tag in live_tags().items() if container.partition("-")[0] in SERVICES}
    for service in SERVICES:
        own = {name: tag for name, tag in tags.items() if name.partition("-")[0] == service}
        if own != {service: "v1"}:
            release(service, "v1")
            deploy(service, "v1").ok()


@pytest.fixture
def empty_host(sandbox: SandboxInfo) -> None:
    """No service was ever deployed."""
    lifecycle.reset(lambda _: None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what became of each interruption of this run."""
    rows: list[Row] = config.stash.get(ROWS, [])
    lines = render(rows)
    if lines:
        terminalreporter.section("interruptions, under traffic")
        for line in lines:
            terminalreporter.write_line(line)
