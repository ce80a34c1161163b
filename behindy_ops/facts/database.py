"""What the host says of its database and of a backup. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from behindy_ops.facts.replies import Reply


@dataclass(frozen=True, slots=True)
class Database:
    """The database the services use.

    Attributes:
        version: such as 170012.
        size: bytes on disk, indexes included.
        objects: tables, views, sequences, functions, large objects and extensions.
        sessions: other connections to it.
        available: free bytes where backups are kept.
        backups: names and sizes in bytes of the backups on the host.
        restoring: whether a filled one waits beside it for its name.
    """

    name: str
    version: int
    size: int
    objects: int
    sessions: int
    available: int
    backups: dict[str, int]
    restoring: bool = False

    @property
    def major(self) -> int:
        return self.version // 10000


@dataclass(frozen=True, slots=True)
class Dump:
    """What a backup says of itself.

    Attributes:
        version: of the Postgres it is from, as pg_restore shows it; empty, and ``major`` 0, if it does not.
        made: when, as pg_restore shows it.
    """

    sha256: str
    size: int
    major: int
    database: str
    version: str
    made: str


def parse_database(reply: Reply) -> Database | str:
    """Read what ``db/look.sh`` printed; the state of the container where there is no database to speak of."""
    values = reply.values()
    if "database" not in values:
        return values.get("state", "unknown")
    version, size, objects, sessions, name = values["database"].split(" ", 4)
    backups = (line.rpartition(" ") for line in reply.every("backup"))
    return Database(
        name=name,
        version=int(version),
        size=int(size),
        objects=int(objects),
        sessions=int(sessions),
        available=int(values.get("avail", "0")),
        backups={file: int(count) for file, _, count in backups},
        restoring="restoring" in values,
    )


def parse_dump(reply: Reply) -> Dump:
    """Read what ``db/receive.sh`` printed."""
    sha256, size = parse_sum(reply) or ("", 0)
    listed = reply.every("list")
    header = dict(line.split(": ", 1) for line in listed if ": " in line)
    version = header.get("Dumped from database version", "")
    made = next((line for line in listed if line.startswith("Archive created at ")), "")
    return Dump(
        sha256=sha256,
        size=size,
        major=int(major[0]) if (major := re.match(r"[0-9]+", version)) else 0,
        database=header.get("dbname", ""),
        version=version,
        made=made.removeprefix("Archive created at "),
    )


def parse_sum(reply: Reply) -> tuple[str, int] | None:
    """Return the sha256 and size in bytes of a backup; None if it was not summed, since it is not whole."""
    sha256, _, size = reply.values().get("sum", "").partition(" ")
    return (sha256, int(size)) if size else None
