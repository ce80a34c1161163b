"""Asking once, over HTTP/1.1 or a WebSocket, and judging the answer. Every way to lose a request ends in ``Lost``."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from sandbox.traffic.model import Stream, StreamKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Caller", "Limited", "Lost", "Outcome", "Place", "caller"]

_LOOPBACK = "127.0.0.1"
_GOODBYE_SECONDS = 1.0
_SUCCESS = 2  # hundred
# Far longer than any run: whoever closes an idle connection here, it is never us.
_KEEP_ALIVE_SECONDS = 3600.0


@dataclass(frozen=True)
class Place:
    """Where to ask: always loopback, whatever ``domain`` is. ``ca_file`` verifies TLS; empty means plain HTTP."""

    domain: str
    port: int
    ca_file: str = ""

    def url(self, scheme: str, path: str) -> str:
        return f"{scheme}{'s' if self.ca_file else ''}://{self.domain}:{self.port}{path}"


@dataclass(frozen=True)
class Outcome:
    """An answer: ``release`` is empty where it names none (WebSocket), ``fault`` where it is as it should be."""

    release: str = ""
    fault: str = ""


class Lost(Exception):
    """No usable answer."""


class Limited(Exception):
    """A 429 on a stream that tolerates it."""


class Caller(Protocol):
    """One worker's connection."""

    async def call(self) -> Outcome: ...

    async def close(self) -> None: ...


def caller(place: Place, stream: Stream) -> Caller:
    """A connection for ``stream``. Must be called in a running loop; connects at the first call."""
    return _WebSocketCaller(place, stream) if stream.kind is StreamKind.WEBSOCKET else _HttpCaller(place, stream)


class _Loopback(AbstractResolver):
    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - aiohttp passes it; loopback is IPv4 here
    ) -> list[ResolveResult]:
        flags = socket.AI_NUMERICHOST
        return [ResolveResult(hostname=host, host=_LOOPBACK, port=port, family=socket.AF_INET, proto=0, flags=flags)]

    async def close(self) -> None:
        return None


def _session(place: Place, stream: Stream, *traces: aiohttp.TraceConfig) -> aiohttp.ClientSession:
    context: ssl.SSLContext | bool = ssl.create_default_context(cafile=place.ca_file) if place.ca_file else True
    once = stream.kind is StreamKind.NEW_CONNECTION
    connector = (
        aiohttp.TCPConnector(resolver=_Loopback(), ssl=context, limit=1, force_close=True)
        if once
        else aiohttp.TCPConnector(resolver=_Loopback(), ssl=context, limit=1, keepalive_timeout=_KEEP_ALIVE_SECONDS)
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=stream.timeout + stream.holds),
        headers={"Host": place.domain, "User-Agent": "behindy-ops traffic"},
        trace_configs=list(traces),
    )


def _reason(error: BaseException, stream: Stream) -> str:
    if isinstance(error, TimeoutError):
        return f"timeout after {stream.timeout + stream.holds:g} s"
    return f"{type(error).__name__}: {error}"


class _HttpCaller:
    """One kept-alive connection (or, by stream, a new one each time), watched for being dropped.

    aiohttp quietly opens a new connection when a pooled one was closed meanwhile, and quietly repeats an idempotent
    request that failed on one. Users would not be so lucky, so the connections it opens are counted: one more than
    the last answer allowed for (``Connection: close``) is a loss.
    """

    def __init__(self, place: Place, stream: Stream) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_start.append(self._opening)
        self._session = _session(place, stream, trace)
        self._stream = stream
        self._url = place.url("http", stream.path)
        self._opened = 0
        self._may_open = True

    async def _opening(self, *_: Any) -> None:
        self._opened += 1

    async def call(self) -> Outcome:
        allowed, self._opened, self._may_open = int(self._may_open), 0, True
        try:
            outcome = await self._ask()
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(_reason(error, self._stream)) from None
        if self._opened > allowed:
            return Outcome(outcome.release, outcome.fault or "the server closed a kept-alive connection unannounced")
        return outcome

    async def _ask(self) -> Outcome:
        stream = self._stream
        post = stream.kind is StreamKind.POST
        body = b"x" * stream.body_bytes if post else None
        async with self._session.request(
            "POST" if post else "GET", self._url, data=body, allow_redirects=False
        ) as response:
            body_back = await response.text(errors="replace")
            announced = response.headers.get("Connection", "").lower() == "close"
            self._may_open = announced or stream.kind is StreamKind.NEW_CONNECTION
            if response.status == HTTPStatus.TOO_MANY_REQUESTS and stream.tolerates_429:
                raise Limited
            release = response.headers.get("X-Release", "")
            return Outcome(release, _fault(stream, response.status, response.headers, body_back))

    async def close(self) -> None:
        await self._session.close()


def _fault(stream: Stream, status: int, headers: Mapping[str, str], body: str) -> str:
    """Why an answer is not the one that was due; empty if it is."""
    release, service = headers.get("X-Release", ""), headers.get("X-Service", "")
    if status // 100 != _SUCCESS:
        return f"HTTP {status}"
    if not release:
        return "no X-Release in the answer"
    if stream.releases and release not in stream.releases:
        return f"answered by release {release}"
    if service and service != stream.service:
        return f"answered by service {service}"
    if stream.kind is StreamKind.POST and (arrived := _arrived(body)) != str(stream.body_bytes):
        return f"POST of {stream.body_bytes} bytes arrived as {arrived or 'nothing'}"
    return ""


def _arrived(body: str) -> str:
    """How many bytes of a POST the sample application says it received: its answer ends in ``<count> bytes``."""
    match = re.search(r"\b(\d+) bytes\s*$", body)
    return match[1] if match else ""


class _WebSocketCaller:
    """One WebSocket: each call sends the next count and demands its echo. Opened anew after a loss."""

    def __init__(self, place: Place, stream: Stream) -> None:
        self._session = _session(place, stream)
        self._stream = stream
        self._origin = place.url("http", "").rsplit(":", 1)[0]
        self._url = place.url("ws", stream.path)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._count = 0

    async def call(self) -> Outcome:
        try:
            await self._echo()
        except (aiohttp.ClientError, OSError, Lost) as error:
            await self._drop()
            raise (error if isinstance(error, Lost) else Lost(_reason(error, self._stream))) from None
        return Outcome()

    async def _echo(self) -> None:
        if self._socket is None:
            self._socket = await self._session.ws_connect(
                self._url, origin=self._origin, timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SECONDS)
            )
        self._count += 1
        await self._socket.send_str(str(self._count))
        message = await self._socket.receive(timeout=self._stream.timeout)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise Lost(f"the WebSocket was closed (code {self._socket.close_code})")
        if message.data != str(self._count):
            raise Lost(f"the WebSocket echoed {message.data[:40]!r} for {self._count}")

    async def _drop(self) -> None:
        socket_, self._socket = self._socket, None
        if socket_ is not None:
            await socket_.close()

    async def close(self) -> None:
        await self._drop()
        await self._session.close()
