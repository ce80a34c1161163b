"""The table of hosts and what works on each, printed at the end of a test run. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from tests.sandbox.interruption_table import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PROPERTY", "HostRow", "render"]

PROPERTY = "host"
"""The property of a test's report that holds a row."""


@dataclass(frozen=True)
class HostRow:
    """A host and how each of these went on it, as it is shown; ``result``: works, refused by name, or what is wrong."""

    host: str
    deploy: str = ""
    rollback: str = ""
    doctor: str = ""
    backup: str = ""
    result: str = ""


def render(rows: Sequence[HostRow]) -> list[str]:
    """Return the lines of the table."""
    names = tuple(field.name for field in fields(HostRow))
    return columns([names, *(tuple(getattr(row, name) for name in names) for row in rows)]) if rows else []
