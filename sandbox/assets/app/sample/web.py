"""The HTTP side: every path answers; every answer says which release gave it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from . import dependencies, faults
from .release import Release

__all__ = ["serve"]

KEEP_ALIVE_SECONDS = 3600.0  # a proxy's kept connection must not be closed just when it is used again
LONGEST_SLEEP_SECONDS = 1000.0
STATIC_PLACE = Path("/app/.next/static")  # where Next.js builds to; each release of the frontend has its own
RELEASE = web.AppKey("release", Release)
STATIC = web.AppKey("static", dict[str, Path])
ENOUGH = web.AppKey("enough", asyncio.Event)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def mark(request: web.Request, response: web.StreamResponse) -> None:
    """Name the release on every answer, a WebSocket's upgrade included."""
    release = request.app[RELEASE]
    response.headers["X-Release"] = release.tag
    response.headers["X-Service"] = release.service


@web.middleware
async def break_if_ordered(request: web.Request, handler: Handler) -> web.StreamResponse:
    release = request.app[RELEASE]
    if await faults.broken_for(release, request):
        faults.say(f"ERROR {release.service} {release.tag}: 500 for {request.method} {request.path}")
        return web.Response(status=500, text=f"{release.service} {release.tag} is broken\n")
    return await handler(request)


async def anything(request: web.Request) -> web.StreamResponse:
    release = request.app[RELEASE]
    received = 0
    async for chunk in request.content.iter_chunked(65536):
        received += len(chunk)
    try:
        seconds = float(request.query.get("sleep", "0"))
    except ValueError:
        return web.Response(status=400, text="sleep takes seconds\n")
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(request.app[ENOUGH].wait(), min(seconds, LONGEST_SLEEP_SECONDS))
    said = f"{release.service} {release.tag} {request.method} {request.path} {received} bytes\n"
    if request.path != "/" or request.method != "GET" or not request.app[STATIC]:
        return web.Response(text=said)
    names = [*request.app[STATIC], *faults.missing_files(release)]
    scripts = (f'<script src="/_next/static/{name}" async></script>\n' for name in names)
    return web.Response(text=said + "".join(scripts), content_type="text/html")


async def static(request: web.Request) -> web.StreamResponse:
    """A file of the release's build, or 404 as Next.js says it: not to be kept."""
    file = request.app[STATIC].get(request.match_info["name"])
    if file is None:
        headers = {"Cache-Control": "private, no-cache, no-store, max-age=0, must-revalidate"}
        return web.Response(status=404, text="404 | This page could not be found.\n", headers=headers)
    return web.FileResponse(file, headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def mirror(request: web.Request) -> web.StreamResponse:
    """Say what arrived.

    The query orders the answer: ``status=404``, ``header=Name:value`` (any number of them), ``abort=v1`` (release v1
    takes the request and hangs up).
    """
    body = await request.read()
    if request.query.get("abort") == request.app[RELEASE].tag and request.transport:
        request.transport.abort()
    arrived = {
        "method": request.method,
        "path": request.raw_path,
        "headers": list(request.headers.items()),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    answer = web.json_response(arrived, status=int(request.query.get("status", "200")))
    for header in request.query.getall("header", []):
        name, _, value = header.partition(":")
        answer.headers.add(name, value)
    return answer


async def llmserver_health(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "healthy"})


async def backend_health(_request: web.Request) -> web.StreamResponse:
    components = await dependencies.backend_health()
    up = all(answer == "UP" for answer in components.values())
    return web.json_response({"status": "UP" if up else "DOWN", "components": components}, status=200 if up else 503)


async def stories_health(request: web.Request) -> web.StreamResponse:
    try:
        await asyncio.wait_for(dependencies.ask_llmserver(request.host), dependencies.LIMIT_SECONDS)
    except Exception as error:  # noqa: BLE001 -- whatever went wrong, the answer says so
        return web.json_response({"status": "DOWN", "error": f"{type(error).__name__}: {error}"}, status=503)
    return web.json_response({"status": "UP"})


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def application(release: Release) -> web.Application:
    app = web.Application(middlewares=[break_if_ordered], client_max_size=64 * 1024 * 1024)
    app[RELEASE] = release
    files = sorted(file for file in STATIC_PLACE.rglob("*") if file.is_file() and not file.is_symlink())
    app[ENOUGH] = asyncio.Event()
    app[STATIC] = {str(file.relative_to(STATIC_PLACE)): file for file in files}
    app.on_response_prepare.append(mark)
    if release.service == "llmserver":
        app.router.add_get("/health", llmserver_health)
    if release.service == "backend":
        app.router.add_get("/actuator/health", backend_health)
        app.router.add_get("/api/ai-stories/health", stories_health)
        app.router.add_get("/ws", echo)
    app.router.add_route("*", "/{path:.*__echo.*}", mirror)
    if release.service == "frontend":
        # The longer beginning of a path would win over the mirror, whichever was added first.
        app.router.add_get("/_next/static/{name:(?!.*__echo).*}", static)
    app.router.add_route("*", "/{path:.*}", anything)
    return app


async def serve(release: Release) -> None:
    """Listen on the service's port until the process is told to end. After SIGUSR1 none sleeps any more."""
    app = application(release)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, app[ENOUGH].set)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", release.port).start()  # noqa: S104 -- a container's own address
    faults.say(f"{release.service} {release.tag} listens on {release.port}")
    await faults.once_ready(release)
    await asyncio.Event().wait()
