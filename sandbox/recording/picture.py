"""A recorded session as an SVG: it plays once, then shows how it ended; without motion, it shows that at once. Pure.

What changes on a screen is a row. Each state of each row is one element that is there from when to when, so that no
script is needed and a browser that may not move anything shows the rows that stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from sandbox.recording.screen import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.recording.screen import Part, Row

__all__ = ["Frame", "Stay", "draw", "stays"]

_CELL, _LINE, _EDGE, _HEAD = 8.4, 20, 20, 34
_SLOT = 0.05
"""Seconds; of what changes faster, the last state is drawn."""

_STYLE = """
svg { --paper: #ffffff; --edge: #d0d7de; --head: #f6f8fa; --ink: #1f2328; --dim: #59636e; --red: #c62828;
  --green: #1a7f37; --yellow: #8a5a00; --cyan: #0a6b7d; }
@media (prefers-color-scheme: dark) { svg { --paper: #14171c; --edge: #343a44; --head: #1e2229; --ink: #e6e9ee;
  --dim: #a5adb8; --red: #ff7b72; --green: #4cc26a; --yellow: #d9a62e; --cyan: #4fd1c5; } }
rect { fill: var(--paper); stroke: var(--edge); } .head { fill: var(--head); }
text { font: 14px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--ink);
  white-space: pre; }
.title { fill: var(--dim); font-size: 12.5px; text-anchor: middle; }
.b { font-weight: 700; } .dim { fill: var(--dim); } .red { fill: var(--red); } .green { fill: var(--green); }
.yellow { fill: var(--yellow); } .cyan { fill: var(--cyan); }
.gone { visibility: hidden; animation-name: there; } .stay { animation-name: not-yet; }
@keyframes there { from, to { visibility: visible; } }
@keyframes not-yet { from, to { visibility: hidden; } }
@media (prefers-reduced-motion: reduce) { .gone, .stay { animation: none; } }
@media print { .gone, .stay { animation: none; } }
"""


@dataclass(frozen=True)
class Frame:
    """What the screen showed from a moment on, in seconds since the session began."""

    at: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Stay:
    """One state of one row: from when until when it was seen, ``end`` None if it still was in the end."""

    row: int
    content: Row
    begin: float
    end: float | None


def stays(frames: Sequence[Frame]) -> list[Stay]:
    """The states of all rows, in the order in which they came."""
    now: dict[int, Stay] = {}
    found: list[Stay] = []
    for frame in _slotted(frames):
        for row in range(max(len(frame.rows), max(now, default=-1) + 1)):
            content = frame.rows[row] if row < len(frame.rows) else ()
            before = now.get(row)
            if before and before.content == content:
                continue
            if before:
                found.append(Stay(row, before.content, before.begin, frame.at))
                del now[row]
            if content:
                now[row] = Stay(row, content, frame.at, None)
    return sorted([*found, *now.values()], key=lambda stay: (stay.begin, stay.row))


def _slotted(frames: Sequence[Frame]) -> Iterator[Frame]:
    for frame, after in zip(frames, [*frames[1:], None], strict=True):
        if after is None or int(frame.at / _SLOT) != int(after.at / _SLOT):
            yield frame


def draw(title: str, frames: Sequence[Frame]) -> str:
    """Return the SVG.

    Args:
        title: what it shows, for the head of the window and for who cannot see it.
        frames: at least one, in order.
    """
    rows = max(len(frame.rows) for frame in frames)
    width, height = round(COLUMNS * _CELL + 2 * _EDGE), _HEAD + rows * _LINE + _EDGE
    last = "\n".join(_words(row) for row in frames[-1].rows)
    drawn = "\n".join(_element(stay) for stay in stays(frames))
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">
<title id="title">{escape(title)}</title>
<desc id="desc">{escape(last)}</desc>
<style>{_STYLE}</style>
<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>
<path class="head" d="M1 {_HEAD - 6} V8 a7 7 0 0 1 7 -7 H{width - 8} a7 7 0 0 1 7 7 V{_HEAD - 6} Z"/>
<text class="title" x="{width / 2:g}" y="19">{escape(title)}</text>
<g aria-hidden="true">
{drawn}
</g>
</svg>
"""


def _words(row: Row) -> str:
    words = ""
    for part in row:
        words = f"{words:<{part.column}}{part.text}"
    return words


def _element(stay: Stay) -> str:
    if stay.end is None:
        when = f'class="stay" style="animation-duration:{stay.begin:.2f}s"'
    else:
        span = f"animation-duration:{stay.end - stay.begin:.2f}s;animation-delay:{stay.begin:.2f}s"
        when = f'class="gone" style="{span}"'
    y = _HEAD + (stay.row + 0.75) * _LINE
    return f'<text y="{y:g}" {when}>{"".join(_span(part) for part in stay.content)}</text>'


def _span(part: Part) -> str:
    style = part.style
    names = [name for name in ("b" if style.bold else "", "dim" if style.dim else "", style.colour) if name]
    classes = f' class="{" ".join(names)}"' if names else ""
    x, length = _EDGE + part.column * _CELL, len(part.text) * _CELL
    return f'<tspan{classes} x="{x:g}" textLength="{length:g}">{escape(part.text, quote=False)}</tspan>'
