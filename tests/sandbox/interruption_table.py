"""The table of interruptions and what came of them, printed at the end of a test run. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PROPERTY", "Row", "columns", "render"]


@dataclass(frozen=True)
class Row:
    """One case, each field as it is shown; ``result`` is ``ok`` or what was not as promised."""

    service: str
    interruption: str
    after_step: str
    lost: str
    client_ended: str
    recovered_by: str
    result: str


PROPERTY = "interruption"
"""The property of a test's report that holds a row; reports come together from all workers of a run."""

_TITLES = ("service", "interruption", "after step", "lost", "client ended", "recovered by", "result")


def render(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table: a title, a rule, the rows in columns as wide as their widest."""
    if not rows:
        return []
    table = [_TITLES, *(tuple(str(getattr(row, field.name)) for field in fields(Row)) for row in rows)]
    kept = sum(row.result == "ok" for row in rows)
    return [*columns(table), "", f"{kept} of {len(rows)} as promised"]


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """Return lines in columns as wide as their widest, a rule below the first."""
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    return [shown[0], "-" * min(120, max(map(len, shown))), *shown[1:]]
