"""``db.*``: thin tasks that parse, call and print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context, task

from behindy_ops.project.paths import CHECKOUT
from behindy_ops.tasks.guard import guarded

if TYPE_CHECKING:
    from behindy_ops.deploy.session import Session

_WAIT = "how long to queue if the host is locked, such as 10m (default: not at all)"
_JSON = "print JSON events instead of text"


def _session(*, json: bool) -> Session:
    import os
    import sys

    from behindy_ops import report
    from behindy_ops.deploy.session import Session
    from behindy_ops.project import settings

    emit = report.choose(json, sys.stdout, os.environ)
    return Session(settings.load(os.environ, CHECKOUT, need_host=True), [], emit, os.environ)


@task(
    help={
        "to": "directory or file on this machine (default: backups/)",
        "keep-on-host": "keep it on the host instead",
        "keep": "how many are kept on the host (default: 7)",
        "wait": _WAIT,
        "json": _JSON,
    }
)
@guarded
def backup(
    _: Context, to: str = "backups", keep_on_host: bool = False, keep: int = 7, wait: str = "", json: bool = False
) -> None:
    """Dump the database to this machine or the host, checked."""
    from behindy_ops.db.backup import backup_here, backup_on_host
    from behindy_ops.deploy.run import duration_option
    from behindy_ops.errors import UsageError

    if keep < 1:
        raise UsageError("--keep has to be 1 or more.", state="Nothing was changed.")
    waiting = duration_option("wait", wait) or 0.0
    with _session(json=json) as session:
        if keep_on_host:
            backup_on_host(session, keep, waiting)
        else:
            backup_here(session, CHECKOUT / Path(to).expanduser())


@task(
    positional=["backup"],
    help={
        "backup": "file on this machine; with --from-host the name of one on the host",
        "from-host": "take one that is kept on the host",
        "yes": "do not ask, even if the database is not empty",
        "wait": _WAIT,
        "json": _JSON,
    },
)
@guarded
def restore(
    _: Context, backup: str, from_host: bool = False, yes: bool = False, wait: str = "", json: bool = False
) -> None:
    """Put a backup in the database's place; the old one is kept."""
    from behindy_ops.db.restore import Source, question
    from behindy_ops.db.restore import restore as put_back
    from behindy_ops.deploy.run import duration_option
    from behindy_ops.facts import database as facts
    from behindy_ops.tasks.ask import asker

    waiting = duration_option("wait", wait) or 0.0
    source = Source(name=backup) if from_host else Source(file=Path(backup).expanduser())
    with _session(json=json) as session:
        database = facts.read_database(session.host.run(facts.look(session.settings.host_dir)))
    source.checked(database)
    lines, asks = question(database)
    if not json:
        print("\n".join(lines))
    if asks and not asker(f"db.restore {backup}", yes)(f"Put {backup} in its place?"):
        print("Nothing was changed.")
        return
    with _session(json=json) as session:
        put_back(session, source, database, waiting)
