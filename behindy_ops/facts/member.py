"""The machines that run what is deployed where those are several, as the one that is asked knows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One of them.

    Attributes:
        status: ``ready``, ``down``.
        availability: ``active``, ``pause``, ``drain``.
        memory: bytes it has in all; how much of that is in use, only it knows.
        here: it is the one that was asked.
    """

    name: str
    status: str
    availability: str
    memory: int
    here: bool = False


def parse_members(lines: Iterable[str]) -> tuple[Member, ...]:
    """Read what ``members`` of lib/engine.sh prints: nothing where there is one machine."""
    found = (json.loads(line) for line in lines)
    members = (
        Member(each["name"], each["status"], each["availability"], each["memory"], each.get("here", False))
        for each in found
    )
    return tuple(sorted(members, key=lambda member: (not member.here, member.name)))
