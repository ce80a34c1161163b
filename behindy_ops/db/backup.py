"""``db.backup``: to a file here, or one kept on the host. A file with a backup's name is always a whole backup."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.db import commands
from behindy_ops.errors import Kind
from behindy_ops.facts import replies
from behindy_ops.facts.database import parse_sum
from behindy_ops.report.events import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from behindy_ops.facts.database import Database
    from behindy_ops.host.command import Result
    from behindy_ops.host.session import Session, Step

__all__ = ["backup_here", "backup_on_host", "megabytes"]

_UNHARMED = "The database was only read. No backup was left half written under its name."
ROOM = 1.0
"""Bytes that must be free for each byte of the database; compressed, a backup takes less."""


def megabytes(count: float) -> str:
    """A size for people."""
    return f"{count / 1e6:.1f} MB"


def backup_here(session: Session, to: Path) -> Path:
    """Stream a dump to this machine and return the file.

    :param to: a directory, or the file itself.
    :raises Kind.BACKUP_FAILED: it did not arrive whole; nothing is left of it.
    """
    database = commands.look(session)
    path = _path(to, database)
    _require_room(shutil.disk_usage(path.parent).free, database, f"this machine ({path.parent})")
    with session.step("dump", f"Dump {database.name} (on disk {megabytes(database.size)})") as step:
        with _whole_or_nothing(path) as file:
            writer = _Writer(file, step)
            result = session.host.run(commands.stream(writer.write))
            _require_same(result, (writer.hash.hexdigest(), writer.size))
        step.detail = f"{megabytes(writer.size)}, read through by pg_restore, checksum the same here"
    session.emit(Decision(f"Backup of {database.name} (PostgreSQL {database.major}): {path}"))
    return path


def backup_on_host(session: Session, count: int, wait: float) -> str:
    """Dump to a file on the host, keep the newest ``count`` there, and return its name.

    :raises Kind.BACKUP_FAILED: it could not be written whole.
    """
    session.lock("db.backup", wait=wait)
    database = commands.look(session)
    _require_room(database.available, database, "the host")
    name = _name(database)
    with session.step("dump", f"Dump {database.name} (on disk {megabytes(database.size)})") as step:
        result = session.host.run(commands.keep(session.settings.host_dir, name, count))
        size = _require_same(result, None)
        gone = replies.short(result.stderr).every("removed")
        step.detail = f"{megabytes(size)}, read through by pg_restore"
    there = f"{session.settings.host_dir}/backups/{name}"
    session.emit(Decision(f"Backup of {database.name} (PostgreSQL {database.major}) on the host: {there}"))
    if gone:
        session.emit(Decision(f"The newest {count} are kept; removed: {', '.join(gone)}"))
    return name


def _name(database: Database) -> str:
    return commands.name_for(database.name, f"{datetime.now(UTC):%Y%m%d-%H%M%S}")


def _path(to: Path, database: Database) -> Path:
    path = to / _name(database) if to.is_dir() or not to.suffix else to
    if path.exists():
        raise Kind.USAGE(f"{path} is there already.", state="Nothing was changed.", remedy="Name another with --to.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Kind.USAGE(f"{path.parent} cannot be made: {error.strerror}.", state="Nothing was changed.") from None
    return path


def _require_room(free: int, database: Database, where: str) -> None:
    if free < database.size * ROOM:
        raise Kind.HOST_NOT_READY(
            f"Not enough room on {where}: {megabytes(free)} free, the database has {megabytes(database.size)}.",
            state="Nothing was changed.",
            remedy="Make room, or let the backup go elsewhere (--to DIRECTORY, --keep-on-host).",
        )


class _Writer:
    """Writes what comes, sums it up, and tells how far it is twice a second at most."""

    def __init__(self, file: BinaryIO, step: Step) -> None:
        self._file = file
        self._step = step
        self._told = 0
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.hash.update(piece)
        self.size += len(piece)
        if self.size - self._told >= 1_000_000:
            self._told = self.size
            self._step.progress(megabytes(self.size))


def _require_same(result: Result, arrived: tuple[str, int] | None) -> int:
    told = parse_sum(replies.short(result.stderr)) if result.ok else None
    if told is None:
        raise Kind.BACKUP_FAILED(
            f"The dump failed: {result.how()}.",
            state=_UNHARMED,
            remedy="Is the disk full (df -h)? docker logs postgres --tail 50",
            lines=result.last_lines(5),
        )
    if arrived is not None and arrived != told:
        raise Kind.BACKUP_FAILED("What arrived is not what was sent.", state=_UNHARMED, remedy="Try again.")
    return told[1]


@contextlib.contextmanager
def _whole_or_nothing(path: Path) -> Iterator[BinaryIO]:
    """A file (0600) that has its name only when the block ended well; else nothing is left."""
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise Kind.BACKUP_FAILED(
            f"{part} could not be written: {error.strerror}.", state=_UNHARMED, remedy="Is there room? df -h"
        ) from None
    finally:
        part.unlink(missing_ok=True)
