"""Services that are closed to visitors for maintenance, and who closed them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from behindy_ops.facts.replies import parse_json


@dataclass(frozen=True, slots=True)
class Closed:
    """A service is closed.

    Attributes:
        since: when it was, by the host's clock (RFC 3339); empty where that cannot be read.
        who: who did it; empty likewise.
    """

    since: str = ""
    who: str = ""

    def described(self) -> str:
        """Return ``since 2026-01-31 09:30:00 UTC by alice@laptop``."""
        since = f"since {self.since[:19].replace('T', ' ')} UTC" if self.since else "since an unknown time"
        return f"{since} by {self.who or 'somebody'}"

    def written(self) -> str:
        """Return it as the host keeps it: one line."""
        return json.dumps({"since": self.since, "who": self.who}, ensure_ascii=False)


def parse_maintenance(values: Mapping[str, str]) -> dict[str, Closed]:
    """Read what ``maintenance`` in survey.sh prints: service, and what :meth:`Closed.written` gave."""
    told = {service: parse_json(text) or {} for service, text in values.items()}
    return {service: Closed(*(_plain(entry.get(key)) for key in ("since", "who"))) for service, entry in told.items()}


def _plain(value: object) -> str:
    return "".join(letter for letter in str(value or "") if letter.isprintable())[:200]
