"""What the host says of its database and of a backup, as plain data, and the commands that ask. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.host.command import Command, script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from behindy_ops.host.command import Result

__all__ = ["CONTAINER", "Database", "Dump", "fill", "is_name", "keep", "look", "name_for", "receive", "stream", "swap"]

CONTAINER = "postgres"
"""The container of the service ``db``."""

LONGEST = 6 * 3600.0
"""Seconds a dump or a restore may take at most."""

_NAME = re.compile(r"[A-Za-z0-9_.]+-[0-9]{8}-[0-9]{6}\.dump")
_UNCHANGED = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Database:
    """The database the services use.

    :param version: such as 170012. :param size: bytes on disk, indexes too. :param objects: tables, views, sequences.
    :param sessions: other connections to it. :param leftover: an interrupted restore left a half-filled one beside it.
    :param available: free bytes where backups are kept. :param backups: name to bytes of those on the host.
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
    """What a backup says of itself, and whether all of it could be read.

    :param version: of the Postgres it is from, as pg_restore shows it; 0 if that could not be told.
    """

    sha256: str
    size: int
    major: int
    database: str
    version: str
    made: str
    whole: bool


def name_for(database: str, stamp: str) -> str:
    """What a backup is called: ``behindy-20260131-093000.dump``; names sort by time."""
    return f"{re.sub(r'[^A-Za-z0-9_.]', '_', database)}-{stamp}.dump"


def is_name(text: str) -> bool:
    """Whether a text is such a name."""
    return _NAME.fullmatch(text) is not None


def look(host_dir: str) -> Command:
    """Ask for a :class:`Database`."""
    return Command(script("db/look", CONTAINER, host_dir), title="look at the database")


def stream(sink: Callable[[bytes], object]) -> Command:
    """Dump to this machine."""
    argv = script("db/dump", CONTAINER, "", "", "0")
    return Command(argv, title="dump the database", timeout=LONGEST, sink=sink)


def keep(host_dir: str, name: str, count: int) -> Command:
    """Dump to a file on the host, and keep the newest ``count`` there."""
    argv = script("db/dump", CONTAINER, f"{host_dir}/backups", name, str(count))
    return Command(argv, title="dump the database", timeout=LONGEST, changes=True)


def receive(host_dir: str, name: str, feed: Iterable[bytes] | None) -> Command:
    """Put a backup where it can be restored from, and read it through.

    :param name: one that is on the host; empty for one that is fed.
    """
    argv = script("db/receive", CONTAINER, host_dir, name)
    return Command(argv, title="check the backup", timeout=LONGEST, feed=feed, changes=True)


def fill(host_dir: str) -> Command:
    """Fill a new database beside the one in use."""
    argv = script("db/fill", CONTAINER, host_dir)
    return Command(argv, title="fill a new database", timeout=LONGEST, changes=True)


def swap(kept: str) -> Command:
    """Give it the name of the one in use, which is then called ``kept``, or dropped if that is empty."""
    return Command(script("db/swap", CONTAINER, kept), title="swap the databases", timeout=120, changes=True)


def read_database(result: Result) -> Database:
    """Read what ``look`` printed.

    :raises Kind.FILES_MISSING: there is no such directory.
    :raises Kind.DATABASE_NOT_READY: Postgres is not there, or does not answer.
    """
    if result.exit_code == 80:
        raise Kind.FILES_MISSING(
            "The directory BEHINDY_HOST_DIR names does not exist on the host.",
            state=_UNCHANGED,
            remedy="Check BEHINDY_HOST_DIR.",
        )
    words = [line.split() for line in result.stdout.splitlines() if line.strip()]
    found = {line[0]: line[1:] for line in words}
    state = found.get("state", ["unknown"])[0]
    if "database" not in found:
        raise Kind.DATABASE_NOT_READY(
            f"There is no container {CONTAINER} on the host."
            if state == "none"
            else f"Postgres does not answer; its container {CONTAINER} is {state}.",
            state=_UNCHANGED,
            remedy=f"Start it: inv host.up. Its log says why it ended: inv ops.logs {CONTAINER}",
            lines=result.last_lines(3) if result.stderr.strip() else (),
        )
    version, size, objects, sessions, leftover, *name = found["database"]
    return Database(
        name=" ".join(name),
        version=int(version),
        size=int(size),
        objects=int(objects),
        sessions=int(sessions),
        available=int(found.get("avail", ["0"])[0]),
        backups={line[1]: int(line[2]) for line in words if line[0] == "backup" and len(line) == 3},
        leftover=leftover != "0",
    )


def read_dump(result: Result) -> Dump:
    """Read what ``receive`` printed."""
    sha256, size = (
        [line.split()[1:] for line in result.stdout.splitlines() if line.startswith("sum ")] or [["", "0"]]
    )[0]
    told = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    version = told.get("Dumped from database version", "")
    made = next((line for line in result.stdout.splitlines() if line.startswith("Archive created at ")), "")
    return Dump(
        sha256=sha256,
        size=int(size),
        major=int(major[0]) if (major := re.match(r"[0-9]+", version)) else 0,
        database=told.get("dbname", ""),
        version=version,
        made=made.removeprefix("Archive created at "),
        whole=result.ok and result.stdout.rstrip().endswith("whole"),
    )


def read_sum(result: Result) -> tuple[str, int] | None:
    """The sha256 and size of a dump that went well, or None."""
    for line in result.stderr.splitlines():
        words = line.split()
        if result.ok and len(words) == 3 and words[0] == "sum":
            return words[1], int(words[2])
    return None
