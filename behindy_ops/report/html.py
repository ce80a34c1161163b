"""A report as one HTML file: no script, and a policy in it that forbids a browser every request.

What is on it comes from outside (names, tags, errors): all of it is escaped, by the template, and rid of what hides.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from itertools import count
from pathlib import Path

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.report.page import Axis, Bar, Chart, Fold, Line, Page, Part, Tick
from behindy_ops.report.text import printable

MADE_BY = '<meta name="generator" content="behindy-ops report">'
"""By this a file is known that may be written over."""

_HEAD = 2000
"""Characters of a file in which that stands."""

_SHORT = 8
"""Characters of a mark that a narrow page has room for five times."""

_LEAST = 0.001
"""Of the width of a picture."""

_WIDE, _HIGH = 1000.0, 100.0
"""Of the box in which lines are drawn; it is stretched to what there is room for."""


def save(page: Page, path: Path) -> None:
    """Write a report, over an earlier one too.

    Raises:
        Kind.USAGE: there is something else at that path, or it cannot be written.
    """
    try:
        if path.exists() and MADE_BY not in path.read_text(encoding="utf-8", errors="replace")[:_HEAD]:
            raise Kind.USAGE(
                f"{path} is no report of this tool, so it is not written over.",
                state=UNCHANGED,
                remedy="Name another file, or move that one away.",
            )
        path.write_text(render(page), encoding="utf-8")
    except OSError as error:
        raise Kind.USAGE(
            f"{path} cannot be written: {error.strerror or error}.", state=UNCHANGED, remedy="Name another file."
        ) from error


def render(page: Page) -> str:
    """Return the whole file."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files("behindy_ops") / "report"
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in ("page.html.j2", "page.css.j2")}
    environment = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.filters |= {
        "percent": _percent,
        "kind": _kind,
        "path": _path,
        "width": _width,
        "labels": _labels,
        "next": next,
    }
    style = environment.get_template("page.css.j2").render()
    policy = f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; base-uri 'none'; form-action 'none'"
    return (
        environment.get_template("page.html.j2")
        .render(page=page, style=style, policy=policy, made_by=MADE_BY, numbers=count(1))
        .lstrip()
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _percent(share: float) -> str:
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"


def _width(bar: Bar, axis: Axis) -> str:
    """Return how wide a bar is; whatever took no time shows all the same."""
    return _percent(max(axis.share(bar.end) - axis.share(bar.begin), _LEAST))


def _kind(part: Part | Fold) -> str:
    return "text" if isinstance(part, str) else type(part).__name__.lower()


def _path(line: Line, chart: Chart, closed: bool = False) -> str:
    """Return the line as a path in the box, down to the ground at both ends if it is ``closed``."""
    points = [(chart.axis.share(x) * _WIDE, (1 - min(1.0, y / chart.top)) * _HIGH) for x, y in line.points]
    if closed and points:
        points = [(points[0][0], _HIGH), *points, (points[-1][0], _HIGH)]
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def _labels(axis: Axis) -> list[tuple[Tick, str, str, bool]]:
    """Return each mark with where it is, at which end of its text that is, and whether a narrow page does without."""
    told: list[tuple[Tick, str, str, bool]] = []
    for number, tick in enumerate(axis.ticks):
        share = axis.share(tick.at)
        anchor = "start" if share < 0.06 else "end" if share > 0.94 else "middle"
        told.append((tick, _percent(share), anchor, number % 2 == 1 and len(tick.text) > _SHORT))
    return told
