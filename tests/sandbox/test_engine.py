"""The Docker engine crashes, or is updated, under traffic: containers outlive it, and whoever comes meanwhile waits."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from sandbox.host import inner
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.support import on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.info import SandboxInfo

ENGINE = "cat /run/docker.pid"
STARTED = "docker inspect --format '{{.Name}} {{.State.StartedAt}}' $(docker ps -q) | sort"


@contextmanager
def visitors(base: str) -> Iterator[list[str]]:
    """New ones, 30 a second, each over a connection of its own; what they got, complete when this has ended."""
    told: list[str] = []
    ended = threading.Event()

    def visit() -> None:
        connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=10)
        try:
            connection.request("GET", "/health", headers={"Host": "behindy.me"})
            told.append(str(connection.getresponse().status))
        except OSError as error:
            told.append(repr(error))
        finally:
            connection.close()

    def come() -> None:
        visits = []
        while not ended.wait(0.03):
            visits.append(threading.Thread(target=visit))
            visits[-1].start()
        for each in visits:
            each.join()

    coming = threading.Thread(target=come)
    coming.start()
    try:
        yield told
    finally:
        ended.set()
        coming.join()


@pytest.mark.serial  # a client that waits for 10 s has to outlast the start of the engine
@pytest.mark.usefixtures("live_services")
@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_an_engine_that_ends_and_starts_again_costs_no_request(sandbox: SandboxInfo, signal: str) -> None:
    before, engine = on_host("sh", "-c", STARTED), on_host("sh", "-c", ENGINE)
    with Traffic(sandbox, for_service("frontend"), max_seconds=60) as traffic, visitors(sandbox.http) as told:
        traffic.wait_until_flowing()
        on_host("sh", "-c", f'kill -{signal} "$({ENGINE})"')
        wait_for(lambda: on_host("sh", "-c", ENGINE, check=False) not in ("", engine), what="another engine")
        inner.wait_for_engine()
        back = {stream.name: stream.good for stream in traffic.snapshot().streams}
        wait_for(
            lambda: all(stream.good > back[stream.name] + 1 for stream in traffic.snapshot().streams),
            what="that users of all streams are served again",
        )
        result = traffic.stop()
    assert (result.lost, result.ended_by) == (0, "stop"), result.losses[:5]
    assert len(told) > 30
    assert set(told) == {"200"}, [each for each in told if each != "200"][:5]
    assert on_host("sh", "-c", STARTED) == before
