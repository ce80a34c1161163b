"""What the host drains by itself: a previous release, after the deploy has ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Draining:
    """A previous container that a process on the host waits for, stops and removes.

    Attributes:
        container: its id.
        release: the release it is of; empty for one that this tool did not deploy.
        until: when that ends at the latest, but for the time to stop; seconds since the epoch, by the host's clock.
        connections: those it has now; -1 where the host does not show them.
    """

    container: str
    release: str
    until: float
    connections: int = 0

    def latest(self) -> str:
        """Return ``14:03:10 UTC``."""
        return clock_time(self.until)

    def described(self) -> str:
        """Return ``2 open connections, until 14:03:10 UTC at the latest``."""
        return f"{open_connections(self.connections)}, until {self.latest()} at the latest"


def clock_time(moment: float) -> str:
    """Return a moment, in seconds since the epoch, as ``14:03:10 UTC``."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment):%H:%M:%S} UTC"


def open_connections(count: int) -> str:
    """Return ``1 open connection`` and the like; -1 is not known."""
    if count < 0:
        return "connections not visible"
    return f"{count or 'no'} open connection{'' if count == 1 else 's'}"


def parse_draining(rows: Iterable[list[str]]) -> dict[str, Draining]:
    """Read what ``draining`` in survey.sh prints: service, container, release or ``-``, until, connections."""
    return {
        words[0]: Draining(words[1], words[2].removeprefix("-"), float(words[3]), int(words[4]))
        for words in rows
        if len(words) == 5
    }
