"""Asking once, over HTTP/1.1, a WebSocket or from inside, and judging the answer.

Every way to lose a request ends in ``Lost``.
"""

from __future__ import annotations

import asyncio
import hashlib
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
    from collections.abc import AsyncIterator, Mapping

    from sandbox.traffic.inside import Inside

__all__ = ["Caller", "Limited", "Lost", "Outcome", "Place", "caller"]

_LOOPBACK = "127.0.0.1"
_GOODBYE_SECONDS = 1.0
_SUCCESS = 2  # hundred
_PIECES = 12
"""Of a slow body."""
_PAGE_SECONDS = 2.0
"""After so long somebody opens a page of their own."""
_PAGES = 3
"""Of so many releases pages are open: the live one, and as many before it as a rollback has images of."""
_SCRIPT = re.compile(r'<script src="(/_next/static/[^"]+)"')
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


def caller(place: Place, stream: Stream, inside: Inside | None = None) -> Caller:
    """A connection for ``stream``. Must be called in a running loop; connects at the first call."""
    match stream.kind:
        case StreamKind.WEBSOCKET:
            return _WebSocketCaller(place, stream)
        case StreamKind.PAGE:
            return _PageCaller(place, stream)
        case StreamKind.INSIDE:
            return _InsideCaller(stream, inside)
        case _:
            return _HttpCaller(place, stream)


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


_POSTS = (StreamKind.POST, StreamKind.SLOW_BODY)


async def _slowly(stream: Stream) -> AsyncIterator[bytes]:
    """The body in pieces, over ``holds`` seconds."""
    for piece in range(_PIECES):
        await asyncio.sleep(stream.holds / _PIECES)
        begin, end = (stream.body_bytes * at // _PIECES for at in (piece, piece + 1))
        yield b"x" * (end - begin)


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
        post, headers = stream.kind in _POSTS, {}
        body: bytes | AsyncIterator[bytes] | None = b"x" * stream.body_bytes if post else None
        if stream.kind is StreamKind.SLOW_BODY:
            body, headers = _slowly(stream), {"Content-Length": str(stream.body_bytes)}
        async with self._session.request(
            "POST" if post else "GET", self._url, data=body, headers=headers, allow_redirects=False
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


class _PageCaller(_HttpCaller):
    """Pages that stay open: each call asks for the script of one of them, and demands what it was the first time.

    A new page is opened every ``_PAGE_SECONDS``; of each release one stays open, until ``_PAGES`` others are newer.
    """

    def __init__(self, place: Place, stream: Stream) -> None:
        super().__init__(place, stream)
        self._place = place
        self._scripts: dict[str, str] = {}  # path to the hash of what it was, the oldest first
        self._next = 0
        self._open_at = 0.0

    async def _ask(self) -> Outcome:
        now = asyncio.get_running_loop().time()
        if now >= self._open_at:
            self._open_at = now + _PAGE_SECONDS
            return await self._open()
        self._next += 1
        path = [*self._scripts][self._next % len(self._scripts)] if self._scripts else ""
        if not path:
            return await self._open()
        status, _, body = await self._get(path)
        if status // 100 != _SUCCESS:
            return Outcome("", f"HTTP {status} for {path}, the script of an open page")
        arrived = hashlib.sha256(body).hexdigest()
        known, self._scripts[path] = self._scripts[path] or arrived, self._scripts[path] or arrived
        return Outcome("", "" if known == arrived else f"{path} is another script than it was")

    async def _open(self) -> Outcome:
        status, headers, body = await self._get(self._stream.path)
        text = body.decode("utf-8", "replace")
        scripts = _SCRIPT.findall(text)
        for path in scripts:
            self._scripts.setdefault(path, "")
        for path in [*self._scripts][:-_PAGES]:
            del self._scripts[path]
        fault = _fault(self._stream, status, headers, text) or ("" if scripts else "a page without a script")
        return Outcome(headers.get("X-Release", ""), fault)

    async def _get(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        async with self._session.get(self._place.url("http", path), allow_redirects=False) as response:
            body = await response.read()
            self._may_open = response.headers.get("Connection", "").lower() == "close"
            return response.status, response.headers, body


class _InsideCaller:
    """Asks through the process inside the network, which looks the name up and connects each time."""

    def __init__(self, stream: Stream, inside: Inside | None) -> None:
        self._stream, self._inside = stream, inside

    async def call(self) -> Outcome:
        if self._inside is None:
            raise Lost("nobody is inside the network to ask")
        try:
            said = await self._inside.ask(self._stream.path, self._stream.timeout + self._stream.holds)
        except OSError as error:
            raise Lost(str(error)) from None
        if "lost" in said:
            raise Lost(said["lost"])
        headers = said["headers"]
        fault = _fault(self._stream, said["status"], headers, said["body"])
        return Outcome(headers.get("X-Release", ""), fault)

    async def close(self) -> None:
        return None


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
    if stream.kind in _POSTS and (arrived := _arrived(body)) != str(stream.body_bytes):
        return f"POST of {stream.body_bytes} bytes arrived as {arrived or 'nothing'}"
    return ""


def _arrived(body: str) -> str:
    """How many bytes of a POST the sample application says it received: a line of its answer ends in that."""
    match = re.search(r"\b(\d+) bytes\s*$", body, re.MULTILINE)
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
