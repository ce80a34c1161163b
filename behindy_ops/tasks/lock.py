"""Hold the host for maintenance; see who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Context

from behindy_ops.tasks.client import client
from behindy_ops.tasks.options import task
from behindy_ops.tasks.show import present

if TYPE_CHECKING:
    from behindy_ops.report.text import Line


@task()
def status(_: Context, json: bool = False) -> None:
    """Show who holds the host, what for, and since when.

    The lock is one for all logins that may use Docker there.
    """
    from behindy_ops.host import hold

    with client(services=False, quiet=True) as this, this.connect() as session:
        holders = hold.status(session.host, session.paths.state)
    lines = [] if holders.hold or holders.lease else [_line("The host is free.", {})]
    if holders.lease:
        lines.append(_line("{who} is changing it: {what}, since {since}.", holders.lease))
    if holders.hold:
        lines.append(_line("{who} has held it for maintenance since {since}: {message}", holders.hold))
    present(lines, {"hold": holders.hold or None, "lease": holders.lease or None}, json=json)


def _line(text: str, holder: dict[str, str]) -> Line:
    """A sentence about a holder, in whose words there may be anything."""
    from behindy_ops.report.text import Line, printable

    words = {"who": "somebody", "what": "unknown", "since": "unknown", "message": "no message"} | holder
    return Line(printable(text.format_map(words)))


@task(help={"message": "why, for whoever is refused because of it"})
def acquire(_: Context, message: str, yes: bool = False) -> None:
    """Hold the host for maintenance, until lock.release.

    Meanwhile deploys are refused with your message; --wait does not wait for
    it.
    """
    from datetime import UTC, datetime

    from behindy_ops.host import hold
    from behindy_ops.report import show_lines

    since = datetime.now(UTC).isoformat(timespec="seconds")
    with client(services=False, quiet=True) as this:
        this.confirm("Refuse deploys", yes=yes)
        with this.connect() as session:
            hold.acquire(session.host, session.paths.state, who=session.who, message=message, since=since)
    show_lines([_line("Held. Deploys are refused until: inv lock.release", {})])


@task()
def release(_: Context, yes: bool = False) -> None:
    """End a hold that a person took with lock.acquire.

    The lock of a run that is at work ends by itself, with the run.
    """
    from behindy_ops.host import hold
    from behindy_ops.report import show_lines

    with client(services=False, quiet=True) as this:
        this.confirm("Allow deploys again", yes=yes)
        with this.connect() as session:
            was = hold.release(session.host, session.paths.state)
    text = "Released; {who} had held it since {since}: {message}" if was else "Nobody held it."
    show_lines([_line(text, was)])
