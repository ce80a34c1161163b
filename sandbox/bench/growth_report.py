"""How times grow with what is looked at: a table, and a verdict for each row. Pure: figures in, lines out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from behindy_ops.report.page import Table

__all__ = [
    "PICTURE",
    "RESULTS",
    "TIMES",
    "Crowd",
    "Curve",
    "Growth",
    "Point",
    "about",
    "as_markdown",
    "by_axis",
    "crowds_about",
    "crowds_table",
    "curves",
    "exponent",
    "faster",
    "lines_of",
    "table",
    "verdict",
]

RESULTS = Path("benchmarks", "growth.md")
PICTURE = Path("benchmarks", "growth.svg")

TIMES = "\N{MULTIPLICATION SIGN}"

NOISE = 0.15
"""Share of the smallest case's time that two measurements of the same may differ by, at least."""

REACHED = 0.05
"""Share of the requests asked for that may be missing before a rate counts as not reached."""


@dataclass(frozen=True)
class Point:
    """One task at one size, beside the same task at the smallest size of that run, measured in turns; times in seconds.

    ``axis`` is what there is more of, and ``commands`` are the remote commands at each size.
    """

    axis: str
    size: int
    task: str
    times: tuple[float, ...]
    smallest: tuple[float, ...]
    commands: int
    smallest_commands: int

    @property
    def ratio(self) -> float:
        return median(self.times) / median(self.smallest)


@dataclass(frozen=True)
class Curve:
    """One task over the sizes of an axis; the first size is the one that the ratios are about.

    ``noise`` is the share by which the smallest case's own times differ: its medians, each beside another size, or half
    the range of all its times, whichever is more; at least :data:`NOISE`.
    """

    axis: str
    task: str
    sizes: tuple[int, ...]
    ratios: tuple[float, ...]
    seconds: tuple[float, ...]
    commands: tuple[int, ...]
    noise: float = NOISE

    @property
    def shares(self) -> tuple[float, ...]:
        """Each size as a multiple of the first."""
        return tuple(size / self.sizes[0] for size in self.sizes)


@dataclass(frozen=True)
class Crowd:
    """Requests to nginx while a service was switched ``switches`` times; latencies in seconds, rates by the second.

    ``skipped`` were due and never sent, for want of a connection that was free; ``p99_before`` is that of the seconds
    before the first switch.
    """

    asked: float
    seconds: float
    switches: int
    sent: int
    good: int
    skipped: int
    lost: tuple[tuple[str, int], ...]
    p99_before: float
    p50: float
    p99: float
    longest: float

    @property
    def reached(self) -> float:
        return self.good / self.seconds if self.seconds else 0.0

    @property
    def losses(self) -> int:
        return sum(count for _, count in self.lost)


@dataclass(frozen=True)
class Growth:
    """A whole run. ``smallest``: axis to its smallest size; ``rounds``: of which each time is the median."""

    smallest: tuple[tuple[str, int], ...]
    points: tuple[Point, ...]
    crowds: tuple[Crowd, ...]
    rounds: int


def curves(growth: Growth) -> list[Curve]:
    """All of them, by axis and then by task, in the order in which they were measured."""
    first = dict(growth.smallest)
    kept: dict[tuple[str, str], list[Point]] = {}
    for point in growth.points:
        kept.setdefault((point.axis, point.task), []).append(point)
    return [
        Curve(
            axis,
            task,
            (first[axis], *(point.size for point in points)),
            (1.0, *(point.ratio for point in points)),
            (median(points[0].smallest), *(median(point.times) for point in points)),
            (points[0].smallest_commands, *(point.commands for point in points)),
            max(NOISE, _spread(points)),
        )
        for (axis, task), points in kept.items()
    ]


def _spread(points: list[Point]) -> float:
    medians = [median(point.smallest) for point in points]
    every = [seconds for point in points for seconds in point.smallest]
    return max(max(medians) / min(medians) - 1, (max(every) - min(every)) / 2 / median(every))


def exponent(curve: Curve) -> float:
    """Return k of the power that fits best, time ~ size to the k: 0 for what stays the same, 1 for what keeps pace."""
    pairs = [(math.log(share), math.log(ratio)) for share, ratio in zip(curve.shares, curve.ratios, strict=True)]
    across = sum(x * x for x, _ in pairs)
    return sum(x * y for x, y in pairs) / across if across else 0.0


