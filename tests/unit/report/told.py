"""Events of every kind, and what renderers make of them."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.report import events
from behindy_ops.report.console import Console
from behindy_ops.report.jsonlines import JsonLines
from behindy_ops.report.plain import Plain
from behindy_ops.report.stream import SafeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behindy_ops.report.renderer import Renderer


AT = datetime(2025, 11, 10, 12, 30, 0, 250_000, UTC)


ERROR = Kind.RELEASE_REFUSED(
    "frontend-green exited with code 1 and never answered on port 3000, however long we waited for it.",
    state="frontend v1 serves on; nothing changed.",
    remedy="Mend the release, then:\ninv deploy.frontend --tag v4",
    lines=("Error: Cannot find module 'next'",),
)


ONE_OF_EACH: list[events.Event] = [
    events.DeployStarted("frontend", "v2", "ubuntu@behindy.me", "team/frontend"),
    events.StepStarted("pull", "Pull the image"),
    events.StepProgress("pull", "3 of 7 layers"),
    events.StepDone("pull", 1.2345, "sha256:1f2e"),
    events.StepStarted("inside", "Ask from inside"),
    events.StepFailed("inside", 45.1, "exited with code 1"),
    events.Decision("A green left over was removed."),
    events.Note("Good to know."),
    events.Warning_("Little memory is left."),
    events.Logs("Last log lines", ("one", "[red]two[/red]")),
    events.Plan("Plan", ("pull  docker pull team/frontend:v2",)),
    events.TakenBack("frontend", "it answers 502"),
    events.Recovered("frontend", "live", "v1", "an earlier run stopped before the switch"),
    events.failed(ERROR),
    events.DeployFinished("frontend", "live", 8.4, {"digest": "sha256:1f2e", "log_errors": "0", "previous": ""}),
]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def as_plain(*told: events.Event, clock: Callable[[], float] | None = None) -> str:
    stream = io.StringIO()
    show = Plain(SafeStream(stream), clock=clock or Clock())
    for event in told:
        show(event)
    return stream.getvalue()


def on_console(*told: events.Event, width: int = 80, color: bool = True) -> str:
    """What was written to the terminal, with all escape sequences."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    show = Console(SafeStream(stream, {} if color else {"NO_COLOR": "1"}), width=width)
    for event in told:
        show(event)
    show.close()
    stream.seek(0)
    return stream.read()


def lines_left(shown: str) -> list[str]:
    """Lines as they stand once escape sequences are gone; those that were erased again are left out."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n").splitlines()]


HOSTILE = "a\x1b[2Jb\x1b]0;title\x07c\x00\x08\x9b31md\u202ee\r\nf\tg"


def renderers(stream: io.TextIOBase) -> Iterator[Renderer]:
    safe = SafeStream(stream)  # type: ignore[arg-type]
    yield Plain(safe)
    yield Console(safe)
    yield JsonLines(safe, now=lambda: AT)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
