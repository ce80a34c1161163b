"""What the host says of its database and of a backup, as plain data. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.errors import UNCHANGED, Kind

if TYPE_CHECKING:
    from behindy_ops.facts.replies import Reply

__all__ = ["CONTAINER", "Database", "Dump", "parse_database", "parse_dump", "parse_sum"]

CONTAINER = "postgres"
"""The container of the service ``db``."""


@dataclass(frozen=True, slots=True)
class Database:
    """The database the services use.

    Attributes:
        version: such as 170012.
        size: bytes on disk, indexes too.
        objects: tables, views, sequences.
        sessions: other connections to it.
        available: free bytes where backups are kept.
        backups: name to bytes of those on the host.
        leftover: an interrupted restore left a half-filled one beside it.
    """

    name: str
    version: int
    size: int
    objects: int
    sessions: int
    available: int
    backups: dict[str, int]
    leftover: bool = False

    @property
    def major(self) -> int:
        return self.version // 10000


@dataclass(frozen=True, slots=True)
class Dump:
    """What a backup says of itself.

    Attributes:
        major: of the Postgres it is from, as pg_restore shows it; 0 if that could not be told.
    """

    sha256: str
    size: int
    major: int
    database: str
    version: str
    made: str


def parse_database(reply: Reply, errors: tuple[str, ...] = ()) -> Database:
    """Read what ``db/look.sh`` printed.

    Args:
        errors: the last lines of its standard error.

    Raises:
        Kind.DATABASE_NOT_READY: Postgres is not there, or does not answer.
    """
    told = reply.values()
    if "database" not in told:
        state = told.get("state", "unknown")
        raise Kind.DATABASE_NOT_READY(
            f"There is no container {CONTAINER} on the host."
            if state == "none"
            else f"Postgres does not answer; its container {CONTAINER} is {state}.",
            state=UNCHANGED,
            remedy=f"Start it: inv host.up. Its log says why it ended: inv ops.logs {CONTAINER}",
            lines=errors,
        )
    version, size, objects, sessions, leftover, name = told["database"].split(maxsplit=5)
    backups = (line.rpartition(" ") for line in reply.every("backup"))
    return Database(
        name=name,
        version=int(version),
        size=int(size),
        objects=int(objects),
        sessions=int(sessions),
        available=int(told.get("avail", "0")),
        backups={file: int(size) for file, _, size in backups},
        leftover=leftover != "0",
    )


def parse_dump(reply: Reply) -> Dump:
    """Read what ``db/receive.sh`` printed."""
    told = reply.values()
    sha256, _, size = told.get("sum", " 0").partition(" ")
    listed = reply.every("list")
    about = dict(line.split(": ", 1) for line in listed if ": " in line)
    version = about.get("Dumped from database version", "")
    made = next((line for line in listed if line.startswith("Archive created at ")), "")
    return Dump(
        sha256=sha256,
        size=int(size),
        major=int(major[0]) if (major := re.match(r"[0-9]+", version)) else 0,
        database=about.get("dbname", ""),
        version=version,
        made=made.removeprefix("Archive created at "),
    )


def parse_sum(reply: Reply) -> tuple[str, int] | None:
    """Return the sha256 and size of a dump that went well, from ``db/dump.sh``'s standard error; None otherwise."""
    sha256, _, size = reply.values().get("sum", "").partition(" ")
    return (sha256, int(size)) if size else None
