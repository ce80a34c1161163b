"""What the reports have in common: a deploy step by step, which release answered when, latency, memory, losses. Pure.

A picture's axis counts from the start of the traffic; the clock of the traffic, of the deploys and of the looks at the
memory is one and the same machine's.
"""

from __future__ import annotations

import math
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import size, took
from behindy_ops.report.page import (
    Bar,
    Chart,
    Line,
    Look,
    Row,
    Table,
    Timeline,
    levels,
    looks,
    seconds_axis,
)
from sandbox.bench.plot import series
from sandbox.traffic.model import Latency

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from behindy_ops.report.page import Part
    from sandbox.demo.deploys import Run
    from sandbox.demo.memory import Look as MemoryLook
    from sandbox.traffic.model import TrafficResult

__all__ = ["LOST_NONE", "latency", "losses", "memory", "milliseconds", "requests", "steps", "streams_table"]

LOST_NONE = "No request was lost."
_POINTS = 300
"""Of a line at most, so that a page about an hour of traffic stays small."""
_PARTS = 4
"""Of a span, the least of which is one second."""
_LOOK_SECONDS = 0.5


def milliseconds(seconds: float) -> str:
    """A latency for people."""
    return f"{seconds * 1000:.0f} ms"


def steps(title: str, run: Run, outcome: str, verb: str = "The deploy") -> Timeline:
    """One run of a deploy task, step by step, from its first step on."""
    told = [step for deploy in run.deploys for step in deploy.steps]
    begin = min((step.began for step in told if step.began), default=0.0)
    end = max((step.began + step.seconds for step in told), default=begin)
    rows = tuple(
        Row(
            step.name,
            (
                Bar(
                    step.began,
                    step.began + step.seconds,
                    Look.BAD if step.failed else Look.ONE,
                    f"{step.title}: {took(step.seconds)}",
                ),
            ),
            f"{step.seconds:.1f} s",
        )
        for step in told
    )
    longest = sorted(told, key=lambda step: -step.seconds)[:3]
    most = ", ".join(f"{step.name} ({took(step.seconds)})" for step in longest)
    failed = next((f" The step {step.name} failed." for step in told if step.failed), "")
    return Timeline(
        title,
        f"{verb} ended {outcome} after {took(run.seconds)}.{failed} What took longest: {most or 'nothing was told'}.",
        seconds_axis(begin, max(end, begin + 0.1)),
        rows,
        Table(
            ("step", "what it does", "begins", "takes", "found"),
            tuple(
                (
                    step.name,
                    step.title,
                    f"{step.began - begin:.2f} s",
                    f"{step.seconds:.2f} s",
                    step.failed or step.detail,
                )
                for step in told
            ),
            right=(2, 3),
        ),
    )


def requests(traffic: TrafficResult, bands: Sequence[tuple[str, Bar]], first: Sequence[str] = ()) -> Iterator[Chart]:
    """One chart for each service: how often each of its releases answered.

    Args:
        traffic: what was sent, and who answered.
        bands: services, and when one of their deploys ran (seconds since the start of the traffic).
        first: services to put first.
    """
    rows = series(traffic.answers, first)
    for service in dict.fromkeys(service for service, _ in rows):
        releases = [release for name, release in rows if name == service]
        lines = tuple(
            Line(release, _rate(rows[service, release], traffic.seconds), look, filled=True)
            for release, look in looks(releases)
        )
        top, marks = levels(max(y for line in lines for _, y in line.points), "/s")
        seen = [each for each in traffic.seen if each.service == service]
        table = tuple(
            (
                each.release,
                f"{each.first - traffic.started:.2f} s",
                f"{each.last - traffic.started:.2f} s",
                f"{each.count}",
            )
            for each in seen
        )
        told = ", then ".join(f"{each.release} {_until(each.last - traffic.started, traffic.seconds)}" for each in seen)
        yield Chart(
            f"Which release of {service} answered",
            f"Answers a second, each release by itself: {told}.",
            seconds_axis(0.0, traffic.seconds),
            top,
            marks,
            lines,
            Table(("release", "first answer", "last answer", "answers"), table, right=(1, 2, 3)),
            tuple(band for name, band in bands if name == service),
        )


def _until(last: float, seconds: float) -> str:
    return "to the end" if last >= seconds - 1 else f"until {last:.1f} s"


def _span(seconds: float) -> float:
    """Of how many seconds a point of a line is: of one, or of more where there would be too many points."""
    return float(max(1, math.ceil(seconds / _POINTS)))


def _rate(points: Sequence[tuple[float, int]], seconds: float) -> tuple[tuple[float, float], ...]:
    """Answers a second over time, from right before the first answer to right after the last.

    A step of a line is a quarter of its span, so that a switch is seen where it was.
    """
    span = _span(seconds)
    step = span / _PARTS
    counts: Counter[int] = Counter()
    for at, count in points:
        counts[int(at / step + 1e-6)] += count
    last = int(seconds / step)
    begin, end = max(0, min(counts) - 1), min(last, max(counts) + 2)
    rates = [(place * step, sum(counts[place - back] for back in range(_PARTS)) / span) for place in range(begin, end)]
    # A release that answers from the start on has no edge there: the first span is as the one after it.
    return tuple([(0.0, rates[_PARTS][1]), *rates[_PARTS:]] if begin == 0 and len(rates) > _PARTS else rates)


