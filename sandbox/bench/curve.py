"""Curves of growth as a picture (SVG) that needs nothing else: multiples of time over multiples of size. Pure."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from sandbox.bench.growth_report import TIMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.bench.growth_report import Curve

__all__ = ["picture"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#e69f00", "#7a7a7a")
_PANEL, _GAP, _LEFT, _TOP, _HEIGHT = 300, 60, 56, 64, 240
_LEGEND = 26
_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .head { font-weight: 600; font-size: 14px }
  .axis { stroke: #57606a; fill: none }
  .grid { stroke: #57606a; stroke-opacity: .2 }
  .pace { stroke: #24292f; stroke-dasharray: 5 4; fill: none }
  .back { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .axis, .grid { stroke: #8b949e }
    .pace { stroke: #e6edf3 }
    .back { fill: #0d1117 }
  }
"""


def picture(curves: Sequence[Curve], *, columns: int = 2) -> str:
    """One panel for each axis, both its scales logarithmic; a dashed line is as fast as what is looked at."""
    axes = list(dict.fromkeys(curve.axis for curve in curves))
    tasks = list(dict.fromkeys(curve.task for curve in curves))
    colours = {task: _COLOURS[number % len(_COLOURS)] for number, task in enumerate(tasks)}
    across = max(1, min(columns, len(axes)))
    rows = math.ceil(len(axes) / across)
    width = across * (_PANEL + _LEFT) + (across - 1) * (_GAP - _LEFT) + 40
    legend_rows = math.ceil((len(tasks) + 1) / 3)
    height = 24 + rows * (_HEIGHT + _TOP + 40) + legend_rows * _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">',
        '<title id="title">Time of each task against what there is more of, as multiples of the smallest case</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="back" width="{width}" height="{height}" rx="8"/>',
    ]
    for number, axis in enumerate(axes):
        row, column = divmod(number, across)
        left, top = _LEFT + column * (_PANEL + _GAP), _TOP + row * (_HEIGHT + _TOP + 40)
        own = [curve for curve in curves if curve.axis == axis]
        parts += _panel(axis, own, colours, left, top)
    parts += _legend(colours, height - legend_rows * _LEGEND)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(axis: str, own: Sequence[Curve], colours: dict[str, str], left: int, top: int) -> list[str]:
    sizes = max((curve.sizes for curve in own), key=len)
    widest = math.log(max(2.0, sizes[-1] / sizes[0]))
    highest = max([4.0, *(ratio for curve in own for ratio in curve.ratios)])
    lowest = min([0.8, *(ratio for curve in own for ratio in curve.ratios)])
    bottom, span = math.log(lowest), math.log(highest * 1.1) - math.log(lowest)

    def at(share: float, ratio: float) -> tuple[float, float]:
        return left + math.log(share) / widest * _PANEL, top + _HEIGHT - (math.log(ratio) - bottom) / span * _HEIGHT

    parts = [
        f'<text class="head" x="{left}" y="{top - 16}">{escape(axis)}</text>',
        f'<path class="axis" d="M{left} {top}V{top + _HEIGHT}H{left + _PANEL}"/>',
    ]
    for ratio in _ticks(lowest, highest * 1.1):
        _, y = at(1, ratio)
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{left + _PANEL}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{ratio:g}{TIMES}</text>')
    for size in sizes:
        x, _ = at(size / sizes[0], 1)
        parts.append(f'<text x="{x:.1f}" y="{top + _HEIGHT + 18}" text-anchor="middle">{size:,}</text>')
    # The line of equal pace leaves the picture at its top.
    end = min(math.exp(widest), highest * 1.1)
    parts.append(_line([at(1, 1), at(end, end)], 'class="pace"'))
    for curve in own:
        points = [at(share, ratio) for share, ratio in zip(curve.shares, curve.ratios, strict=True)]
        colour = colours[curve.task]
        parts.append(_line(points, f'fill="none" stroke="{colour}" stroke-width="2"'))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return parts


def _ticks(lowest: float, highest: float) -> list[float]:
    steps = [base * 10.0**power for power in range(-1, 5) for base in (1, 1.5, 2, 3, 5)]
    return [step for step in steps if lowest <= step <= highest]


def _line(points: Iterable[tuple[float, float]], style: str) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline {style} points="{drawn}"/>'


def _legend(colours: dict[str, str], top: int) -> list[str]:
    entries = [*((f'stroke="{colour}" stroke-width="2"', task) for task, colour in colours.items())]
    entries.append(('class="pace"', "as fast as what it looks at"))
    parts = []
    for number, (style, text) in enumerate(entries):
        row, column = divmod(number, 3)
        x, y = _LEFT + column * 220, top + row * _LEGEND
        parts.append(f'<path {style} d="M{x} {y}h28"/><text x="{x + 36}" y="{y + 4}">{escape(text)}</text>')
    return parts
