"""Who has the host's lock at the moment: what is seen then is under way, and nobody has left it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from behindy_ops.facts.replies import parse_json


@dataclass(frozen=True, slots=True)
class Changing:
    """Somebody who is changing the host; each field is empty where the host does not tell.

    Attributes:
        who: user and machine.
        what: what the lock was taken for.
        since: ISO 8601, UTC.
    """

    who: str = ""
    what: str = ""
    since: str = ""

    def described(self) -> str:
        """Return ``alice@laptop is changing this host: deploy of web, since 2026-01-31T09:30:00+00:00``."""
        words = (self.who or "somebody", self.what or "unknown", self.since or "unknown")
        who, what, since = ("".join(filter(str.isprintable, word))[:200] for word in words)
        return f"{who} is changing this host: {what}, since {since}"


def parse_changing(lines: Sequence[str]) -> Changing | None:
    """Read what ``changing`` in lib/shared.sh prints; None for nothing."""
    if not lines:
        return None
    told = parse_json(lines[0]) or {}
    return Changing(*(str(told.get(key, "")) for key in ("who", "what", "since")))
