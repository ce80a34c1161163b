"""The commands that look at the database, dump it and restore it; Postgres is asked within its own container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from behindy_ops.facts import database as facts
from behindy_ops.facts.database import CONTAINER
from behindy_ops.host.command import Command, script
from behindy_ops.host.exit_codes import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from behindy_ops.facts.database import Database
    from behindy_ops.host.session import Session

__all__ = ["fill", "keep", "look", "name_for", "receive", "stream", "swap"]

LONGEST = 6 * 3600.0
"""Seconds a dump or a restore may take at most."""


def name_for(database: str, stamp: str) -> str:
    """Return what a backup is called: ``behindy-20260131-093000.dump``; names sort by time."""
    return f"{re.sub(r'[^A-Za-z0-9_.]', '_', database)}-{stamp}.dump"


def look(session: Session) -> Database:
    """Inspect the database; one round trip.

    Raises:
        Kind.FILES_MISSING: there is no such host directory.
        Kind.DATABASE_NOT_READY: Postgres is not there, or does not answer.
    """
    argv = script("db/look", CONTAINER, session.settings.host_dir)
    result = session.host.run(Command(argv, title="inspect the database"))
    if result.exit_code == Code.NO_DIRECTORY:
        raise result.error()
    return facts.parse_database(result.reply(), result.last_lines(3) if result.stderr.strip() else ())


def stream(sink: Callable[[bytes], object]) -> Command:
    """Return the dump to this machine."""
    argv = script("db/dump", CONTAINER, "", "", "0")
    return Command(argv, title="dump the database", timeout=LONGEST, sink=sink)


def keep(host_dir: str, name: str, count: int) -> Command:
    """Return the dump to a file on the host, which keeps the newest ``count`` there."""
    argv = script("db/dump", CONTAINER, f"{host_dir}/backups", name, str(count))
    return Command(argv, title="dump the database", timeout=LONGEST, changes=True)


def receive(host_dir: str, name: str, feed: Iterable[bytes] | None) -> Command:
    """Return what puts a backup where it can be restored from, and reads it through.

    Args:
        name: one that is on the host; empty for one that is fed.
    """
    argv = script("db/receive", CONTAINER, host_dir, name)
    return Command(argv, title="check the backup", timeout=LONGEST, feed=feed, changes=True)


def fill(host_dir: str) -> Command:
    """Return what fills a new database beside the one in use."""
    argv = script("db/fill", CONTAINER, host_dir)
    return Command(argv, title="fill a new database", timeout=LONGEST, changes=True)


def swap(kept: str) -> Command:
    """Return what gives it the name of the one in use, which is then called ``kept``, or dropped if that is empty."""
    return Command(script("db/swap", CONTAINER, kept), title="swap the databases", timeout=120, changes=True)
