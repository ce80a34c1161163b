"""How tests ask nginx: from outside, once or again and again, or inside its container under an address of their own."""

from __future__ import annotations

import http.client
import json
import random
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.sandbox.support import on_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.host.info import SandboxInfo

__all__ = ["Answer", "Site", "new_client", "statuses", "timed", "visitors"]

TOO_MANY = 429
PATIENCE_SECONDS = 5.0
LONGEST_SECONDS = 120.0
"""How long an answer may take."""


@dataclass(frozen=True)
class Answer:
    """What came back; ``headers`` keeps repeated ones apart."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        """The header's value, None without it. Two of them are a mistake."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came more than once: {values}"
        return values[0] if values else None

    @property
    def arrived(self) -> dict[str, Any]:
        """The request as it reached the application, by the sample application's ``__echo``."""
        seen: dict[str, Any] = json.loads(self.body)
        return seen

    def passed_on(self, name: str) -> list[str]:
        return [value for key, value in self.arrived["headers"] if key.lower() == name.lower()]


class Site:
    """behindy.me where the sandbox serves it, on loopback; believes the sandbox's CA and nobody else."""

    def __init__(self, info: SandboxInfo) -> None:
        self._ports = {"https": urlsplit(info.https).port, "http": urlsplit(info.http).port}
        self._ca_file = info.ca_file

    def connect(self, scheme: str = "https", *protocols: str) -> socket.socket:
        raw = socket.create_connection(("127.0.0.1", self._ports[scheme]), timeout=LONGEST_SECONDS)
        if scheme == "http":
            return raw
        tls = ssl.create_default_context(cafile=self._ca_file)
        tls.set_alpn_protocols(list(protocols) or ["http/1.1"])
        return tls.wrap_socket(raw, server_hostname="behindy.me")

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        scheme: str = "https",
    ) -> Answer:
        """Ask once. All tests share one client address here, so a 429 is waited out; see `new_client` for limits."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._ask_once(path, method, {"Host": "behindy.me", **(headers or {})}, body, scheme)
            if answer.status != TOO_MANY or time.monotonic() > deadline:
                return answer
            time.sleep(0.2)

    def _ask_once(self, path: str, method: str, headers: Mapping[str, str], body: bytes | None, scheme: str) -> Answer:
        connection = http.client.HTTPConnection("behindy.me")
        connection.sock = self.connect(scheme)
        try:
            # A Content-Length among the headers and no body announces more than is sent.
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, tuple(response.getheaders()), response.read())
        finally:
            connection.close()


def _curl(client: str, *options: str) -> str:
    address = client or f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(2, 255)}"  # noqa: S311
    resolve = ("--resolve", "behindy.me:443:127.0.0.1")
    return on_host("docker", "exec", "nginx", "curl", "-sk", "--http1.1", "--interface", address, *resolve, *options)


def timed(path: str, count: int, *options: str, client: str = "") -> list[tuple[int, float]]:
    """Ask ``count`` times in a row as ``client``, by default one that nginx has not met: status and seconds of each."""
    url = f"https://behindy.me{path}?[1-{count}]"
    lines = _curl(client, "-o", "/dev/null", "-w", "%{http_code} %{time_total}\\n", *options, url).splitlines()
    return [(int(status), float(seconds)) for status, seconds in (line.split() for line in lines)]


def statuses(path: str, count: int, *options: str, client: str = "") -> list[int]:
    return [status for status, _ in timed(path, count, *options, client=client)]


def new_client(path: str, *options: str, client: str = "") -> Answer:
    """Ask once as ``client``, by default one that nginx has not met."""
    head, _, body = _curl(client, "-i", *options, f"https://behindy.me{path}").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    pairs = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Answer(int(first.split()[1]), pairs, body.encode())


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
