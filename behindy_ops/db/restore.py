"""``db.restore``: a new database is filled from the backup beside the one in use, then the two swap names.

Until that moment nobody notices anything, and whatever fails before it has touched nothing. What was there before stays
on the host under another name until a person drops it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from behindy_ops.db.database import LONGEST, Meter, container_of, look
from behindy_ops.errors import BehindyError, Interrupted, Kind, RemoteCommandFailed
from behindy_ops.facts.database import Database, Dump, parse_dump
from behindy_ops.facts.figures import size
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.report.events import Decision, Note, Plan, Warning_

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

    def require_usable(self, database: Database) -> None:
        """Check that it can be a backup.

        Raises:
            Kind.USAGE: there is no such file, or no such backup on the host.
            Kind.BACKUP_INVALID: it is something else.
        """
        if self.file is not None:
            try:
                with self.file.open("rb") as stream:
                    head = stream.read(5)
            except OSError as error:
                raise Kind.USAGE(
                    f"Could not read {self.file}: {error.strerror}.",
                    state=_UNTOUCHED,
                    remedy="Name a file that db.backup or db.fetch has written, or with --from-host one kept there.",
                ) from None
            if head != b"PGDMP":
                raise Kind.BACKUP_INVALID(
                    f"{self.file} is not a backup made by db.backup.",
                    state=_UNTOUCHED,
                    remedy="db.restore takes files of pg_dump -Fc. Load SQL text with psql yourself.",
                )
        elif self.name not in database.backups:
            known = ", ".join(sorted(database.backups)[-10:]) or "none"
            raise Kind.USAGE(f"There is no such backup on the host. There are: {known}.", state=_UNTOUCHED)


def effects(database: Database) -> tuple[str, ...]:
    """Return what a restore will do, line by line."""
    if not database.objects:
        return (f"{database.name} is empty: it is filled.",)
    return (
        f"{database.name} is not empty: {database.objects} tables, functions and the like, {size(database.size)}.",
        "It stays as it is, and in use, until the new one is filled; then the two swap names.",
        f"It has {database.sessions} open connection(s); they end at that moment, and a pool opens new ones.",
        "What is written to it from now until then is only in the previous one.",
    )


def restore(session: Session, source: Source, confirm: Confirm, *, task: str, wait: float = 0.0) -> None:
    """Put a backup in the database's place, after a yes if that is not empty.

    Args:
        task: what to type to see again what it will do.
        wait: seconds to queue for the lock.

    Raises:
        Kind.BACKUP_INVALID: the backup cannot be read through, or is from a newer Postgres.
    """
    shown = look(session)
    source.require_usable(shown)
    session.emit(Plan("To be done:", effects(shown)))
    database = agree(
        session,
        task,
        shown,
        lambda _: look(session),
        confirm,
        question=f"Put {source.file or source.name} in its place?" if shown.objects else "",
        wait=wait,
        matters=lambda seen: bool(seen.objects),
        kind=Kind.USAGE,
    )
    if database is None:
        return
    source.require_usable(database)
    _require_room(database, source)
    try:
        _receive(session, source, database)
        _fill(session, database)
    except Interrupted as error:
        state = f"{_UNTOUCHED} A half-filled one may be beside it; the next db.restore removes it."
        raise error.but(state=state) from error
    _swap(session, database)


def _require_room(database: Database, source: Source) -> None:
    needed = (source.size or database.backups.get(source.name, 0)) * ROOM
    if database.available < needed:
        raise Kind.HOST_NOT_READY(
            f"The host has {size(database.available)} free; this restore may need {size(needed)}.",
            state=_UNTOUCHED,
            remedy="See what takes the disk: inv ops.disk. Remove images no rollback needs: inv ops.prune",
        )


def _receive(session: Session, source: Source, database: Database) -> None:
    with session.step("check", "Bring the backup to the host and read it through") as step:
        meter = Meter(step, source.size)
        argv = script("db/receive", container_of(session), session.settings.host_dir, source.name)
        feed = _pieces(source.file, meter) if source.file else None
        result = session.host.run(Command(argv, title="check the backup", timeout=LONGEST, feed=feed, changes=True))
        dump = parse_dump(result.reply())
        if source.file and dump.sha256 and (dump.sha256, dump.size) != meter.sum():
            raise RemoteCommandFailed("What arrived is not what was sent.", state=_UNTOUCHED, remedy="Try again.")
        result.require(state=_UNTOUCHED)
        step.detail = f"{size(dump.size)}, made {dump.made}"
    _compare(session, dump, database)


def _swapped(session: Session, error: BehindyError) -> bool:
    """Whether the two have swapped names all the same: an answer may be lost when what it tells of was done.

    Raises:
        BehindyError: it could not be seen.
    """
    try:
        return not look(session).restoring
    except BehindyError:
        state = "Whether the two databases have swapped names could not be seen."
        remedy = f"See which are there: inv ops.exec {container_of(session)} -- sh -c 'psql -l -U \"$POSTGRES_USER\"'"
        raise error.but(state=state, remedy=remedy) from error


def _pieces(file: Path, meter: Meter) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            meter.add(piece)
            yield piece


def _compare(session: Session, dump: Dump, database: Database) -> None:
    if dump.major > database.major:
        raise Kind.BACKUP_INVALID(
            f"The backup is from PostgreSQL {dump.version}, but the host runs {database.major}.",
            state=_UNTOUCHED,
            remedy=f"Restore it into PostgreSQL {dump.major} or newer (the image of db in the compose file).",
        )
    if dump.major != database.major:
        session.emit(Warning_(f"The backup is from PostgreSQL {dump.version}; the host runs {database.major}."))
    if dump.database != database.name:
        session.emit(Note(f"The backup is of a database called {dump.database}."))


def _fill(session: Session, database: Database) -> None:
    with session.step("fill", "Fill a new database beside the one in use") as step:
        argv = script("db/fill", container_of(session), session.settings.host_dir)
        command = Command(argv, title="fill a new database", timeout=LONGEST, changes=True)
        missing = session.host.run(command).require(state=_UNTOUCHED).reply().every("missing")
        step.detail = f"with the owner, locale, settings and grants of {database.name}"
    if missing:
        session.emit(
            Warning_(
                f"The backup's owners and grants are left out, since this server has no role {missing[0]}: all of it "
                "belongs to the login of the services."
            )
        )


def _swap(session: Session, database: Database) -> None:
    """Let the two swap names; a database that was empty is dropped, unless somebody has written to it meanwhile."""
    kept = f"{database.name}_before_{session.host_now():%Y%m%d_%H%M%S}"
    with session.step("swap", "Let the two swap names") as step, session.interrupts.shielded(60):
        argv = script("db/swap", container_of(session), kept, "always" if database.objects else "if-used")
        try:
            result = session.host.run(Command(argv, title="swap the databases", timeout=120, changes=True))
            result.require(state=f"{_UNTOUCHED} The filled one is called {database.name}_restoring.")
            dropped: bool | None = "dropped" in result.reply().values()
        except BehindyError as error:
            if not _swapped(session, error):
                raise
            dropped = None
        step.detail = "in one transaction"
    text = f"{database.name} now holds what the backup held. Redis may keep older answers until they expire."
    session.emit(Decision(text))
    if not dropped:
        known = dropped is False or bool(
            database.objects
        )  # of an answer that was lost, an empty one's end is not known
        drop = f"inv ops.exec {container_of(session)} -- sh -c 'dropdb -U \"$POSTGRES_USER\" {kept}'"
        told = (
            "The previous database is called" if known else "Unless it was still empty, the previous database is called"
        )
        session.emit(Decision(f"{told} {kept}. Once nobody needs it: {drop}"))
