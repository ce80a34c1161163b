"""The backend's dependencies, really asked: a query to Postgres, a PING to Redis, the health of llmserver."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["ask_llmserver", "backend_health"]

LIMIT_SECONDS = 2.0


async def ask_postgres() -> None:
    """Raise unless Postgres answers a query; address and login come from the names a Spring Boot reads."""
    # Imported at the first use: it doubles the memory and no other service needs it.
    import asyncpg  # type: ignore[import-not-found]

    url = urlsplit(os.environ["SPRING_DATASOURCE_URL"].removeprefix("jdbc:"))
    connection = await asyncpg.connect(
        host=url.hostname,
        port=url.port or 5432,
        database=url.path.lstrip("/"),
        user=os.environ["SPRING_DATASOURCE_USERNAME"],
        password=os.environ["SPRING_DATASOURCE_PASSWORD"],
        ssl=False,
    )
    try:
        await connection.fetchval("SELECT 1")
    finally:
        connection.terminate()


async def ask_redis() -> None:
    """Raise unless Redis takes the password and answers PING."""
    host, port = os.environ["SPRING_DATA_REDIS_HOST"], int(os.environ["SPRING_DATA_REDIS_PORT"])
    password = os.environ["SPRING_DATA_REDIS_PASSWORD"].encode()
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n*1\r\n$4\r\nPING\r\n" % (len(password), password))
        answers = [await reader.readline(), await reader.readline()]
    finally:
        writer.close()
    if answers != [b"+OK\r\n", b"+PONG\r\n"]:
        raise ConnectionError(b" ".join(answers).decode(errors="replace").strip())


async def ask_llmserver(public_host: str = "") -> None:
    """Raise unless llmserver is healthy. ``public_host`` is the Host of the user's request, passed on as proxies do."""
    base = os.environ["AI_SERVER_URL"]
    headers = {"X-Forwarded-Host": public_host} if public_host else {}
    # A session of its own: a connection kept for later would stay with the old container.
    async with aiohttp.ClientSession() as session, session.get(f"{base}/health", headers=headers) as answer:
        answer.raise_for_status()


async def _look(question: Awaitable[None]) -> str:
    try:
        await asyncio.wait_for(question, LIMIT_SECONDS)
    except Exception as error:  # noqa: BLE001 -- whatever went wrong, the dependency is down and the answer says why
        return f"DOWN ({type(error).__name__}: {error})"
    return "UP"


async def backend_health() -> dict[str, str]:
    """Return ``UP`` or ``DOWN (reason)`` for db, redis and llmserver, all asked at once, each for at most 2 s."""
    answers = await asyncio.gather(_look(ask_postgres()), _look(ask_redis()), _look(ask_llmserver()))
    return dict(zip(("db", "redis", "llmserver"), answers, strict=True))