def _spans(traffic: TrafficResult) -> list[Latency]:
    """The latencies over time, of so many spans as can be drawn: of several seconds the worst, and the usual median."""
    span = _span(traffic.seconds)
    kept: dict[int, list[Latency]] = {}
    for each in traffic.latencies:
        kept.setdefault(int(each.at / span), []).append(each)
    return [
        Latency(
            number * span,
            sum(each.count for each in same),
            median(each.p50 for each in same),
            max(each.p99 for each in same),
            max(each.longest for each in same),
        )
        for number, same in kept.items()
    ]


def latency(traffic: TrafficResult, bands: Sequence[Bar]) -> Chart:
    """The median and the slowest hundredth of all requests, over time."""
    points, span = _spans(traffic), _span(traffic.seconds)
    each_span = "each second" if span == 1 else f"each {span:g} s"
    half = [(each.at, each.p50 * 1000) for each in points]
    slow = [(each.at, each.p99 * 1000) for each in points]
    top, marks = levels(max((y for _, y in slow), default=1.0), " ms")
    worst = max(points, key=lambda each: each.p99, default=None)
    told = "" if worst is None else f" The slowest began at {worst.at:g} s: p99 {milliseconds(worst.p99)}."
    return Chart(
        "Latency of all requests",
        f"Over the whole run: median {milliseconds(traffic.p50)}, p99 {milliseconds(traffic.p99)}, longest"
        f" {milliseconds(traffic.longest)}.{told}",
        seconds_axis(0.0, traffic.seconds),
        top,
        marks,
        (Line(f"p99 of {each_span}", tuple(slow), Look.TWO), Line(f"median of {each_span}", tuple(half), Look.ONE)),
        Table(
            ("from", "answers", "median", "p99", "longest"),
            tuple(
                (
                    f"{each.at:g} s",
                    f"{each.count}",
                    milliseconds(each.p50),
                    milliseconds(each.p99),
                    milliseconds(each.longest),
                )
                for each in points
            ),
            right=(0, 1, 2, 3, 4),
        ),
        tuple(bands),
    )


def streams_table(results: Sequence[TrafficResult]) -> Table:
    """What became of each stream; of one that was opened several times, together."""
    rows = []
    figures = [each for result in results for each in result.streams]
    for name in dict.fromkeys(each.name for each in figures):
        same = [each for each in figures if each.name == name]
        slowest = max(same, key=lambda each: each.p99)
        times = (milliseconds(seconds) for seconds in (slowest.p50, slowest.p99, slowest.longest))
        counts = (f"{sum(each.sent for each in same)}", f"{sum(each.lost for each in same)}")
        rows.append((name, *counts, *times))
    return Table(("requests", "sent", "lost", "median", "p99", "longest"), tuple(rows), right=(1, 2, 3, 4, 5))


def memory(looks_at: Sequence[MemoryLook], started: float, seconds: float, bands: Sequence[Bar], whose: str) -> Part:
    """The memory in use while the traffic ran."""
    seen = _highest([look for look in looks_at if -_LOOK_SECONDS <= look.at - started <= seconds + _LOOK_SECONDS])
    if not seen:
        return "The memory could not be read."
    peak = max(seen, key=lambda look: look.memory.used)
    total, swap = peak.memory.total, max(look.memory.swap_used for look in seen)
    top, marks = levels(max(look.memory.used for look in seen) * 1.15, " MB", 1 / 2**20)
    swapped = f"; at most {size(swap)} of swap" if peak.memory.swap_total else ""
    return Chart(
        f"Memory of {whose}",
        f"At the peak {size(peak.memory.used)} of {size(total)} were in use, {peak.at - started:.1f} s after the start"
        f"{swapped}. The page cache does not count.",
        seconds_axis(0.0, seconds),
        top,
        marks,
        (
            Line(
                "in use",
                tuple((look.at - started, float(look.memory.used)) for look in seen),
                Look.FOUR,
                filled=True,
            ),
        ),
        Table(
            ("at", "in use", "swap"),
            tuple((f"{look.at - started:.1f} s", size(look.memory.used), size(look.memory.swap_used)) for look in seen),
            right=(0, 1, 2),
        ),
        tuple(bands),
    )


def _highest(looks_at: Sequence[MemoryLook]) -> list[MemoryLook]:
    """Of each few looks the highest, so that no more are left than can be drawn."""
    few = math.ceil(len(looks_at) / _POINTS) or 1
    return [max(looks_at[at : at + few], key=lambda look: look.memory.used) for at in range(0, len(looks_at), few)]


def losses(results: Sequence[TrafficResult]) -> Part:
    """What was lost, one row each, or that nothing was; the first twenty of each run of traffic are known."""
    rows = [
        (f"{result.started - results[0].started + loss.at:.2f} s", loss.stream, loss.reason)
        for result in results
        for loss in result.losses
    ]
    return Table(("at", "request", "how it was lost"), tuple(rows), right=(0,)) if rows else LOST_NONE
