"""Tables, bars and histories in 80 columns, for any name: columns are counted in terminal cells. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from behindy_ops.report.text import WIDTH, Line, Tone, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MB", "Column", "ago", "bar", "clip", "heading", "plain_for", "sentence", "size", "spark", "table"]

MB = 2**20
"""Bytes. All figures here are binary, as those of ``free -m``."""

_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII = str.maketrans({"█": "#", "░": "-", "…": "~", **dict(zip(_LEVELS[:-1], "_.:-=+*", strict=True))})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, the cells it may take at most, and whether figures stand at its right edge."""

    title: str
    most: int = WIDTH
    right: bool = False


def clip(text: str, cells: int) -> str:
    """The text in one line and at most so many cells; what is cut off shows as an ellipsis."""
    flat = " ".join(printable(text).split("\n"))
    return flat if cell_len(flat) <= cells else set_cell_size(flat, max(cells - 1, 0)).rstrip() + "…"


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], tones: Sequence[Tone] = ()) -> list[Line]:
    """The rows below their titles; the last column gets what is left of 80 cells.

    :param tones: one for each row; none for plain rows.
    """
    cells = [[clip(cell, column.most) for cell, column in zip(row, columns, strict=True)] for row in rows]
    widths = [
        max([cell_len(column.title), *(cell_len(row[index]) for row in cells)]) for index, column in enumerate(columns)
    ]
    titles = Line(_row([column.title for column in columns], widths, columns), Tone.STRONG)
    toned = tones or [Tone.PLAIN] * len(rows)
    return [
        titles,
        *(Line(_row(row, widths, columns), tone) for row, tone in zip(cells, toned, strict=True)),
    ]


def _row(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    padded = [
        " " * (width - cell_len(cell)) + cell if column.right else cell + " " * (width - cell_len(cell))
        for cell, width, column in zip(cells, widths, columns, strict=True)
    ]
    return clip("  ".join(padded).rstrip(), WIDTH)


def heading(text: str) -> Line:
    return Line(clip(text, WIDTH), Tone.STRONG)


def sentence(text: str, tone: Tone = Tone.PLAIN, indent: str = "") -> list[Line]:
    """A text in as many lines as it needs; commands are not broken at hyphens."""
    wrapped = textwrap.wrap(
        printable(text), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
    return [Line(clip(line, WIDTH), tone) for line in wrapped]


def size(count: float) -> str:
    """Bytes for people: ``900 B``, ``12 kB``, ``851 MB``, ``12.3 GB`` (binary)."""
    if count < 1024:
        return f"{count:.0f} B"
    if count < MB:
        return f"{count / 1024:.0f} kB"
    if count < 10_000 * MB:
        return f"{count / MB:.0f} MB" if count >= 10 * MB else f"{count / MB:.1f} MB"
    return f"{count / 2**30:.1f} GB"


def ago(seconds: float) -> str:
    """A span for people: ``42 s``, ``5 min``, ``3 h``, ``12 d``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (unit != "min" and seconds >= 1.5 * length):
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def bar(share: float, cells: int = 10) -> str:
    """A bar for a share from 0 to 1; whatever is more than nothing shows."""
    filled = min(cells, max(round(share * cells), 1 if share > 0 else 0))
    return "█" * filled + "░" * (cells - filled)


def spark(values: Sequence[float], top: float, cells: int) -> str:
    """The last values as small bars, the oldest at the left, the full height being ``top``."""
    scale = top or max(values, default=0) or 1
    last = values[-cells:]
    return "".join(_LEVELS[min(len(_LEVELS) - 1, max(0, int(value / scale * len(_LEVELS))))] for value in last)


def plain_for(encoding: str | None, lines: Sequence[Line]) -> list[Line]:
    """The lines as a stream can show them: drawn with ASCII where its encoding lacks block characters."""
    try:
        (_LEVELS + "░…").encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return [Line(line.text.translate(_ASCII), line.tone, line.exact) for line in lines]
    return list(lines)
