"""``lock.*``: thin tasks that parse, call and print."""

from __future__ import annotations

import json as json_

from invoke import Context, task

from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import guarded


@task(help={"json": "print one JSON object"})
@guarded
def status(_: Context, json: bool = False) -> None:
    """Show who holds the host, what for, and since when."""
    from behindy_ops.host import hold as maintenance

    with client(services=False, quiet=True) as this, this.connect() as session:
        found = maintenance.status(session.host, session.paths.state)
    if json:
        print(json_.dumps({"hold": found.hold or None, "lease": found.lease or None}, ensure_ascii=False))
        return
    if not found.hold and not found.lease:
        print("The host is free.")
    if found.lease:
        print("{who} is changing it: {what}, since {since}.".format(**_all(found.lease)))
    if found.hold:
        print("{who} holds it for maintenance since {since}: {message}".format(**_all(found.hold)))


def _all(found: dict[str, str]) -> dict[str, str]:
    return {"who": "somebody", "what": "unknown", "since": "unknown", "message": "no message"} | found


@task(help={"message": "why, for whoever meets it"})
@guarded
def acquire(_: Context, message: str) -> None:
    """Hold the host for maintenance, until lock.release."""
    from datetime import UTC, datetime

    from behindy_ops.host import hold as maintenance

    since = datetime.now(UTC).isoformat(timespec="seconds")
    with client(services=False, quiet=True) as this, this.connect() as session:
        maintenance.acquire(session.host, session.paths.state, who=session.who, message=message, since=since)
    print("Held. Deploys are refused until: inv lock.release")


@task
@guarded
def release(_: Context) -> None:
    """End a hold that a person took with lock.acquire."""
    from behindy_ops.host import hold as maintenance

    with client(services=False, quiet=True) as this, this.connect() as session:
        was = maintenance.release(session.host, session.paths.state)
    if was:
        print("Released; it was held by {who} since {since}: {message}".format(**_all(was)))
    else:
        print("Nobody held it.")
