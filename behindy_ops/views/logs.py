"""``ops.logs``: what a container writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from behindy_ops.errors import Kind
from behindy_ops.host.command import Command, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.host import new_mark
from behindy_ops.host.session import Session
from behindy_ops.report.text import printable
from behindy_ops.views.container import LONGEST, missing, told_apart

_SINCE = re.compile(
    r"([0-9]+(ms|s|m|h|d))+|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{5,8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


@dataclass(frozen=True, slots=True)
class Query:
    """Which lines of a log.

    Attributes:
        tail: how many at its end: a number, or ``all``.
        since: as docker takes it, or empty.
        text: plain text to look for, or empty.
        follow: go on with what comes.
        json: each line as data, with docker's time.
        mark: stands before the task that wrote a line, behind its time; random, so that no line can say it.
    """

    tail: str
    since: str = ""
    text: str = ""
    follow: bool = False
    json: bool = False
    mark: str = field(default_factory=new_mark, compare=False)


def query(tail: str, since: str, grep: str, *, follow: bool = False, json: bool = False) -> Query:
    """Check what a person asks for.

    Raises:
        Kind.USAGE: it cannot be asked.
    """
    if not re.fullmatch(r"[0-9]{1,9}|all", tail):
        raise Kind.USAGE(f"--tail {tail!r} is not a number of lines.", remedy="For example: --tail 200, or --tail all")
    if since and not _SINCE.fullmatch(since):
        raise Kind.USAGE(
            f"--since {since!r} is neither a span nor a time.",
            remedy="For example: --since 10m, --since 2h30m, or --since 2026-01-31T09:30:00",
        )
    if "\n" in grep or "\0" in grep:
        raise Kind.USAGE(
            "--grep looks within lines; its text has more than one.", remedy="Look for a part of one line."
        )
    hours = re.sub(r"([0-9]+)d", lambda days: f"{int(days[1]) * 24}h", since)
    return Query(tail, hours, grep, follow, json)


def shown(asked: Query, container: str, line: str) -> str | None:
    """Return a line of the log as it is shown, or None if its text does not match.

    As data, ``at`` is empty for a line that docker itself wrote.
    """
    if not asked.json:
        return printable(line)
    at, _, text = line.partition(" ")
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", at):
        at, text = "", line
    task = {}
    if text.startswith(f"{asked.mark} "):
        _, who, text = (*text.split(" ", 2), "")[:3]
        number, _, node = who.partition("@")
        task = {"task": f"{container}.{number}", "node": node}
    return json.dumps({"container": container, **task, "at": at, "text": text}) if asked.text in text else None


def read(
    session: Session,
    container: str,
    asked: Query,
    *,
    tell: Callable[[str], None],
    complain: Callable[[str], None],
) -> None:
    """Print a container's last lines and, if it is followed, those that come, until a signal ends it.

    What is no line of the log, such as that the container was replaced, is passed to ``complain``.

    Raises:
        Kind.CONTAINER_MISSING: it is not on the host.
        Interrupted: a signal ended what was followed.
    """
    mark, said = asked.mark, list[str]()
    words = (asked.tail, asked.since, asked.text, "yes" if asked.json else "no")
    command = Command(
        script("ops/follow" if asked.follow else "ops/logs", mark, container, *words),
        title=f"read the log of {container}",
        timeout=LONGEST if asked.follow else 120,
        on_line=tell,
        on_error_line=told_apart(mark, said, complain),
        follow=asked.follow,
    )
    result = session.host.run(command)
    if result.exit_code == Code.NO_CONTAINER:
        raise missing(container, " ".join(said))
    result.require(remedy="See how the container is: inv ops.ps")
    if last := result.stdout.rpartition("\n")[2]:
        tell(last)
