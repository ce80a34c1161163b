"""The figures of a benchmark beside their aims. Pure: measurements in, lines out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.bench.listing import Listing
    from sandbox.demo.deploys import Run
    from sandbox.demo.memory import Look
    from sandbox.traffic.model import TrafficResult

__all__ = [
    "RESULTS",
    "Bench",
    "Losses",
    "Plain",
    "Row",
    "Sample",
    "Series",
    "Watched",
    "as_markdown",
    "losses_as_markdown",
    "render",
    "render_losses",
    "rows",
    "with_figures",
    "with_losses",
]

RESULTS = Path("benchmarks", "results.md")
PLAIN_WAIT = 2.0
"""Seconds that the plain script waits for nginx, after which its names lead to the new release."""

_LOSSES = "## Losses by kind of request"


@dataclass(frozen=True)
class Sample:
    """One deploy, times in seconds.

    ``command`` is the whole command from its start to its exit, ``deploy`` what it says itself, ``late`` how long after
    the new release listened (its image pulled, its application booted) the first user's request was answered by it.
    """

    command: float
    deploy: float
    late: float
    remote_commands: int
    steps: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Plain:
    """One deploy by a plain script: the seconds it took, and the requests that were sent and lost meanwhile."""

    seconds: float
    sent: int
    lost: int


@dataclass(frozen=True)
class Watched:
    """One deploy as its page shows it: the task, when it ended (seconds since the epoch), the traffic meanwhile."""

    run: Run
    ended: float
    traffic: TrafficResult


@dataclass(frozen=True)
class Series:
    """Some deploys over one link, and what the traffic meanwhile noticed; latencies in seconds.

    ``plain`` are those of a plain script, one after each; ``watched`` are the deploys for the page, in the same order.
    """

    samples: tuple[Sample, ...]
    sent: int
    lost: int
    p50: float
    p99: float
    plain: tuple[Plain, ...]
    watched: tuple[Watched, ...] = ()


@dataclass(frozen=True)
class Bench:
    near: Series
    far: Series
    listing: Listing
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True)
class Row:
    """One figure: how it reads, its aim, and whether it is met; None where there is no aim."""

    title: str
    figure: str
    aim: str
    met: bool | None


@dataclass(frozen=True)
class Losses:
    """What was lost in a row of deploys: for each kind of request how many were sent, and how many of those lost."""

    deploys: int
    seconds: float
    kinds: tuple[tuple[str, int, int], ...]


def rows(bench: Bench) -> list[Row]:
    """All figures, near, then far, then the task list."""
    listing = bench.listing
    return [
        *_series_rows("no delay", bench.near, whole=5.0),
        *_series_rows("85 ms each way", bench.far, whole=7.0),
        Row(
            "`inv --list` against a bare one",
            f"{listing.ratio:.2f} ({listing.ours * 1000:.0f} of {listing.bare * 1000:.0f} ms)",
            "at most 1.3",
            listing.ratio <= 1.3,
        ),
    ]


def _series_rows(link: str, series: Series, *, whole: float) -> list[Row]:
    command = median(sample.command for sample in series.samples)
    late = median(sample.late for sample in series.samples)
    most = max(sample.remote_commands for sample in series.samples)
    count = len(series.samples)
    plain = median(sample.seconds for sample in series.plain)
    lost, sent = (sum(getattr(sample, what) for sample in series.plain) for what in ("lost", "sent"))
    return [
        Row(f"{link}: whole deploy, median of {count}", f"{command:.1f} s", f"at most {whole:g} s", command <= whole),
        Row(
            f"{link}: first answer to a user after it could",
            f"{late:.1f} s",
            "at most 1.5 s",
            late <= 1.5,
        ),
        Row(f"{link}: remote commands", str(most), "at most 11", most <= 11),
        Row(
            f"{link}: beside a plain script",
            f"{command / plain:.2f} ({command:.1f} of {plain:.1f} s)",
            "at most 1.3",
            command / plain <= 1.3,
        ),
        Row(f"{link}: lost by that script", f"{lost} of {sent}", "", None),
        Row(f"{link}: requests lost at 100/s", f"{series.lost} of {series.sent}", "0", series.lost == 0),
        Row(f"{link}: latency, median and p99", f"{series.p50 * 1000:.0f} and {series.p99 * 1000:.0f} ms", "", None),
    ]


def render(bench: Bench) -> list[str]:
    """A table for a terminal, and where the time of a deploy goes."""
    found = rows(bench)
    title, figure = (max(len(getattr(row, name)) for row in found) for name in ("title", "figure"))
    table = [f"{row.title:<{title}}  {row.figure:>{figure}}  {row.aim:<13} {_verdict(row)}".rstrip() for row in found]
    told = [f"Steps, {name}: {_steps(series)}" for name, series in _links(bench)]
    return [*table, "", *told, *(f"Floor, {name}: {_floor(series)}" for name, series in _links(bench))]


def as_markdown(bench: Bench) -> str:
    """The same for ``benchmarks/results.md``."""
    lines = [
        "# Results of one run",
        "",
        "Written by `./inv bench`; see [README.md](README.md) for what is measured and how.",
        "",
        "| measured | figure | aim | |",
        "|---|---|---|---|",
        *(f"| {row.title} | {row.figure} | {row.aim} | {_verdict(row)} |" for row in rows(bench)),
        "",
        *(
            f"Steps ({name}), median seconds; some run at the same time: {_steps(series)}\n"
            for name, series in _links(bench)
        ),
        *(f"The floor ({name}): {_floor(series)}.\n" for name, series in _links(bench)),
    ]
    return "\n".join(lines).rstrip() + "\n"


_SHOWN = 0.005
"""Seconds from which a step is named; one that goes with another's command takes none."""


