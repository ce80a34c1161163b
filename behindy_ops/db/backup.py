"""``db.backup``: to a file here, or one kept on the host. A file with a backup's name is always a whole backup."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from behindy_ops.db.database import LONGEST, Meter, container_of, look
from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.facts.database import Database, parse_sum
from behindy_ops.facts.figures import size
from behindy_ops.facts.replies import short
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.session import Session
from behindy_ops.report.events import Decision

_UNHARMED = "The database was only read. No half-written backup bears its name."


def backup_here(session: Session, to: Path) -> Path:
    """Stream a dump to this machine and return the file.

    Args:
        to: a directory, or the file itself.

    Raises:
        Kind.BACKUP_FAILED: it did not arrive whole; nothing is left of it.
    """
    database = look(session)
    path = _path(to, name_for(database.name, session.now()))
    _require_room(shutil.disk_usage(path.parent).free, database, f"this machine ({path.parent})")
    with session.step("dump", _title(database)) as step:
        with _whole_or_nothing(path) as file:
            meter = Meter(step)

            def keep(piece: bytes) -> None:
                file.write(piece)
                meter.add(piece)

            argv = script("db/dump", container_of(session), "", "", "0")
            result = session.host.run(Command(argv, title="dump the database", timeout=LONGEST, sink=keep))
            sent = _sum(session, result)
            if sent != meter.sum():
                raise Kind.BACKUP_FAILED("What arrived is not what was sent.", state=_UNHARMED, remedy="Try again.")
        step.detail = f"{size(sent[1])}, read through by pg_restore, same checksum here"
    session.emit(Decision(f"Backup of {database.name} (PostgreSQL {database.major}): {path}"))
    return path


def backup_on_host(session: Session, count: int, wait: float) -> str:
    """Dump to a file on the host, keep the newest ``count`` there, and return its name.

    Args:
        wait: seconds to queue for the lock.

    Raises:
        Kind.BACKUP_FAILED: it could not be written whole.
    """
    session.lock("db.backup", wait=wait)
    database = look(session)
    _require_room(database.available, database, "the host")
    name, directory = name_for(database.name, session.host_now()), f"{session.settings.host_dir}/backups"
    with session.step("dump", _title(database)) as step:
        argv = script("db/dump", container_of(session), directory, name, str(count))
        result = session.host.run(Command(argv, title="dump the database", timeout=LONGEST, changes=True))
        step.detail = f"{size(_sum(session, result)[1])}, read through by pg_restore"
    session.emit(Decision(f"Backup of {database.name} (PostgreSQL {database.major}) on the host: {directory}/{name}"))
    if removed := short(result.stderr).every("removed"):
        session.emit(Decision(f"The newest {count} are kept; removed: {', '.join(removed)}"))
    return name


def fetch(session: Session, name: str, to: Path) -> Path:
    """Bring a backup that is kept on the host to this machine, and return the file.

    Args:
        name: of the backup; empty for the newest that was made of the database in use.
        to: a directory, or the file itself.

    Raises:
        Kind.BACKUP_INVALID: there is none.
        Kind.BACKUP_FAILED: it did not arrive whole; nothing is left of it.
    """
    database = look(session)
    own = re.compile(rf"{re.escape(_plain(database.name))}-[0-9]{{8}}-[0-9]{{6}}\.dump")
    name = name or max(filter(own.fullmatch, database.backups), default="")
    if name not in database.backups:
        kept = ", ".join(sorted(database.backups)) or "none"
        what = f"The host keeps no backup {name}." if name else f"The host keeps no backup of {database.name}."
        raise Kind.BACKUP_INVALID(
            what, state=UNCHANGED, remedy=f"Backups there: {kept}. Make one: inv db.backup --keep-on-host"
        )
    path = _path(to, name)
    with session.step("fetch", f"Fetch {name}") as step:
        with _whole_or_nothing(path) as file:
            meter = Meter(step, database.backups[name])

            def keep(piece: bytes) -> None:
                file.write(piece)
                meter.add(piece)

            argv = script("db/fetch", session.settings.host_dir, name)
            result = session.host.run(Command(argv, title="fetch the backup", timeout=LONGEST, sink=keep))
            if not result.ok or parse_sum(short(result.stderr)) != meter.sum():
                raise Kind.BACKUP_FAILED(
                    "What arrived is not what the host keeps.", state=UNCHANGED, remedy="Try again.",
                    lines=result.last_lines(3),
                )  # fmt: skip
        step.detail = f"{size(database.backups[name])}, same checksum here"
    session.emit(Decision(f"Backup of {database.name}: {path}"))
    return path


def name_for(database: str, now: datetime) -> str:
    """Return what a backup is called: ``behindy-20260131-093000.dump`` (UTC); names sort by time."""
    return f"{_plain(database)}-{now:%Y%m%d-%H%M%S}.dump"


def _plain(database: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]", "_", database)


def _title(database: Database) -> str:
    return f"Dump {database.name} (on disk {size(database.size)})"


def _path(to: Path, name: str) -> Path:
    path = to / name if to.is_dir() or not to.suffix else to
    if path.exists():
        raise Kind.USAGE(f"{path} exists already.", state=UNCHANGED, remedy="Name another one with --to.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Kind.USAGE(f"Could not create {path.parent}: {error.strerror}.", state=UNCHANGED) from None
    return path


def _require_room(free: int, database: Database, where: str) -> None:
    """A backup is compressed, so a file as large as the database is the most it takes."""
    if free < database.size:
        raise Kind.HOST_NOT_READY(
            f"Not enough room on {where}: {size(free)} free, the database has {size(database.size)}.",
            state=UNCHANGED,
            remedy="Make room (on the host: inv ops.disk), or back up elsewhere (--to DIRECTORY, --keep-on-host).",
        )


def _sum(session: Session, result: Result) -> tuple[str, int]:
    """The sha256 and size of what was dumped."""
    if result.ok and (told := parse_sum(short(result.stderr))):
        return told
    raise Kind.BACKUP_FAILED(
        f"The dump failed: {result.how()}.",
        state=_UNHARMED,
        remedy=f"Is the disk full? inv ops.disk. What Postgres says: inv ops.logs {container_of(session)}",
        lines=result.last_lines(5),
    )


@contextlib.contextmanager
def _whole_or_nothing(path: Path) -> Iterator[BinaryIO]:
    """A file (0600) that gets its name only when the block ended well; otherwise nothing is left."""
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise Kind.BACKUP_FAILED(
            f"Could not write {part}: {error.strerror}.", state=_UNHARMED, remedy="Is there room on this machine?"
        ) from None
    finally:
        part.unlink(missing_ok=True)
