"""Asks from inside the network: a JSON line in, one out. Run in a container of the sample application's image.

Each question is a lookup, by Docker's DNS, and a request over a connection of its own: what an application does that
keeps neither, so nothing that fails is hidden by something that was kept. It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from urllib.parse import urlsplit

import aiohttp


async def _ask(session: aiohttp.ClientSession, url: str, seconds: float) -> dict[str, Any]:
    place = urlsplit(url)
    try:
        await asyncio.get_running_loop().getaddrinfo(place.hostname, place.port)
    except OSError as error:
        return {"lost": f"lookup of {place.hostname}: {error}"}
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=seconds), allow_redirects=False) as answer:
            body = (await answer.read()).decode("utf-8", "replace")
            return {"status": answer.status, "headers": dict(answer.headers), "body": body}
    except TimeoutError:
        return {"lost": f"timeout after {seconds:g} s"}
    except (aiohttp.ClientError, OSError) as error:
        return {"lost": f"{type(error).__name__}: {error}"}


async def _answer(session: aiohttp.ClientSession, question: dict[str, Any]) -> None:
    said = await _ask(session, question["url"], question["seconds"])
    sys.stdout.write(json.dumps({"id": question["id"], **said}) + "\n")
    sys.stdout.flush()


async def _main() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    connector = aiohttp.TCPConnector(force_close=True, limit=0, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        asking: set[asyncio.Task[None]] = set()
        while line := await reader.readline():
            task = asyncio.create_task(_answer(session, json.loads(line)))
            asking.add(task)
            task.add_done_callback(asking.discard)


if __name__ == "__main__":
    asyncio.run(_main())