def faster(curve: Curve) -> bool:
    """Whether a task's time grows faster than what it looks at.

    It does if its whole time takes a larger multiple than the size; or if what was added up to the last size is more
    than what was added on the way there lets expect, since a square hides at first behind what does not grow; or if it
    takes more remote commands. Noise is allowed for.
    """
    shares, ratios, noise = curve.shares, curve.ratios, curve.noise
    if any(ratio - noise > share for share, ratio in zip(shares, ratios, strict=True)):
        return True
    between = zip(shares[1:-1], ratios[1:-1], strict=True)
    allowed = ((shares[-1] - 1) / (share - 1) * (max(ratio - 1, 0.0) + noise) for share, ratio in between)
    return any(ratios[-1] - 1 - noise > most for most in allowed) or len(set(curve.commands)) > 1


def by_axis(growth: Growth) -> dict[str, list[Curve]]:
    """The curves of each axis that was measured."""
    found = curves(growth)
    own = {axis: [curve for curve in found if curve.axis == axis] for axis, _ in growth.smallest}
    return {axis: each for axis, each in own.items() if each}


def as_markdown(growth: Growth) -> str:
    """The whole of ``benchmarks/growth.md``."""
    found = by_axis(growth)
    told = ["# How it grows", "", "Written by `./inv bench --growth`; see [README.md](README.md) for what is measured."]
    told += ["", verdict(growth)]
    if found:
        told += ["", f"![Time against size, both as multiples of the smallest case]({PICTURE.name})"]
    for axis, own in found.items():
        told += ["", f"## {axis[0].upper()}{axis[1:]}", "", *lines_of(table(own)), "", about(own, growth.rounds)]
    if growth.crowds:
        told += ["", "## Requests to nginx", "", *lines_of(crowds_table(growth.crowds)), ""]
        told += [crowds_about(growth.crowds), *_lost(growth.crowds)]
    return "\n".join(told) + "\n"


def lines_of(table: Table) -> list[str]:
    """A table in Markdown."""
    rows = [f"| {' | '.join(cells)} |" for cells in (table.head, *table.rows)]
    return [rows[0], f"|{'---|' * len(table.head)}", *rows[1:]]


def verdict(growth: Growth) -> str:
    """Whether anything grows too fast or was lost, in a sentence or two."""
    over = [f"{curve.task} with {curve.axis}" for curve in curves(growth) if faster(curve)]
    grows = (
        f"Faster than what they look at grow: {', '.join(over)}."
        if over
        else "Nothing grows faster than what it looks at."
    )
    lost, sent = sum(crowd.losses for crowd in growth.crowds), sum(crowd.sent for crowd in growth.crowds)
    return f"{grows} {lost} of {sent} requests to nginx were lost." if growth.crowds else grows


def table(own: list[Curve]) -> Table:
    """A row for each task of one axis, with its verdict."""
    first, *sizes = own[0].sizes
    heads = ["task", f"with {first}", *(f"with {size:,}" for size in sizes)]
    heads += ["noise", "exponent", "remote commands", ""]
    rows = [
        (
            curve.task,
            f"{curve.seconds[0]:.2f} s",
            *(f"{ratio:.2f}{TIMES}" for ratio in curve.ratios[1:]),
            f"{curve.noise * 100:.0f} %",
            f"{exponent(curve):.2f}",
            " to ".join(map(str, sorted(set(curve.commands)))),
            "FASTER" if faster(curve) else "met",
        )
        for curve in own
    ]
    return Table(tuple(heads), tuple(rows), right=tuple(range(1, len(heads) - 1)))


def about(own: list[Curve], rounds: int) -> str:
    """What the figures of an axis are, and what is as fast as it."""
    keeps = f"{own[0].shares[-1]:g} times the {own[0].axis}"
    return f"Medians of {rounds}, in turns with the smallest case; as fast as what it looks at: {keeps}."


def crowds_table(crowds: tuple[Crowd, ...]) -> Table:
    """A row for each rate, with its verdict."""
    heads = ("asked for", "reached", "sent", "not sent", "lost", "p99 before", "median", "p99", "longest", "")
    rows = []
    for crowd in crowds:
        times = (_time(seconds) for seconds in (crowd.p99_before, crowd.p50, crowd.p99, crowd.longest))
        met = "MISSED" if crowd.losses else "met" if crowd.reached >= crowd.asked * (1 - REACHED) else "NOT REACHED"
        rates = (f"{crowd.asked:,.0f}/s", f"{crowd.reached:,.0f}/s")
        rows.append((*rates, f"{crowd.sent}", f"{crowd.skipped}", f"{crowd.losses}", *times, met))
    return Table(heads, tuple(rows), right=tuple(range(len(heads) - 1)))


def crowds_about(crowds: tuple[Crowd, ...]) -> str:
    return f"Each during {crowds[0].switches} deploys of the service that answers."


def _lost(crowds: tuple[Crowd, ...]) -> list[str]:
    told = [f"- at {crowd.asked:,.0f}/s: {count}{TIMES} {why}" for crowd in crowds for why, count in crowd.lost]
    return ["", *told] if told else []


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
