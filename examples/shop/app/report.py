"""What the host runs at night: how many orders there are, and how many still wait."""

from __future__ import annotations

import asyncio

from app import database


async def report() -> None:
    connection = await database.connect()
    row = await connection.fetchrow("SELECT count(*) AS all, count(dealt_with_by) AS done FROM orders")
    print(f"{row['all']} orders, {row['all'] - row['done']} of them wait")
    await connection.close()


if __name__ == "__main__":
    asyncio.run(report())
