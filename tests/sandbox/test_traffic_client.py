"""Every way to lose a request is noticed: each test asks a small server that has exactly that fault."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import WSMsgType, web

from sandbox.traffic.client import Caller, Limited, Lost, Outcome, Place, caller
from sandbox.traffic.inside import SCRIPT, Inside
from sandbox.traffic.model import Stream, StreamKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

pytestmark = pytest.mark.serial

_HEADERS = {"X-Release": "v1", "X-Service": "frontend"}


def _stream(kind: StreamKind = StreamKind.KEPT_ALIVE, **changes: object) -> Stream:
    fields: dict[str, object] = {"name": "s", "service": "frontend", "path": "/", "rate": 10, "concurrency": 1}
    return Stream(**{**fields, "kind": kind, "timeout": 5.0, **changes})  # type: ignore[arg-type]


@asynccontextmanager
async def _server(handler: Handler) -> AsyncIterator[Place]:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Place("behindy.test", runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _ask(handler: Handler, stream: Stream, *, times: int = 1, pause: float = 0.0) -> list[Outcome]:
    async def run() -> list[Outcome]:
        async with _server(handler) as place:
            connection = caller(place, stream)
            outcomes = []
            try:
                for _ in range(times):
                    outcomes.append(await connection.call())
                    await asyncio.sleep(pause)
            finally:
                await connection.close()
            return outcomes

    return asyncio.run(run())


def _answers(status: int = 200, text: str = "", **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        received = len(await request.read())
        return web.Response(status=status, headers={**_HEADERS, **headers}, text=text or f"a POST {received} bytes\n")

    return handler


@pytest.mark.parametrize("kind", [StreamKind.KEPT_ALIVE, StreamKind.NEW_CONNECTION, StreamKind.POST])
def test_a_good_answer_names_its_release_and_has_no_fault(kind: StreamKind) -> None:
    assert _ask(_answers(), _stream(kind), times=3) == [Outcome("v1")] * 3


def test_the_host_header_is_the_public_name_without_a_port() -> None:
    hosts = []

    async def handler(request: web.Request) -> web.Response:
        hosts.append(request.headers["Host"])
        return web.Response(headers=_HEADERS)

    _ask(handler, _stream())
    assert hosts == ["behindy.test"]


@pytest.mark.parametrize("status", [301, 404, 429, 500, 502, 504])
def test_any_status_but_success_is_a_loss_and_redirects_are_not_followed(status: int) -> None:
    assert _ask(_answers(status, Location="/"), _stream()) == [Outcome("v1", f"HTTP {status}")]


def test_a_rate_limit_is_forgiven_only_where_the_stream_says_so() -> None:
    with pytest.raises(Limited):
        _ask(_answers(429), _stream(tolerates_429=True))


@pytest.mark.parametrize(
    ("headers", "stream", "fault"),
    [
        ({"X-Release": ""}, _stream(), "no X-Release"),
        ({"X-Release": "v3"}, _stream(releases=("v1", "v2")), "release v3"),
        ({"X-Service": "backend"}, _stream(), "service backend"),
        ({"text": "a POST 17 bytes\n"}, _stream(StreamKind.POST), "arrived as 17"),
        ({"text": "welcome"}, _stream(StreamKind.POST), "arrived as nothing"),
    ],
)
def test_a_wrong_answer_is_a_loss(headers: dict[str, str], stream: Stream, fault: str) -> None:
    assert fault in _ask(_answers(200, **headers), stream)[0].fault


def test_a_service_header_is_not_required() -> None:
    assert _ask(_answers(200, **{"X-Service": ""}), _stream()) == [Outcome("v1")]


async def _drop(request: web.Request) -> web.Response:
    assert request.transport
    request.transport.abort()
    return web.Response()


async def _truncate(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={**_HEADERS, "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"half")
    assert request.transport
    request.transport.abort()
    return response


async def _hang(_: web.Request) -> web.Response:
    await asyncio.sleep(0.5)
    return web.Response(headers=_HEADERS)


@pytest.mark.parametrize("kind", [StreamKind.KEPT_ALIVE, StreamKind.NEW_CONNECTION, StreamKind.POST])
@pytest.mark.parametrize("handler", [_drop, _truncate])
def test_a_broken_connection_is_a_loss(handler: Handler, kind: StreamKind) -> None:
    with pytest.raises(Lost):
        _ask(handler, _stream(kind))


def test_no_answer_in_time_is_a_loss() -> None:
    with pytest.raises(Lost, match=r"timeout after 0\.2 s"):
        _ask(_hang, _stream(timeout=0.2))


def test_time_the_server_was_asked_to_take_does_not_count_as_a_timeout() -> None:
    assert _ask(_hang, _stream(timeout=0.4, holds=0.5)) == [Outcome("v1")]


def test_a_refused_connection_is_a_loss() -> None:
    async def run() -> None:
        async with _server(_answers()) as place:
            pass
        connection = caller(place, _stream())
        try:
            await connection.call()
        finally:
            await connection.close()

    with pytest.raises(Lost, match="Cannot connect"):
        asyncio.run(run())


async def _close_unannounced(request: web.Request) -> web.Response:
    assert request.transport
    asyncio.get_running_loop().call_later(0.03, request.transport.close)
    return web.Response(headers=_HEADERS, text="2 bytes")


async def _close_announced(_: web.Request) -> web.Response:
    response = web.Response(headers=_HEADERS)
    response.force_close()
    return response


@pytest.mark.parametrize("kind", [StreamKind.KEPT_ALIVE, StreamKind.POST])
def test_a_kept_alive_connection_closed_between_requests_is_a_loss(kind: StreamKind) -> None:
    first, second = _ask(_close_unannounced, _stream(kind, body_bytes=2), times=2, pause=0.06)
    assert second.fault == "the server closed a kept-alive connection unannounced"
    assert first.release == "v1"


def test_a_kept_alive_connection_dropped_under_the_next_request_is_a_loss_although_a_retry_succeeds() -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return await _drop(request) if asked == 2 else web.Response(headers=_HEADERS)

    first, second = _ask(handler, _stream(), times=2)
    assert first.fault == ""
    assert second.fault == "the server closed a kept-alive connection unannounced"


def test_a_connection_closed_as_announced_is_no_loss() -> None:
    assert _ask(_close_announced, _stream(), times=3, pause=0.02) == [Outcome("v1")] * 3


def _socket(answer: Callable[[int, str], str | None]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        count = 0
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            count += 1
            text = answer(count, message.data)
            if text is None:
                break
            await socket.send_str(text)
        await socket.close()
        return socket

    return handler


def test_a_websocket_counts_and_hears_each_count() -> None:
    heard = []

    def answer(_: int, text: str) -> str:
        heard.append(text)
        return text

    assert _ask(_socket(answer), _stream(StreamKind.WEBSOCKET), times=3) == [Outcome()] * 3
    assert heard == ["1", "2", "3"]


def test_a_closed_websocket_is_a_loss() -> None:
    with pytest.raises(Lost, match=r"closed \(code 1000\)"):
        _ask(_socket(lambda count, text: text if count < 3 else None), _stream(StreamKind.WEBSOCKET), times=3)


def test_a_wrong_echo_is_a_loss() -> None:
    with pytest.raises(Lost, match="echoed '1' for 2"):
        _ask(_socket(lambda _, __: "1"), _stream(StreamKind.WEBSOCKET), times=2)


def test_a_websocket_that_is_refused_is_a_loss() -> None:
    with pytest.raises(Lost, match="502"):
        _ask(_answers(502), _stream(StreamKind.WEBSOCKET))


def test_after_a_loss_a_websocket_is_opened_anew() -> None:
    opened = 0

    async def run() -> None:
        nonlocal opened

        async def handler(request: web.Request) -> web.StreamResponse:
            nonlocal opened
            opened += 1
            return await _socket(lambda _, text: None if opened == 1 else text)(request)

        async with _server(handler) as place:
            connection = caller(place, _stream(StreamKind.WEBSOCKET))
            with pytest.raises(Lost):
                await connection.call()
            assert await connection.call() == Outcome()
            await connection.close()

    asyncio.run(run())
    assert opened == 2


def test_a_slow_body_arrives_in_pieces_and_whole() -> None:
    pieces: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        pieces.extend([len(chunk) async for chunk in request.content.iter_any()])
        return web.Response(headers=_HEADERS, text=f"a POST {sum(pieces)} bytes\n")

    slow = _stream(StreamKind.SLOW_BODY, body_bytes=1000, holds=0.3)
    assert _ask(handler, slow) == [Outcome("v1")]
    assert (len(pieces) > 4, sum(pieces)) == (True, 1000)
    assert "arrived as 17" in _ask(_answers(text="a POST 17 bytes\n"), slow)[0].fault


class _Frontend:
    """A page that names the script of its release; scripts of ``kept`` releases are served."""

    def __init__(self) -> None:
        self.release, self.kept, self.content = "v1", {"v1", "v2"}, "let x;"

    async def handler(self, request: web.Request) -> web.Response:
        headers = {**_HEADERS, "X-Release": self.release}
        if request.path == "/":
            script = f'<script src="/_next/static/chunks/app-{self.release}.js" async></script>'
            return web.Response(headers=headers, text=script, content_type="text/html")
        found = request.path[len("/_next/static/chunks/app-") : -len(".js")] in self.kept
        return web.Response(status=200 if found else 404, text=self.content + request.path)


def _open_pages(frontend: _Frontend, *changes: Callable[[], None]) -> list[Outcome]:
    """What is met after each change, by six questions each, of which the first opens a page."""

    async def run() -> list[Outcome]:
        async with _server(frontend.handler) as place:
            connection = caller(place, _stream(StreamKind.PAGE))
            outcomes = [await connection.call() for _ in range(3)]
            for change in changes:
                change()
                connection._open_at = 0.0  # type: ignore[attr-defined]
                outcomes += [await connection.call() for _ in range(6)]
            await connection.close()
            return outcomes

    return asyncio.run(run())


def test_a_page_that_stays_open_asks_for_its_own_script_after_a_deploy() -> None:
    frontend = _Frontend()
    outcomes = _open_pages(frontend, lambda: setattr(frontend, "release", "v2"))
    assert {outcome.fault for outcome in outcomes} == {""}
    gone = _Frontend()
    outcomes = _open_pages(gone, lambda: setattr(gone, "kept", {"v2"}))
    assert "HTTP 404 for /_next/static/chunks/app-v1.js, the script of an open page" in {
        each.fault for each in outcomes
    }


def test_a_script_that_is_another_than_it_was_is_a_loss_and_so_is_a_page_without_one() -> None:
    frontend = _Frontend()
    outcomes = _open_pages(frontend, lambda: setattr(frontend, "content", "other"))
    assert "/_next/static/chunks/app-v1.js is another script than it was" in {each.fault for each in outcomes}
    assert _ask(_answers(), _stream(StreamKind.PAGE))[0].fault == "a page without a script"


def _inside(*urls: str, handler: Handler, seconds: float = 5.0) -> list[Outcome | str]:
    """What each of these meets, asked by the process that runs inside the network, here on this machine."""

    async def one(connection: Caller) -> Outcome | str:
        try:
            return await connection.call()
        except Lost as lost:
            return str(lost)

    async def run() -> list[Outcome | str]:
        async with _server(handler) as place:
            inside = Inside([sys.executable, "-c", SCRIPT])
            await inside.start()
            streams = [
                _stream(StreamKind.INSIDE, path=url.format(port=place.port), timeout=seconds, service="frontend")
                for url in urls
            ]
            outcomes = [await one(caller(place, stream, inside)) for stream in streams]
            await inside.close()
            outcomes.append(await one(caller(place, streams[0], inside)))
            return outcomes

    return asyncio.run(run())


def test_whoever_asks_from_inside_looks_the_name_up_and_notices_every_loss() -> None:
    good, unknown, refused, gone = _inside(
        "http://localhost:{port}/", "http://nobody.invalid:{port}/", "http://127.0.0.1:1/", handler=_answers()
    )
    assert good == Outcome("v1")
    assert "lookup of nobody.invalid" in str(unknown)
    assert "Cannot connect" in str(refused)
    assert gone == "the process inside the network has ended"
    assert _inside("http://127.0.0.1:{port}/", handler=_answers(502))[0] == Outcome("v1", "HTTP 502")
    assert _inside("http://127.0.0.1:{port}/", handler=_hang, seconds=0.2)[0] == "timeout after 0.2 s"


def test_with_nobody_inside_the_question_is_lost() -> None:
    with pytest.raises(Lost, match="nobody is inside"):
        asyncio.run(caller(Place("b.test", 1), _stream(StreamKind.INSIDE)).call())
