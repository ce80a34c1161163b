"""Deals with orders, one after the other, until it is told to end; the one that it has begun is finished."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from app import database

ASKED = Path("/tmp/asked")  # noqa: S108 -- of the container alone; its health check looks for it
NEXT = """
    UPDATE orders SET dealt_with_by = $1
    WHERE id = (SELECT id FROM orders WHERE dealt_with_by IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


def say_so() -> None:
    """The database was asked: this works."""
    ASKED.touch()


async def work(ending: asyncio.Event) -> None:
    connection = await database.connect()
    while not ending.is_set():
        order = await connection.fetchval(NEXT, os.environ["RELEASE"])
        say_so()
        if order is None:
            await asyncio.sleep(0.2)
    await connection.close()


async def main() -> None:
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    await work(ending)


if __name__ == "__main__":
    asyncio.run(main())
