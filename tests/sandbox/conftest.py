"""The sandbox, brought up once; releases, built once each. Of several workers, each has a host of its own."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from sandbox.host import lifecycle, releases
from sandbox.host.checkout import HOST_VARIABLE
from tests.sandbox import hosts_table
from tests.sandbox.interruption_table import PROPERTY, Row, render
from tests.sandbox.schedule import Case, parse_part, parts, units
from tests.sandbox.support import (
    SERVICES,
    all_drained,
    deploy,
    ensure_infrastructure,
    inv,
    live_addresses,
    live_images,
    on_host,
    remake_infrastructure,
    unwell,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

    from sandbox.host.info import SandboxInfo

FOLDER = Path(__file__).parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
if WORKER != "0":  # the first has the checkout's usual host
    os.environ[HOST_VARIABLE] = f"test-{WORKER}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", default="1/1", help="only this part of the sandbox tests, such as 2/4")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest first, and keep only the chosen part."""
    own = {item.nodeid: item for item in items if FOLDER in item.path.parents}
    others = [item for item in items if item.nodeid not in own]
    number, count = parse_part(config.getoption("--part", "1/1"))
    chosen = parts(units(map(_case, own.values())), count)[number - 1]
    ordered: list[pytest.Item] = []
    for unit in chosen:
        for case in unit.cases:
            item = own.pop(case.name)
            ordered.append(item)
    config.hook.pytest_deselected(items=list(own.values()))
    items[:] = [*others, *ordered]


def _case(item: pytest.Item) -> Case:
    return Case(item.nodeid, item.get_closest_marker("serial") is not None)


class OnHosts(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker, which has a host of its own, one unit after the other, in the order of collection."""

    @cached_property
    def _units(self) -> dict[str, str]:
        return {case.name: unit.name for unit in units(map(Case, self.collection or ())) for case in unit.cases}

    def _split_scope(self, nodeid: str) -> str:
        return self._units[nodeid]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return OnHosts(config, log)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxInfo]:
    yield lifecycle.up(print)
    if HOST_VARIABLE in os.environ:
        lifecycle.remove()


@cache
def _built(service: str, tag: str, fault: str | None, boot_seconds: float) -> str:
    image: str = releases.release(service, tag, fault, boot_seconds=boot_seconds)
    return image


Release = Callable[..., str]
_good: set[tuple[str, str]] = set()
"""Service and tag of each release of this run that has no fault."""


@pytest.fixture(scope="session")
def release(sandbox: SandboxInfo) -> Release:
    """Build and push a release unless this run has already; return its tag."""

    def build(service: str, tag: str, fault: str | None = None, *, boot_seconds: float = 0.0) -> str:
        _built(service, tag, fault, boot_seconds)
        if fault is None and not boot_seconds:
            _good.add((service, tag))
        return tag

    return build


@pytest.fixture
def live_services(sandbox: SandboxInfo, release: Release) -> None:
    """All three services live with a good release, whichever it is, and nothing left over."""
    prefix = f"{sandbox.image_prefix}/behindy-"
    _ensure_live(release, {f"{prefix}{service}:{tag}" for service, tag in [*_good, *((s, "v1") for s in SERVICES)]})


@pytest.fixture(scope="module")
def all_live(sandbox: SandboxInfo, release: Release) -> None:
    """All three services live at v1 before the first test of a module."""
    _ensure_live(release, {f"{sandbox.image_prefix}/behindy-{service}:v1" for service in SERVICES})


@pytest.fixture
def live_at_v1(sandbox: SandboxInfo, release: Release) -> None:
    """All three services live at v1, and nothing left over."""
    _ensure_live(release, {f"{sandbox.image_prefix}/behindy-{service}:v1" for service in SERVICES})


def _ensure_live(release: Release, accepted: set[str]) -> None:
    ensure_infrastructure()
    all_drained()  # of what an earlier test has deployed
    if any(not address for address in live_addresses().values()):
        inv("ops.network", "--fix").ok()
    images = {name: image for name, image in live_images().items() if name.partition("-")[0] in SERVICES}
    for service in SERVICES:
        own = {name: image for name, image in images.items() if name.partition("-")[0] == service}
        if own.keys() != {service} or own[service] not in accepted:
            release(service, "v1")
            deploy(service, "v1").ok()
    try:
        wait_for(lambda: not (unwell() or unwell()), 10, "that all services answer")
    except AssertionError:  # what an earlier test has left is that test's fault; this one is to begin well
        print(f"made anew, network and all, for what an earlier test has left: {unwell()}")  # noqa: T201
        lifecycle.reset(print)
        remake_infrastructure()
        for service in SERVICES:
            release(service, "v1")
            deploy(service, "v1").ok()


@pytest.fixture
def sshd(sandbox: SandboxInfo) -> Iterator[Callable[..., None]]:
    """Has the host's sshd go by these settings, too."""
    file = "/etc/ssh/sshd_config.d/00-test.conf"  # of two values the first one holds

    def go_by(*lines: str) -> None:
        text = "".join(f"{line}\n" for line in lines)
        on_host("sh", "-c", f'printf %s "$1" > {file} && sshd -t && pkill -HUP -o -x sshd', "sh", text)
        wait_for(greets, 10, "that sshd greets again")

    def greets() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", sandbox.ssh.port), 5) as asked:
            return asked.recv(4) == b"SSH-"
        return False

    yield go_by
    on_host("rm", "-f", file)
    go_by()


@pytest.fixture
def empty_host(sandbox: SandboxInfo) -> None:
    """No service was ever deployed."""
    lifecycle.reset(lambda _: None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what became of each interruption of this run, and of each host."""
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    rows = [Row(**row) for report in reports for name, row in report.user_properties if name == PROPERTY]
    hosts = [
        hosts_table.HostRow(**row)
        for report in reports
        for name, row in report.user_properties
        if name == hosts_table.PROPERTY
    ]
    for title, lines in (("interruptions, under traffic", render(rows)), ("hosts", hosts_table.render(hosts))):
        if lines:
            terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)
