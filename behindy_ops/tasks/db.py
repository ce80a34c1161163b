"""Back the database up, and restore it."""

from __future__ import annotations

from pathlib import Path

from invoke import Context

from behindy_ops.tasks.client import client
from behindy_ops.tasks.options import task, waiting


@task(
    help={
        "to": "directory or file on this machine (default: backups/)",
        "keep-on-host": "keep it on the host instead",
        "keep": "how many are kept on the host (default: 7)",
    }
)
def backup(
    _: Context, to: str = "backups", keep_on_host: bool = False, keep: int = 7, wait: str = "", json: bool = False
) -> None:
    """Dump the database to this machine or the host, checked.

    The file gets its name only after it was read through and its checksum
    compared.
    """
    from behindy_ops.db.backup import backup_here, backup_on_host
    from behindy_ops.errors import UNCHANGED, Kind

    if keep < 1:
        raise Kind.USAGE("--keep must be 1 or more.", state=UNCHANGED)
    seconds = waiting(wait)
    with client(services=False, json=json) as this, this.connect() as session:
        if keep_on_host:
            backup_on_host(session, keep, seconds)
        else:
            backup_here(session, this.project.root / Path(to).expanduser())


@task(
    help={
        "name": "of a backup that the host keeps (default: the newest of this database)",
        "to": "directory or file on this machine (default: backups/)",
    }
)
def fetch(_: Context, name: str = "", to: str = "backups", json: bool = False) -> None:
    """Copy a backup kept on the host to this machine.

    The newest of this database, or db.fetch --name NAME; its checksum is
    compared.
    """
    from behindy_ops.db.backup import fetch as bring

    with client(services=False, json=json) as this, this.connect() as session:
        bring(session, name, this.project.root / Path(to).expanduser())


@task(
    help={
        "backup": "file on this machine; with --from-host the name of one on the host",
        "from-host": "take one that is kept on the host",
        "yes": "do not ask, even if the database is not empty",
    }
)
def restore(
    _: Context, backup: str, from_host: bool = False, yes: bool = False, wait: str = "", json: bool = False
) -> None:
    """Put a backup in the database's place; the previous one is kept.

    A new database is filled beside the one in use, then the two swap names:
    docs/database.md.
    """
    from behindy_ops.db.restore import Source
    from behindy_ops.db.restore import restore as put_back

    seconds = waiting(wait)
    source = Source(name=backup) if from_host else Source(file=Path(backup).expanduser())
    command = f"db.restore {backup}{' --from-host' if from_host else ''}"
    with client(services=False, json=json) as this:
        this.confirm(f"Restore {backup}", yes=yes)
        with this.connect() as session:
            put_back(session, source, this.asker(command, yes), task=command, wait=seconds)
