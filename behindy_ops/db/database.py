"""The database on the host: where it is, a look at it, and what goes to and from it."""

from __future__ import annotations

import hashlib

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.facts.database import Database, parse_database
from behindy_ops.facts.figures import MB, size
from behindy_ops.host.command import Command, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.session import Session, Step

LONGEST = 6 * 3600.0
"""Seconds a dump or a restore may take at most."""


def container_of(session: Session) -> str:
    """Return the name of the database's container.

    Raises:
        Kind.DATABASE_NOT_READY: the project has no database.
    """
    database = session.names.database
    if database is None:
        raise Kind.DATABASE_NOT_READY(
            "This project has no database: no service of its compose file is one of Postgres.",
            state=UNCHANGED,
            remedy=f"If one is, say so in its stanza in {session.project.compose_file.name}: x-role: database",
        )
    return database.container


def look(session: Session) -> Database:
    """Inspect the database.

    Raises:
        Kind.FILES_MISSING: the host directory does not exist.
        Kind.DATABASE_NOT_READY: Postgres is not there, or does not respond; or the project has none.
    """
    container = container_of(session)
    argv = script("db/look", container, session.settings.host_dir)
    result = session.host.run(Command(argv, title="inspect the database"))
    if result.exit_code == Code.NO_DIRECTORY:
        raise result.error()
    database = parse_database(result.reply())
    if isinstance(database, str):
        raise Kind.DATABASE_NOT_READY(
            f"There is no container {container} on the host."
            if database == "none"
            else f"Postgres does not respond; its container {container} is {database}.",
            state=UNCHANGED,
            remedy=f"Start it: inv host.up. Its log says why it stopped: inv ops.logs {container}",
            lines=result.last_lines(3) if result.stderr.strip() else (),
        )
    return database


class Meter:
    """Sums up a backup while it passes, and reports each megabyte of it; ``of`` is how many bytes there will be."""

    def __init__(self, step: Step, of: int = 0) -> None:
        self._step = step
        self._of = f" of {size(of)}" if of else ""
        self._hash = hashlib.sha256()
        self._count = 0

    def add(self, piece: bytes) -> None:
        before = self._count
        self._hash.update(piece)
        self._count += len(piece)
        if self._count // MB > before // MB:
            self._step.progress(f"{size(self._count)}{self._of}")

    def sum(self) -> tuple[str, int]:
        """Return the sha256 and size in bytes of what has passed."""
        return self._hash.hexdigest(), self._count
