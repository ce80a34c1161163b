"""``ops.logs`` and ``ops.exec``: what a container writes, and a command run in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.host.command import Command, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.host import new_mark
from behindy_ops.views.names import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.host.session import Session

__all__ = ["LogQuery", "log_query", "log_record", "read_logs", "run_inside"]

LONGEST = 24 * 3600.0
"""Seconds after which the host ends what is followed or run."""

KILLED = 137
"""What is returned for a command that a signal ended on the host, so that it has no exit code."""

_SINCE = re.compile(
    r"([0-9]+(ms|s|m|h|d))+|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{5,8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines. ``tail`` is a number or ``all``; ``since`` as docker takes it; ``text`` is plain text, or empty."""

    tail: str
    since: str
    text: str

    def words(self, *, stamps: bool) -> tuple[str, ...]:
        return (self.tail, self.since, self.text, "yes" if stamps else "no")


def log_query(tail: str, since: str, grep: str) -> LogQuery:
    """Check what a person asks for.

    :raises Kind.USAGE: it cannot be asked.
    """
    if not re.fullmatch(r"[0-9]{1,9}|all", tail):
        raise Kind.USAGE(f"--tail {tail!r} is not a number of lines.", remedy="Write such as --tail 200, or --tail all")
    if since and not _SINCE.fullmatch(since):
        raise Kind.USAGE(
            f"--since {since!r} is neither a span nor a time.",
            remedy="Write such as --since 10m, --since 2h30m, or --since 2026-01-31T09:30:00",
        )
    if "\n" in grep or "\0" in grep:
        raise Kind.USAGE(
            "--grep looks within lines; its text has more than one.", remedy="Look for a part of one line."
        )
    days = re.sub(r"([0-9]+)d", lambda found: f"{int(found[1]) * 24}h", since) if "T" not in since else since
    return LogQuery(tail, days, grep)


def log_record(container: str, line: str) -> dict[str, str]:
    """A line with docker's time before it, as data; ``at`` is empty for one that docker itself wrote."""
    at, _, text = line.partition(" ")
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", at):
        at, text = "", line
    return {"container": container, "at": at, "text": text}


def read_logs(
    session: Session,
    container: str,
    query: LogQuery,
    *,
    follow: bool,
    stamps: bool,
    tell: Callable[[str, str], None],
    complain: Callable[[str], None],
) -> None:
    """Tell of a container's last lines, and with ``follow`` of those that come, until a signal ends it.

    :param stamps: docker's time before each line.
    :param tell: gets the container's name and each line.
    :param complain: gets what is to be said beside it.
    :raises Kind.CONTAINER_MISSING: it is not on the host.
    :raises Interrupted: a signal ended what was followed.
    """
    mark = new_mark()
    said: list[str] = []

    def take(line: str) -> None:
        said.append(line.removeprefix(mark)) if line.startswith(mark) else tell(container, line)

    argv = script("ops/follow" if follow else "ops/logs", mark, container, *query.words(stamps=stamps))
    command = Command(
        argv,
        title=f"read the log of {container}",
        timeout=LONGEST if follow else 120,
        on_line=take,
        on_error_line=complain,
        follow=follow,
    )
    result = session.host.run(command)
    if result.exit_code == Code.NO_CONTAINER:
        raise missing(container, " ".join(said))
    result.require(remedy="See how the container is: inv ops.ps")
    if last := result.stdout.rpartition("\n")[2]:
        tell(container, last)


def run_inside(
    session: Session,
    container: str,
    words: Sequence[str],
    *,
    out: Callable[[str], None],
    err: Callable[[str], None],
) -> int:
    """Run a command in a container and return its exit code.

    The words reach the program exactly as they are; no shell reads them, on neither side.

    :param out: gets what it writes to its standard output as it comes, with its newlines; ``err`` likewise.
    :raises Kind.USAGE: there is no command.
    :raises Kind.CONTAINER_MISSING: the container is not there, or does not run.
    """
    if not words:
        raise Kind.USAGE("No command was given.", remedy="Write it behind --, such as: inv ops.exec backend -- env")
    mark = new_mark()
    said: list[str] = []

    def complain(line: str) -> None:
        said.append(line.removeprefix(mark)) if line.startswith(mark) else err(f"{line}\n")

    command = Command(
        script("ops/exec", mark, container, *words),
        title=f"run a command in {container}",
        timeout=LONGEST,
        on_line=lambda line: out(f"{line}\n"),
        on_error_line=complain,
        follow=True,
    )
    result = session.host.run(command)
    if said:
        raise missing(container, " ".join(said))
    out(result.stdout)
    err(result.stderr)
    return result.exit_code if result.exit_code >= 0 else KILLED
