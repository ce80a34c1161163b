"""The Docker engine crashes, or is updated, under traffic: containers outlive it, and whoever comes meanwhile waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.host import inner
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.asking import visitors
from tests.sandbox.support import on_host, wait_for

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

ENGINE = "cat /run/docker.pid"
STARTED = "docker inspect --format '{{.Name}} {{.State.StartedAt}}' $(docker ps -q) | sort"


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
