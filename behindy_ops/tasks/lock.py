"""Hold the host for maintenance; see who holds it."""

from __future__ import annotations

import json as json_

from invoke import Context, task

from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.options import JSON


@task(help={"json": JSON})
@guarded
def status(_: Context, json: bool = False) -> None:
    """Show who holds the host, what for, and since when."""
    from behindy_ops.host import hold

    with client(services=False, quiet=True) as this, this.connect() as session:
        holders = hold.status(session.host, session.paths.state)
    if json:
        print(json_.dumps({"hold": holders.hold or None, "lease": holders.lease or None}, ensure_ascii=False))
        return
    if not holders.hold and not holders.lease:
        print("The host is free.")
    if holders.lease:
        print("{who} is changing it: {what}, since {since}.".format(**_complete(holders.lease)))
    if holders.hold:
        print("{who} has held it for maintenance since {since}: {message}".format(**_complete(holders.hold)))


def _complete(holder: dict[str, str]) -> dict[str, str]:
    return {"who": "somebody", "what": "unknown", "since": "unknown", "message": "no message"} | holder


@task(help={"message": "why, for whoever is refused because of it"})
@guarded
def acquire(_: Context, message: str) -> None:
    """Hold the host for maintenance, until lock.release."""
    from datetime import UTC, datetime

    from behindy_ops.host import hold
    from behindy_ops.report import show_lines
    from behindy_ops.report.text import Line

    since = datetime.now(UTC).isoformat(timespec="seconds")
    with client(services=False, quiet=True) as this, this.connect() as session:
        hold.acquire(session.host, session.paths.state, who=session.who, message=message, since=since)
    show_lines([Line("Held. Deploys are refused until: inv lock.release")])


@task
@guarded
def release(_: Context) -> None:
    """End a hold that a person took with lock.acquire."""
    from behindy_ops.host import hold

    with client(services=False, quiet=True) as this, this.connect() as session:
        was = hold.release(session.host, session.paths.state)
    if was:
        print("Released; {who} had held it since {since}: {message}".format(**_complete(was)))
    else:
        print("Nobody held it.")
