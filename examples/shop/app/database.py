"""The shop's database."""

from __future__ import annotations

import os

import asyncpg


async def connect() -> asyncpg.Connection:
    """Log in; a lock that is waited for too long is an error."""
    return await asyncpg.connect(
        os.environ["DATABASE_URL"], ssl=False, timeout=5, command_timeout=30, server_settings={"lock_timeout": "5s"}
    )
