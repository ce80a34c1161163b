"""Which release answered when, drawn with characters. Pure: figures in, lines out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.traffic.model import BUCKET_SECONDS, Answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["plot", "series"]

_UNICODE = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#@"
_UNICODE_AXIS = "─┴"
_ASCII_AXIS = "-+"
_MAX_WIDTH = 72
_TICKS = 4
_MIN_COLUMNS = 16


def plot(
    answers: Sequence[Answers],
    *,
    seconds: float,
    encoding: str = "utf-8",
    width: int = _MAX_WIDTH,
    first: Sequence[str] = (),
) -> list[str]:
    """One row of bars per service and release over time, and a time axis below.

    A bar's height is the share of the fullest column of its service; whatever answered at all shows.

    Args:
        answers: when each service's releases answered.
        seconds: how long the traffic lasted; the right edge.
        encoding: of the terminal; where it cannot show block characters, ASCII is used.
        width: of a line, in characters, labels included; at most 72.
        first: services to put first, in this order; the others follow by their first answers.
    """
    rows = series(answers, first)
    if not rows or seconds <= 0:
        return ["no answers"]
    bars, axis = _characters(encoding)
    services = max(len(service) for service, _ in rows)
    releases = max(len(release) for _, release in rows)
    columns = max(_MIN_COLUMNS, min(width, _MAX_WIDTH) - services - releases - 2)
    binned = {key: _bin(points, seconds=seconds, columns=columns) for key, points in rows.items()}
    tops: dict[str, float] = {}
    for (service, _), counts in binned.items():
        tops[service] = max(tops.get(service, 0.0), *counts)
    lines, before = [], ""
    for (service, release), counts in binned.items():
        label = service if service != before else ""
        before = service
        drawn = "".join(bars[_height(count, tops[service], len(bars) - 1)] for count in counts)
        lines.append(f"{label:<{services}} {release:<{releases}} {drawn}".rstrip())
    indent = " " * (services + releases + 2)
    return [*lines, *(indent + line for line in _axis(columns, seconds, axis))]


def series(
    answers: Sequence[Answers], first: Sequence[str] = ()
) -> Mapping[tuple[str, str], Sequence[tuple[float, int]]]:
    """(service, release) -> points of (seconds since the start, count); in the order of the rows."""
    ordered = sorted(answers, key=lambda answer: answer.at)
    services = list(dict.fromkeys([*first, *(answer.service for answer in ordered)]))
    rows: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for service in services:
        for answer in ordered:
            if answer.service == service:
                rows.setdefault((service, answer.release), []).append((answer.at, answer.count))
    return rows


def _characters(encoding: str) -> tuple[str, str]:
    try:
        (_UNICODE + _UNICODE_AXIS).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _ASCII, _ASCII_AXIS
    return _UNICODE, _UNICODE_AXIS


def _bin(points: Sequence[tuple[float, int]], *, seconds: float, columns: int) -> list[float]:
    """Spread each bucket over the columns it overlaps: a bucket is rarely a whole number of columns wide."""
    counts = [0.0] * columns
    span = BUCKET_SECONDS / seconds * columns
    for at, count in points:
        begin = max(0.0, min(at / seconds * columns, columns - span))
        for column in range(int(begin), min(columns, int(begin + span) + 1)):
            counts[column] += count * max(0.0, min(begin + span, column + 1) - max(begin, column)) / span
    return counts


def _height(count: float, top: float, levels: int) -> int:
    return max(1, round(count / top * levels)) if count > 0 else 0


def _axis(columns: int, seconds: float, characters: str) -> list[str]:
    plain, tick = characters[0], characters[1]
    line, labels = [plain] * columns, [" "] * (columns + 1)
    for index in range(_TICKS + 1):
        column = round(index * (columns - 1) / _TICKS)
        line[column] = tick
        text = f"{seconds * index / _TICKS:.0f} s"
        begin = min(max(0, column - len(text) // 2), columns - len(text))
        labels[begin : begin + len(text)] = text
    return ["".join(line), "".join(labels).rstrip()]
