"""The reports of `inv bench --growth` and `inv bench --swarm` as pages: time against size, as multiples. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import took
from behindy_ops.report.page import (
    Axis,
    Bar,
    Chart,
    Line,
    Look,
    Page,
    Row,
    Section,
    Table,
    Tick,
    Tile,
    Timeline,
    levels,
    looks,
    seconds_axis,
)
from sandbox.bench import growth_report, swarm_report
from sandbox.bench.growth_report import TIMES, by_axis, curves, faster
from sandbox.bench.swarm_report import with_hosts, with_replicas
from sandbox.pages.parts import LOST_NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from behindy_ops.report.page import Part
    from sandbox.bench.growth_report import Curve, Growth
    from sandbox.bench.swarm_report import Swarm

__all__ = ["growth_page", "swarm_page"]

_POINTS = 16
"""Of the line of what keeps pace, which is curved: the sizes are drawn by their logarithm, the times are not."""
_LEAST = 2.0
"""Times as long, that a chart has room for: else nothing would be seen of what keeps pace where nothing grows."""
_COLOURS = 6
"""Of steps, those that take most; the others look alike."""
_END = "Written by ./inv bench {}. Times are of this one run on this one machine: compare their multiples."


def growth_page(growth: Growth) -> Page:
    """Lay out what `inv bench --growth` measured: each task against what there was more and more of."""
    found = curves(growth)
    lost, sent = sum(crowd.losses for crowd in growth.crowds), sum(crowd.sent for crowd in growth.crowds)
    over = sum(faster(curve) for curve in found)
    sections = [Section("Verdict", (growth_report.verdict(growth),))]
    for axis, own in by_axis(growth).items():
        about = growth_report.about(own, growth.rounds)
        sections.append(Section(f"{axis[0].upper()}{axis[1:]}", (*_charts(axis, own), growth_report.table(own), about)))
    if growth.crowds:
        table = growth_report.crowds_table(growth.crowds)
        sections.append(Section("Requests to nginx", (table, growth_report.crowds_about(growth.crowds))))
        rows = tuple((f"{crowd.asked:,.0f}/s", f"{count}", why) for crowd in growth.crowds for why, count in crowd.lost)
        losses = Table(("asked for", "lost", "how it was lost"), rows, right=(0, 1)) if rows else LOST_NONE
        sections.append(Section("Losses", (losses,)))
    return Page(
        "How it grows",
        "What ./inv bench --growth measured: each task on a host with ever more of one thing, beside a small one, and"
        " nginx with ever more requests.",
        tuple(_tiles("Tasks that grow too fast", f"{over} of {len(found)}", over, sent, lost, growth.rounds)),
        tuple(sections),
        _END.format("--growth"),
    )


def swarm_page(swarm: Swarm) -> Page:
    """Lay out what `inv bench --swarm` measured: a deploy against replicas and hosts, and where its time goes."""
    over = len(swarm_report.too_fast(swarm))
    lost, sent = sum(cell.lost for cell in swarm.cells), sum(cell.sent for cell in swarm.cells)
    by_hosts = {swarm_report.on_hosts(hosts): curve for hosts, curve in with_replicas(swarm).items()}
    by_replicas = {f"{replicas} replicas": curve for replicas, curve in with_hosts(swarm).items()}
    rows = tuple(
        (f"{cell.hosts}", f"{cell.replicas}", f"{cell.sent}", f"{cell.lost}") for cell in swarm.cells if cell.lost
    )
    right = tuple(range(4))
    return Page(
        "How a swarm grows",
        "What ./inv bench --swarm measured: deploys of one service with ever more replicas, on ever more hosts, under"
        " traffic.",
        tuple(
            _tiles(
                "Rows that grow too fast", f"{over} of {len(by_hosts | by_replicas)}", over, sent, lost, swarm.rounds
            )
        ),
        (
            Section("Verdict", (*swarm_report.verdict(swarm), " ".join(swarm_report.machine(swarm)))),
            Section(
                "With more replicas",
                (_chart("A deploy with more replicas", "replicas", by_hosts), swarm_report.replicas_table(swarm)),
            ),
            Section(
                "With more hosts",
                (_chart("A deploy on more hosts", "hosts", by_replicas), swarm_report.hosts_table(swarm)),
            ),
            Section("Where the time goes", (_steps(swarm),)),
            Section("Losses", (Table(("hosts", "replicas", "sent", "lost"), rows, right) if rows else LOST_NONE,)),
        ),
        _END.format("--swarm"),
    )


def _tiles(what: str, verdict: str, over: int, sent: int, lost: int, rounds: int) -> Iterator[Tile]:
    yield Tile(what, verdict, Look.BAD if over else Look.GOOD)
    if sent:
        yield Tile("Requests sent", f"{sent:,}")
        yield Tile("Requests lost", f"{lost:,}", Look.BAD if lost else Look.GOOD)
    yield Tile("Rounds of each median", f"{rounds}")


def _charts(axis: str, own: Sequence[Curve]) -> Iterator[Part]:
    """One for each namespace of tasks: all of them in one could not be told from each other."""
    spaces: dict[str, dict[str, Curve]] = {}
    for curve in own:
        spaces.setdefault(curve.task.partition(".")[0], {})[curve.task] = curve
    for space, named in spaces.items():
        yield _chart(f"Tasks of {space}, with more {axis}", axis, named)


def _chart(title: str, axis: str, named: Mapping[str, Curve]) -> Chart:
    """Lines of time against size, both as multiples of the smallest case, beside what keeps pace with the size."""
    widest = max(named.values(), key=lambda curve: curve.shares[-1])
    sizes, shares = widest.sizes, widest.shares
    worst = max(named, key=lambda name: named[name].ratios[-1])
    top, marks = levels(max(_LEAST, *(ratio for curve in named.values() for ratio in curve.ratios)), TIMES)
    keeps, end = f"as fast as the {axis}", min(shares[-1], top)
    pace = tuple((math.log10(end) * part / _POINTS, end ** (part / _POINTS)) for part in range(_POINTS + 1))
    ticks = tuple(Tick(math.log10(share), f"{size:,}") for share, size in zip(shares, sizes, strict=True))
    rows = [(name, *(f"{ratio:.2f}{TIMES}" for ratio in curve.ratios)) for name, curve in named.items()]
    rows.append((keeps, *(f"{share:.2f}{TIMES}" for share in shares)))
    return Chart(
        title,
        f"Times are multiples of the smallest case, with {sizes[0]:,}; sizes are drawn by their logarithm."
        f" {shares[-1]:g} times the {axis} take at most {named[worst].ratios[-1]:.2f} times as long ({worst}).",
        Axis(0.0, math.log10(shares[-1]), ticks),
        top,
        marks,
        (
            *(Line(name, _points(named[name]), look) for name, look in looks(tuple(named))),
            Line(keeps, pace, Look.FAINT),
        ),
        Table((axis, *(f"{size:,}" for size in sizes)), tuple(rows), tuple(range(1, len(sizes) + 1))),
    )


def _points(curve: Curve) -> tuple[tuple[float, float], ...]:
    return tuple((math.log10(share), ratio) for share, ratio in zip(curve.shares, curve.ratios, strict=True))


def _steps(swarm: Swarm) -> Timeline:
    """The median of each step, one behind the other, of each case that is told."""
    cells = swarm_report.shown(swarm)
    times = swarm_report.long_steps(cells)
    most = sorted(times, key=lambda name: -sum(times[name]))[:_COLOURS]
    colours = dict(looks([name for name in times if name in most]))
    rows = []
    for number, cell in enumerate(cells):
        bars: list[Bar] = []
        for name, each in times.items():
            begin = bars[-1].end if bars else 0.0
            look = colours.get(name, Look.FAINT)
            bars.append(Bar(begin, begin + each[number], look, f"{name}: {took(each[number])}"))
        rows.append(Row(swarm_report.title(cell), tuple(bars), f"{cell.seconds:.1f} s"))
    legend = [(look, name) for name, look in colours.items()]
    return Timeline(
        "The steps of a deploy",
        f"Medians of {swarm.rounds}, one behind the other; the number is the whole deploy, in which Python's start and"
        f" end and the shortest steps are too. What takes longest: {', '.join(most[:3]) or 'no step does'}.",
        seconds_axis(0.0, max([cell.seconds for cell in cells] + [row.bars[-1].end for row in rows if row.bars])),
        tuple(rows),
        swarm_report.steps_table(swarm),
        tuple([*legend, (Look.FAINT, "others")] if len(times) > len(most) else legend),
    )