def _floor(series: Series) -> str:
    """What any tool needs for this, and what is left above it; the plain script is what that is measured with."""
    times = _medians(series)
    least = median(sample.seconds for sample in series.plain) - PLAIN_WAIT
    whole = median(sample.command for sample in series.samples)
    above = {
        "looking at the host under its lock": times.get("survey", 0.0),
        "rehearsing, and proving it from outside once nginx asks it": times.get("rehearsal", 0.0)
        + times.get("external", 0.0)
        + times.get("outside", 0.0),
        "recording, tidying and handing the previous one over": sum(
            times.get(name, 0.0) for name in ("verify", "tidy", "drain")
        ),
    }
    rest = whole - least - sum(above.values())
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in above.items() if seconds >= _SHOWN)
    return (
        f"{least:.1f} s, what the plain script takes without the {PLAIN_WAIT:g} s it waits for nginx: it pulls, "
        f"creates, boots (1 s) and renames, and proves nothing. Above it {whole - least:.1f} s: {parts}; "
        f"{rest:.2f} for Python's start, Compose instead of `docker run`, static files, and round trips"
    )


def _links(bench: Bench) -> list[tuple[str, Series]]:
    return [("no delay", bench.near), ("85 ms each way", bench.far)]


def _verdict(row: Row) -> str:
    return {True: "met", False: "MISSED", None: ""}[row.met]


def _medians(series: Series) -> dict[str, float]:
    times: dict[str, list[float]] = {}
    for sample in series.samples:
        for name, seconds in sample.steps:
            times.setdefault(name, []).append(seconds)
    return {name: median(seconds) for name, seconds in times.items()}


def _steps(series: Series) -> str:
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in _medians(series).items())


def render_losses(losses: Losses) -> list[str]:
    """A table for a terminal."""
    lines = [f"{kind:<15} {lost:>7} of {sent}" for kind, sent, lost in losses.kinds]
    return [_summary(losses), *lines]


def losses_as_markdown(losses: Losses) -> str:
    """The same for ``benchmarks/results.md``."""
    table = [f"| {kind} | {sent} | {lost} |" for kind, sent, lost in losses.kinds]
    return "\n".join([_LOSSES, "", _summary(losses), "", "| kind | sent | lost |", "|---|---|---|", *table]) + "\n"


def with_losses(text: str, part: str) -> str:
    """Return the results with this part in the place of an earlier one; the other figures stay."""
    return f"{text.partition(_LOSSES)[0].rstrip()}\n\n{part}"


def with_figures(text: str, figures: str) -> str:
    """Return the results with these figures; an earlier part about losses stays."""
    _, heading, kept = text.partition(_LOSSES)
    return f"{figures}\n{heading}{kept}" if heading else figures


def _summary(losses: Losses) -> str:
    sent, lost = sum(kind[1] for kind in losses.kinds), sum(kind[2] for kind in losses.kinds)
    return f"{losses.deploys} deploys in {losses.seconds / 60:.0f} minutes: {lost} of {sent} requests lost."
