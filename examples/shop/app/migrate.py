"""Bring the database to what this release needs: each file in ``migrations/`` once, in the order of their names."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app import database

FOLDER = Path(__file__).parents[1] / "migrations"


async def migrate() -> None:
    connection = await database.connect()
    await connection.execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)")
    done = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}
    for file in sorted(FOLDER.glob("*.sql")):
        if file.name not in done:
            print("migrating", file.name)
            async with connection.transaction():
                await connection.execute(file.read_text(encoding="utf-8"))
                await connection.execute("INSERT INTO migrations VALUES ($1)", file.name)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(migrate())
