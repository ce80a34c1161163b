"""``db.restore``: a new database is filled from the backup beside the one in use, then the two change names.

Until that moment nobody notices anything, and whatever fails before it has touched nothing. What was there before stays
on the host under another name until a person drops it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from behindy_ops.db import commands
from behindy_ops.db.backup import megabytes
from behindy_ops.errors import Interrupted, Kind, RemoteCommandFailed
from behindy_ops.facts.database import CONTAINER, parse_dump
from behindy_ops.report.events import Decision, Note, Warning_

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from behindy_ops.facts.database import Database, Dump
    from behindy_ops.host.session import Session, Step

__all__ = ["Source", "question", "restore"]

_UNTOUCHED = "The database in use was not touched."
PIECE = 1 << 16
ROOM = 4
"""Free bytes for each byte of a backup: itself, and what comes out of it, with indexes."""


@dataclass(frozen=True)
class Source:
    """Where the backup is: a file here, or a name on the host."""

    file: Path | None = None
    name: str = ""

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file else 0

    def checked(self, database: Database) -> Source:
        """Itself, if it can be one. :raises Kind.USAGE: it cannot."""
        if self.file is not None:
            try:
                with self.file.open("rb") as stream:
                    head = stream.read(5)
            except OSError as error:
                raise Kind.USAGE(f"{self.file} cannot be read: {error.strerror}.", state=_UNTOUCHED) from None
            if head != b"PGDMP":
                raise Kind.BACKUP_INVALID(
                    f"{self.file} is no backup that db.backup has made.",
                    state=_UNTOUCHED,
                    remedy="It takes files of pg_dump -Fc. An SQL text goes through psql, by hand.",
                )
        elif self.name not in database.backups:
            there = ", ".join(sorted(database.backups)[-10:]) or "none"
            raise Kind.USAGE(f"There is no such backup on the host. There are: {there}.", state=_UNTOUCHED)
        return self


def question(database: Database) -> tuple[list[str], bool]:
    """What a restore will do, line by line, and whether it takes a yes: the database is not empty."""
    if not database.objects:
        return [f"{database.name} is empty: it is filled."], False
    lines = [
        f"{database.name} is not empty: {database.objects} tables, views and sequences, {megabytes(database.size)}.",
        "It stays as it is and in use until the new one is filled; then the two change names.",
        f"{database.sessions} connection(s) are open to it; they end at that moment, and a pool makes new ones.",
        "What is written to it from now until then is in the old one only.",
    ]
    return lines, True


def restore(session: Session, source: Source, expected: Database, wait: float) -> str:
    """Restore, and return what the previous database is called now (empty: it was empty, and is gone).

    :param expected: what was shown to whoever said yes.
    :raises Kind.BACKUP_INVALID: the backup cannot be read through, or is from a newer Postgres.
    """
    session.lock("db.restore", wait=wait)
    database = commands.look(session)
    if database.objects and not expected.objects:
        raise Kind.USAGE(f"{database.name} is no longer empty.", state=_UNTOUCHED, remedy="Do it again.")
    source.checked(database)
    _require_room(database, source)
    try:
        _receive(session, source, database)
        _fill(session)
    except Interrupted as error:
        raise error.but(
            state=f"{_UNTOUCHED} A half-filled one may be beside it; the next db.restore removes it."
        ) from error
    return _swap(session, database)


def _require_room(database: Database, source: Source) -> None:
    needed = (source.size or database.backups.get(source.name, 0)) * ROOM
    if database.available < needed:
        raise Kind.HOST_NOT_READY(
            f"The host has {megabytes(database.available)} free; this restore may need {megabytes(needed)}.",
            state=_UNTOUCHED,
            remedy="Make room first: docker system df; df -h",
        )


def _receive(session: Session, source: Source, database: Database) -> None:
    with session.step("check", "Bring the backup there and read it through") as step:
        sending = _Sending(source.file, step) if source.file else None
        result = session.host.run(
            commands.receive(session.settings.host_dir, source.name, iter(sending) if sending else None)
        )
        dump = parse_dump(result.reply())
        if sending is not None and dump.sha256 != sending.hash.hexdigest():
            raise RemoteCommandFailed("What arrived is not what was sent.", state=_UNTOUCHED, remedy="Try again.")
        result.require(state=_UNTOUCHED)
        step.detail = f"{megabytes(dump.size)}, made {dump.made}"
    _compare(session, dump, database)


def _compare(session: Session, dump: Dump, database: Database) -> None:
    if dump.major > database.major:
        raise Kind.BACKUP_INVALID(
            f"The backup is from PostgreSQL {dump.version}, and {database.major} runs here.",
            state=_UNTOUCHED,
            remedy=f"Restore it into PostgreSQL {dump.major} or newer (the image of db in the compose file).",
        )
    if dump.major != database.major:
        session.emit(Warning_(f"The backup is from PostgreSQL {dump.version}; here {database.major} runs."))
    if dump.database != database.name:
        session.emit(Note(f"The backup is of a database called {dump.database}."))


def _fill(session: Session) -> None:
    with session.step("fill", "Fill a new database beside the one in use"):
        session.host.run(commands.fill(session.settings.host_dir)).require(state=_UNTOUCHED)


def _swap(session: Session, database: Database) -> str:
    kept = f"{database.name}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}" if database.objects else ""
    with session.step("swap", "Let the two change names") as step, session.interrupts.shielded(60):
        session.host.run(commands.swap(kept)).require(
            state=f"{_UNTOUCHED} The filled one is called {database.name}_restoring."
        )
        step.detail = "in one transaction"
    told = f"{database.name} is what the backup holds."
    session.emit(Decision(f"{told} Redis may still hold what the old one said, until it expires."))
    if kept:
        drop = f"docker exec {CONTAINER} sh -c 'dropdb -U \"$POSTGRES_USER\" {kept}'"
        session.emit(Decision(f"What was there before is called {kept}. When nobody wants it: {drop}"))
    return kept


class _Sending:
    """The file in pieces, summed up, telling how far it is."""

    def __init__(self, file: Path, step: Step) -> None:
        self._file = file
        self._step = step
        self.hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        total, sent, told = self._file.stat().st_size, 0, 0
        with self._file.open("rb") as stream:
            while piece := stream.read(PIECE):
                self.hash.update(piece)
                yield piece
                sent += len(piece)
                if sent - told >= 1_000_000:
                    told = sent
                    self._step.progress(f"{megabytes(sent)} of {megabytes(total)}")
