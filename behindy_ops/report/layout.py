"""Tables, wrapped sentences, bars and histories in 80 columns: from data to lines. Pure.

Columns are counted in terminal cells, so that a name may be in any script.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from rich.console import Console
from rich.table import Table
from rich.text import Text

from behindy_ops.report.text import WIDTH, Line, Tone, printable

_LEVELS = "▁▂▃▄▅▆▇█"

_PAPER = Console(file=io.StringIO(), width=WIDTH, color_system=None, legacy_windows=False)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, the cells it may take at most, and whether its values are aligned right."""

    title: str
    most: int = WIDTH
    right: bool = False


def figures(*titles: str) -> list[Column]:
    """Return columns of figures, which are aligned right."""
    return [Column(title, right=True) for title in titles]


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], tones: Sequence[Tone] = (), width: int = WIDTH
) -> list[Line]:
    """Return the rows below their titles; the last column gets what is left of the width, in cells.

    There is one tone for each row, or none if all are plain.
    """
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        last, side = column is columns[-1], "right" if column.right else "left"
        grid.add_column(_cell(column.title), max_width=column.most, no_wrap=not last, justify=side)  # type: ignore[arg-type]
    for row in rows:
        grid.add_row(*map(_cell, row))
    drawn = _PAPER.render_lines(grid, _PAPER.options.update_width(width), pad=False)
    titles, *texts = ("".join(segment.text for segment in line).rstrip() for line in drawn)
    return [Line(titles, Tone.STRONG), *map(Line, texts, tones or repeat(Tone.PLAIN))]


def _cell(text: str) -> Text:
    """The text in one line; what is cut off shows as an ellipsis."""
    return Text(printable(text).replace("\n", " "), no_wrap=True, overflow="ellipsis")


def clip(text: str, cells: int = WIDTH) -> str:
    """Return the text in one line and at most so many cells; what is cut off shows as an ellipsis."""
    cell = _cell(text)
    cell.truncate(cells)
    return cell.plain


def heading(text: str) -> Line:
    return Line(clip(text), Tone.STRONG)


def sentence(text: str, tone: Tone = Tone.PLAIN, indent: str = "") -> list[Line]:
    """Return a text in as many lines as it needs; words are broken at spaces only, so commands stay whole."""
    words = Text(printable(text).replace("\n", " "))
    wrapped = words.wrap(_PAPER, WIDTH - len(indent) - 2) if words else ()
    return [Line(f"{indent}{'  ' if number else ''}{line.plain.rstrip()}", tone) for number, line in enumerate(wrapped)]


def bar(share: float, cells: int = 10) -> str:
    """Return a bar for a share from 0 to 1; whatever is more than nothing shows."""
    filled = min(cells, max(round(share * cells), 1 if share > 0 else 0))
    return "█" * filled + "░" * (cells - filled)


def spark(values: Sequence[float], top: float, cells: int) -> str:
    """Return the last values as small bars, the oldest at the left; a bar at full height is ``top``."""
    scale = top or max(values, default=0) or 1
    last = values[-cells:]
    return "".join(_LEVELS[min(len(_LEVELS) - 1, max(0, int(value / scale * len(_LEVELS))))] for value in last)
