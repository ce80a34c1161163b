"""A report as one page: what is on it, as plain data. Pure. :mod:`behindy_ops.report.html` draws it.

Each picture has a summary in words and a table of its figures, so that nothing is told by a picture alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum


class Look(Enum):
    """How a bar or a line looks: by what it means, or by which of several it is."""

    GOOD = "good"
    BAD = "bad"
    CAREFUL = "careful"
    FAINT = "faint"
    ONE = "one"
    TWO = "two"
    THREE = "three"
    FOUR = "four"
    FIVE = "five"
    SIX = "six"


SERIES = (Look.ONE, Look.TWO, Look.THREE, Look.FOUR, Look.FIVE, Look.SIX)
"""Looks that can be told from each other, for what is one of several."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that stands out at the top."""

    name: str
    value: str
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below their titles; the columns named in ``right`` (counted from 0) are aligned right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis, in its unit, and what stands at it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From where to where a picture goes, and the marks between."""

    begin: float
    end: float
    ticks: tuple[Tick, ...]

    def share(self, at: float) -> float:
        """Return where something is, from 0 (left) to 1 (right); what is beyond an edge is at the edge."""
        span = self.end - self.begin
        return min(1.0, max(0.0, (at - self.begin) / span)) if span > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """From when to when something lasted, in the axis's unit; ``title`` is shown when it is pointed at."""

    begin: float
    end: float
    look: Look
    title: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a timeline: its name, its bars, and what stands behind them."""

    name: str
    bars: tuple[Bar, ...]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows of bars over one axis."""

    title: str
    summary: str
    axis: Axis
    rows: tuple[Row, ...]
    table: Table
    legend: tuple[tuple[Look, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: points of (x, y) in the axis's unit and in the chart's."""

    name: str
    points: tuple[tuple[float, float], ...]
    look: Look
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one axis; ``top`` is the height of the chart, ``levels`` what stands at which height.

    ``bands`` are stretches of the axis that stand out, and ``bands_are`` says what they are.
    """

    title: str
    summary: str
    axis: Axis
    top: float
    levels: tuple[Tick, ...]
    lines: tuple[Line, ...]
    table: Table
    bands: tuple[Bar, ...] = ()
    bands_are: str = "while a deploy ran"


Part = str | Table | Timeline | Chart


@dataclass(frozen=True, slots=True)
class Fold:
    """Parts below a line that opens and closes them."""

    title: str
    parts: tuple[Part, ...]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    parts: tuple[Part | Fold, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report; ``lead`` says in one sentence what it shows, ``end`` where it comes from."""

    title: str
    lead: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    end: str = ""


def seconds_axis(begin: float, end: float, zero: float | None = None) -> Axis:
    """Return an axis of seconds, with three to five marks of whole steps; ``zero`` is where they count from."""
    zero = begin if zero is None else zero
    span = max(end - begin, 0.001)
    step = _step(span / 4)
    first = math.ceil((begin - zero) / step - 1e-9)
    marks = [zero + number * step for number in range(first, first + 6) if zero + number * step <= begin + span]
    return Axis(begin, begin + span, tuple(Tick(mark, f"{mark - zero:g} s") for mark in marks))


def dates_axis(begin: float, end: float) -> Axis:
    """Return an axis of moments (seconds since the epoch) with marks at both ends and in the middle, in UTC."""
    if end - begin < _SHORTEST:
        middle = (begin + end) / 2
        begin, end = middle - _SHORTEST / 2, middle + _SHORTEST / 2
    form = "%Y-%m-%d %H:%M:%S" if end - begin < _FEW_MINUTES else "%Y-%m-%d %H:%M"
    return Axis(begin, end, tuple(Tick(at, date(at, form)) for at in (begin, (begin + end) / 2, end)))


_SHORTEST = 60.0
"""Seconds that an axis of moments has at least."""


_FEW_MINUTES = 600.0
"""Seconds below which its marks tell seconds."""


def date(at: float, form: str) -> str:
    """Return a moment (seconds since the epoch) in UTC; one beyond all years is the first there is, or the last."""
    return (_EPOCH + timedelta(seconds=min(max(at, _FIRST), _LAST))).strftime(form)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC).timestamp()
_LAST = datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()


def levels(top: float, unit: str = "", scale: float = 1.0) -> tuple[float, tuple[Tick, ...]]:
    """Return the height of a chart that has room for ``top``, and two or three heights with what stands at them.

    Args:
        top: the highest value that is drawn.
        unit: stands behind each number.
        scale: what a value is multiplied with to be in that unit.
    """
    top = top if top > 0 else 1 / scale
    step = _step(top * scale / 2)
    count = max(1, math.ceil(top * scale / step - 1e-9))
    marks = [step * number for number in range(1, count + 1)]
    return count * step / scale, tuple(Tick(mark / scale, f"{mark:,g}{unit}") for mark in marks)


def _step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, 50, ... (and tenths of those) that is no less."""
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))


def looks(names: Sequence[str]) -> Iterator[tuple[str, Look]]:
    """Give each name a look of its own; once all are taken, the first is next."""
    for number, name in enumerate(names):
        yield name, SERIES[number % len(SERIES)]
