"""Traffic as its users see it: paced, bounded, in a process of its own, and honest about what it measured."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from behindy_ops.errors import Kind
from sandbox.traffic.generator import Bounds, Stream, StreamKind, Traffic, TrafficResult, demo, every_kind, for_service
from sandbox.traffic.model import Latency, check, percentile
from sandbox.traffic.record import Recorder
from sandbox.traffic.worker import next_slot
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.serial

_STREAM = Stream("s", "frontend", "/", rate=50, concurrency=2)


@dataclass(frozen=True)
class _Site:
    https: str
    ca_file: str
    domain: str = "behindy.test"


def _certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "behindy.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("behindy.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = directory / "key.pem", directory / "ca.pem"
    plain = serialization.NoEncryption()
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file


class _Server:
    """Answers on TLS from a thread; ``release`` and ``status`` may be changed while it runs."""

    def __init__(self, directory: Path) -> None:
        self.release, self.status, self.count = "v1", 200, 0
        key, self.ca_file = _certificate(directory)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(self.ca_file, key)
        self._loop = asyncio.new_event_loop()
        self.port = self._loop.run_until_complete(self._start())
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    @property
    def site(self) -> _Site:
        return _Site(f"https://127.0.0.1:{self.port}", str(self.ca_file))

    async def _start(self) -> int:
        async def handler(request: web.Request) -> web.Response:
            self.count += 1
            length = len(await request.read())
            return web.Response(status=self.status, headers={"X-Release": self.release}, text=f"{length} bytes\n")

        app = web.Application()
        app.router.add_route("*", "/{any:.*}", handler)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        return int(self._runner.addresses[0][1])

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[_Server]:
    server = _Server(tmp_path)
    try:
        yield server
    finally:
        server.close()


def test_a_change_of_release_and_a_loss_show_in_the_result(server: _Server) -> None:
    streams = (_STREAM, Stream("posts", "backend", "/", rate=20, concurrency=1, kind=StreamKind.POST))
    with Traffic(server.site, streams, max_seconds=20) as traffic:
        assert traffic.wait_until_flowing().lost == 0
        changed = time.time()
        server.release = "v2"
        while traffic.snapshot().first_answer("frontend", "v2") is None:
            time.sleep(0.02)
        server.status = 502
        while not traffic.snapshot().lost:
            time.sleep(0.02)
        result = traffic.stop()
    assert result.ended_by == "stop"
    first, last = result.first_answer("frontend", "v2"), result.last_answer("frontend", "v1")
    assert first is not None
    assert last is not None
    assert changed - 0.1 < first < changed + 2
    assert result.started < last < first + 2
    assert {loss.reason for loss in result.losses} == {"HTTP 502"}
    assert result.sent == sum(figures.good + figures.lost for figures in result.streams)
    assert sum(answers.count for answers in result.answers) == result.sent
    assert 0 < result.p50 <= result.p99 <= result.longest


def test_traffic_ends_by_itself_at_its_bounds_and_keeps_its_pace(server: _Server) -> None:
    with Traffic(server.site, [_STREAM], max_requests=10) as traffic:
        while (result := traffic.snapshot()).ended_by == "running":
            time.sleep(0.02)
    assert result.ended_by == "max_requests"
    assert server.count == 10
    assert 0.15 < result.seconds < 2


def test_waiting_for_traffic_that_never_flows_says_what_it_met(server: _Server) -> None:
    server.release = ""
    with Traffic(server.site, [_STREAM], max_seconds=20) as traffic:
        while not traffic.snapshot().lost:
            time.sleep(0.02)
        with raises(Kind.SANDBOX, match="No good answer") as caught:
            traffic.wait_until_flowing(timeout=0)
    assert any("no X-Release" in line for line in caught.value.lines)


_ORPHAN = """
import json, sys, time
from sandbox.traffic.child import Child
child = Child("sandbox.traffic.worker", json.loads(sys.argv[1]))
child.ask("snapshot", timeout=10)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_traffic_ends_when_whoever_started_it_is_killed(server: _Server) -> None:
    place = {"domain": "behindy.test", "port": server.port, "ca_file": str(server.ca_file)}
    stream = {**asdict(_STREAM), "kind": _STREAM.kind.value}
    spec = {"place": place, "streams": [stream], "bounds": asdict(Bounds())}
    with subprocess.Popen([sys.executable, "-c", _ORPHAN, json.dumps(spec)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        generator = int(parent.stdout.readline())
        parent.kill()
    for _ in range(100):
        if not _runs(generator):
            return
        time.sleep(0.02)
    os.kill(generator, signal.SIGKILL)
    pytest.fail("the load generator outlived its parent")


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    ("due", "now", "expected"),
    [
        (1.0, 1.0, (1.1, 0)),
        (1.0, 1.09, (1.1, 0)),
        (1.0, 1.35, (1.4, 3)),
    ],
)
def test_a_late_worker_skips_slots_instead_of_catching_up(due: float, now: float, expected: tuple[float, int]) -> None:
    slot, missed = next_slot(due, 0.1, now)
    assert slot == pytest.approx(expected[0])
    assert missed == expected[1]


@pytest.mark.parametrize("service", ["frontend", "backend", "llmserver"])
def test_a_service_is_asked_57_times_a_second_in_every_manner(service: str) -> None:
    streams = [stream for stream in for_service(service) if stream.kind is not StreamKind.WEBSOCKET]
    assert sum(stream.rate for stream in streams) == 57
    assert {stream.service for stream in streams} == {service}
    assert {stream.kind for stream in streams} == {StreamKind.KEPT_ALIVE, StreamKind.NEW_CONNECTION, StreamKind.POST}
    assert [stream.path for stream in streams if stream.holds] == [streams[0].path + "?sleep=2"]


@pytest.mark.parametrize(("service", "expected"), [("frontend", 1), ("llmserver", 1), ("backend", 0)])
def test_a_websocket_on_backend_runs_while_another_service_is_replaced(service: str, expected: int) -> None:
    sockets = [stream for stream in for_service(service) if stream.kind is StreamKind.WEBSOCKET]
    assert [stream.service for stream in sockets] == ["backend"] * expected


def test_slow_streams_have_enough_workers_for_their_rate() -> None:
    for stream in (*demo(), *for_service("frontend")):
        assert stream.concurrency >= stream.rate * stream.holds * 1.2, stream.name


def test_every_kind_is_asked_that_may_ask_while_any_service_is_replaced() -> None:
    streams = every_kind()
    check(streams, Bounds())
    assert {stream.kind for stream in streams} == {*StreamKind} - {StreamKind.WEBSOCKET}
    inside = {(stream.service, stream.path) for stream in streams if stream.kind is StreamKind.INSIDE}
    assert {("llmserver", "http://nginx:8000/"), ("backend", "http://nginx:8080/")} < inside
    for stream in streams:
        assert stream.concurrency >= stream.rate * stream.holds, stream.name


def test_the_demo_asks_all_three_services_100_to_150_times_a_second() -> None:
    assert 100 <= sum(stream.rate for stream in demo()) <= 150
    assert {stream.service for stream in demo()} == {"frontend", "backend", "llmserver"}


@pytest.mark.parametrize(
    ("streams", "bounds"),
    [
        ([], Bounds()),
        ([_STREAM, _STREAM], Bounds()),
        ([Stream("s", "frontend", "/", rate=1000, concurrency=2)], Bounds()),
        ([Stream("s", "frontend", "/", rate=0, concurrency=2)], Bounds()),
        ([_STREAM], Bounds(max_seconds=36_000)),
        ([_STREAM], Bounds(max_requests=10**7)),
        ([_STREAM], Bounds(max_seconds=0)),
    ],
)
def test_unbounded_heavy_or_ambiguous_traffic_is_refused(streams: list[Stream], bounds: Bounds) -> None:
    with raises(Kind.USAGE):
        check(streams, bounds)


def test_an_unknown_service_has_no_streams() -> None:
    with raises(Kind.USAGE, match="'shop'"):
        for_service("shop")


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)
    assert percentile([], 0.5) == 0


