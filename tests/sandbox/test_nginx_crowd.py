"""More clients than users: nginx holds what it admits, refuses the rest at once, and loses none of the others."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import pytest

from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.support import on_host, wait_for

if TYPE_CHECKING:
    from types import TracebackType

    from sandbox.host.info import SandboxInfo

pytestmark = [pytest.mark.usefixtures("live_services"), pytest.mark.serial]

WAITING = b"GET /?sleep=50 HTTP/1.1\r\nHost: behindy.me\r\n\r\n"
LENGTH = b"POST /__echo HTTP/1.1\r\nHost: behindy.me\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 125_000
CHUNKED = (
    b"POST /__echo HTTP/1.1\r\nHost: behindy.me\r\nTransfer-Encoding: chunked\r\n\r\n1e848\r\n"
    + b"x" * 125_000
    + b"\r\n"
)
SMALL = b"POST /__echo HTTP/1.1\r\nHost: behindy.me\r\nContent-Length: 90000\r\n\r\n" + b"x" * 80_000


class Crowd:
    """Clients that send some bytes and then only hold their connections, until the ``with`` ends."""

    def __init__(self, info: SandboxInfo, count: int, sends: bytes) -> None:
        self._port, self._count, self._sends = urlsplit(info.https).port, count, sends
        self._tls = ssl.create_default_context(cafile=info.ca_file)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._slots = asyncio.Semaphore(64)
        self._clients: list[asyncio.Task[None]] = []
        self.sent = 0
        self.answers: Counter[str] = Counter()
        """The status of each answer so far, "" for a connection that was cut."""

    async def _client(self) -> None:
        status, writer = "", None
        try:
            async with self._slots:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self._port, ssl=self._tls, server_hostname="behindy.me"
                )
                writer.write(self._sends)
                self.sent += 1
            status = (await reader.readline()).decode()[9:12]
        except OSError:
            pass
        finally:
            if writer:
                writer.transport.abort()
        self.answers[status] += 1

    async def _come(self) -> None:
        self._clients = [asyncio.create_task(self._client()) for _ in range(self._count)]  # kept, or they are collected

    async def _stop(self) -> None:
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._come(), self._loop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def started() -> str:
    """When the nginx container was started, and its workers' ids: both change where something kills one."""
    at = on_host(
        "docker", "inspect", "--format", "{{.State.StartedAt}} {{.RestartCount}} {{.State.OOMKilled}}", "nginx"
    )
    processes = on_host("docker", "top", "nginx", "-eo", "pid,args").splitlines()  # nothing is started in there for it
    workers = [line.split()[0] for line in processes if "nginx: worker" in line]
    assert workers
    return f"{at} {workers}"


def bodies_kilobytes() -> int:
    pid = on_host("docker", "inspect", "--format", "{{.State.Pid}}", "nginx")
    return int(on_host("du", "-sk", f"/proc/{pid}/root/var/cache/nginx").split()[0])


def test_two_thousand_that_wait_for_a_stalled_service_cost_no_other_request(sandbox: SandboxInfo) -> None:
    before = started()
    streams = [*for_service("frontend"), *for_service("backend")]
    with Traffic(sandbox, streams) as traffic:
        traffic.wait_until_flowing()
        with Crowd(sandbox, 2_000, WAITING) as crowd:
            wait_for(lambda: crowd.sent == 2_000, what="2,000 requests in progress")
            sent = sum(stream.sent for stream in traffic.snapshot().streams)
            wait_for(lambda: sum(stream.sent for stream in traffic.snapshot().streams) > sent + 200, what="traffic")
            assert not crowd.answers
        result = traffic.stop()
    assert (result.lost, result.losses) == (0, ())
    assert started() == before


def test_what_is_more_than_nginx_holds_is_refused_at_once(sandbox: SandboxInfo) -> None:
    before = started()
    with Crowd(sandbox, 2_400, WAITING) as crowd:
        wait_for(lambda: crowd.sent == 2_400, what="2,400 requests")
        wait_for(lambda: crowd.answers["503"] > 0, timeout=10, what="the first refusal")  # the last are on their way
        assert set(crowd.answers) == {"503"}
    assert started() == before


@pytest.mark.parametrize("upload", [LENGTH, CHUNKED, SMALL], ids=["length", "chunked", "small"])
def test_five_hundred_that_pause_in_a_body_cost_no_other_request(sandbox: SandboxInfo, upload: bytes) -> None:
    before = started()
    with Traffic(sandbox, for_service("backend")) as traffic:
        traffic.wait_until_flowing()
        with Crowd(sandbox, 500, upload) as crowd:
            wait_for(lambda: crowd.sent == 500, what="500 clients")
            if upload is not SMALL:
                wait_for(lambda: crowd.answers["503"] == 496, timeout=10, what="only 4 uploads of an address at once")
            assert bodies_kilobytes() <= 48 * 1024
        result = traffic.stop()
    assert (result.lost, result.losses) == (0, ())
    assert started() == before