def test_the_record_keeps_the_first_twenty_losses_and_counts_them_all() -> None:
    record = Recorder([_STREAM], started=1000.0)
    for number in range(30):
        record.sending(_STREAM)
        record.lost(_STREAM, at=number, reason=f"r{number}")
    result = record.result(seconds=30, ended_by="stop")
    assert (result.sent, result.lost) == (30, 30)
    assert [loss.reason for loss in result.losses] == [f"r{number}" for number in range(20)]


def test_the_record_has_a_time_series_per_release() -> None:
    record = Recorder([_STREAM], started=1000.0)
    for at, release in [(0.1, "v1"), (0.2, "v1"), (0.3, "v2"), (0.6, "v1")]:
        record.answered("frontend", release, at=at)
    result = record.result(seconds=1, ended_by="stop")
    assert [(a.at, a.release, a.count) for a in result.answers] == [(0, "v1", 2), (0.25, "v2", 1), (0.5, "v1", 1)]
    assert result.first_answer("frontend", "v2") == 1000.3
    assert result.last_answer("frontend", "v1") == 1000.6
    assert result.first_answer("frontend", "v3") is None


def test_the_latency_of_a_held_answer_is_what_came_on_top() -> None:
    held = Stream("held", "frontend", "/", rate=1, concurrency=1, holds=2.0)
    record = Recorder([held], started=0.0)
    record.good(held, at=2.5, latency=2.25)
    assert record.result(seconds=3, ended_by="stop").streams[0].longest == 0.25


def test_the_record_has_the_latencies_of_each_second() -> None:
    record = Recorder([_STREAM], started=0.0)
    for at, latency in [(0.1, 0.002), (0.9, 0.004), (0.95, 0.5), (2.0, 0.001)]:
        record.good(_STREAM, at=at, latency=latency)
    result = record.result(seconds=3, ended_by="stop")
    assert result.latencies == (Latency(0.0, 3, 0.004, 0.5, 0.5), Latency(2.0, 1, 0.001, 0.001, 0.001))


def test_a_result_survives_the_way_through_json() -> None:
    record = Recorder([_STREAM], started=1000.0)
    record.sending(_STREAM)
    record.answered("frontend", "v1", at=0.5)
    record.good(_STREAM, at=0.5, latency=0.01)
    record.lost(_STREAM, at=0.5, reason="HTTP 500")
    result = record.result(seconds=1, ended_by="stop")
    assert TrafficResult.from_json(json.loads(json.dumps(asdict(result)))) == result
