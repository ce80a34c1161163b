"""The reports of `inv bench` and `inv bench --deploys` as pages. Pure."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import size, took
from behindy_ops.report.page import Bar, Fold, Look, Page, Row, Section, Table, Tile, Timeline, seconds_axis
from sandbox.bench.report import rows
from sandbox.pages import parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.bench.report import Bench, Losses, Series, Watched
    from sandbox.demo.deploys import Run
    from sandbox.demo.memory import Look as MemoryLook
    from sandbox.traffic.model import TrafficResult

__all__ = ["losses_page", "page"]

_SERVICE = "frontend"
_END = "Written by ./inv bench. Times are of this one run on this one machine."


def page(bench: Bench) -> Page:
    """Lay out what `inv bench` measured: the aims, and each deploy over each link."""
    figures = rows(bench)
    missed = [row.title for row in figures if row.met is False]
    links = (("no delay", bench.near), ("85 ms each way", bench.far))
    sent, lost = (sum(getattr(series, what) for _, series in links) for what in ("sent", "lost"))
    near, far = (took(_middle(series)) for _, series in links)
    verdict = {True: "met", False: "MISSED", None: ""}
    table = tuple((row.title.replace("`", ""), row.figure, row.aim, verdict[row.met]) for row in figures)
    return Page(
        "How long a deploy takes",
        f"What ./inv bench measured: {len(bench.near.samples)} deploys of {_SERVICE} without delay, and as many over a"
        " long link, each under 100 requests a second.",
        (
            Tile("Deploy, no delay", near),
            Tile("Deploy, 85 ms each way", far),
            Tile("Requests sent", f"{sent:,}"),
            Tile("Requests lost", f"{lost:,}", Look.BAD if lost else Look.GOOD),
            Tile("Aims missed", f"{len(missed)}", Look.BAD if missed else Look.GOOD),
        ),
        (
            Section("Aims", (Table(("measured", "figure", "aim", ""), table),)),
            *(
                Section(f"Deploys, {link}", (_series(link, series), *_each(series, bench.looks)))
                for link, series in links
                if series.watched
            ),
            Section("Losses", (parts.losses([each.traffic for _, series in links for each in series.watched]),)),
        ),
        _END,
    )


def _middle(series: Series) -> float:
    return median(sample.command for sample in series.samples)


def _series(link: str, series: Series) -> Timeline:
    """All deploys over one link, each from its own start: how long the old release answered, then the new one."""
    spans = [_spans(each) for each in series.watched]
    table = tuple(
        (name, *(f"{seconds:.2f} s" for seconds in (first, each.run.seconds)))
        for each, (name, first) in zip(series.watched, spans, strict=True)
    )
    return Timeline(
        f"All deploys, {link}",
        f"The median took {took(_middle(series))}. Each begins at 0; its new release answers users from the second"
        " colour on.",
        seconds_axis(0.0, max(each.run.seconds for each in series.watched)),
        tuple(
            Row(
                name,
                (
                    Bar(0.0, first, Look.ONE, f"until {took(first)} the previous release answered"),
                    Bar(first, each.run.seconds, Look.GOOD, f"{name} answered, until the task ended"),
                ),
                f"{each.run.seconds:.1f} s",
            )
            for each, (name, first) in zip(series.watched, spans, strict=True)
        ),
        Table(("deploy", "new release answers", "task ends"), table, right=(1, 2)),
        ((Look.ONE, "the previous release answers"), (Look.GOOD, "the new one does")),
    )


def _spans(each: Watched) -> tuple[str, float]:
    """The tag, and after how many seconds of the task its release first answered."""
    tag = str(each.run.deploys[0].tag)
    first, begin = each.traffic.first_answer(_SERVICE, tag), each.ended - each.run.seconds
    return tag, min(each.run.seconds, max(0.0, (first or each.ended) - begin))


def _each(series: Series, looks: Sequence[MemoryLook]) -> Iterator[Fold]:
    for number, each in enumerate(series.watched):
        tag, traffic = each.run.deploys[0].tag, each.traffic
        end = each.ended - traffic.started
        band = Bar(end - each.run.seconds, end, Look.GOOD, f"deploy of {tag}")
        yield Fold(
            f"{tag}: {took(each.run.seconds)}, {traffic.lost} of {traffic.sent} requests lost",
            (
                parts.steps(f"{tag}, step by step", each.run, "live"),
                *parts.requests(traffic, [(_SERVICE, band)]),
                parts.latency(traffic, [band]),
                parts.memory(looks, traffic.started, traffic.seconds, [band], "the host"),
            ),
            is_open=number == 0,
        )


def losses_page(
    losses: Losses, deploys: Sequence[tuple[str, float, Run]], traffic: TrafficResult, looks: Sequence[MemoryLook]
) -> Page:
    """Lay out what `inv bench --deploys` saw.

    Args:
        losses: what was lost of each kind of request.
        deploys: service and tag, when it ended (seconds since the epoch), and the task.
        traffic: what was sent meanwhile.
        looks: at the host's memory.
    """
    bands = []
    for title, ended, run in deploys:
        end = ended - traffic.started
        bands.append((title.partition(" ")[0], Bar(end - run.seconds, end, Look.GOOD, f"deploy of {title}")))
    every = [band for _, band in bands]
    kinds = tuple((kind, f"{sent}", f"{lost}") for kind, sent, lost in losses.kinds)
    peak = max((look.memory.used for look in looks), default=0)
    return Page(
        "Many deploys under every kind of request",
        f"What ./inv bench --deploys {losses.deploys} saw in {took(traffic.seconds)}.",
        (
            Tile("Deploys", f"{losses.deploys}"),
            Tile("Requests sent", f"{traffic.sent:,}"),
            Tile("Requests lost", f"{traffic.lost:,}", Look.BAD if traffic.lost else Look.GOOD),
            Tile("Latency, p99", parts.milliseconds(traffic.p99)),
            *((Tile("Memory at the peak", size(peak)),) if peak else ()),
        ),
        (
            Section("What happened when", (_deploys(deploys, bands, traffic),)),
            Section(
                "Each deploy, step by step",
                tuple(
                    Fold(f"{title}: {took(run.seconds)}", (parts.steps(title, run, "live"),))
                    for title, _, run in deploys
                ),
            ),
            Section("Requests per release", tuple(parts.requests(traffic, bands))),
            Section("Latency", (parts.latency(traffic, every), parts.streams_table([traffic]))),
            Section("Memory", (parts.memory(looks, traffic.started, traffic.seconds, every, "the host"),)),
            Section("Losses", (Table(("kind", "sent", "lost"), kinds, right=(1, 2)), parts.losses([traffic]))),
        ),
        _END,
    )


def _deploys(
    deploys: Sequence[tuple[str, float, Run]], bands: Sequence[tuple[str, Bar]], traffic: TrafficResult
) -> Timeline:
    rows = [
        Row(service, tuple(band for name, band in bands if name == service))
        for service in dict.fromkeys(name for name, _ in bands)
    ]
    lost = tuple(Bar(loss.at, loss.at, Look.BAD, f"{loss.stream}: {loss.reason}") for loss in traffic.losses)
    rows.append(Row("requests lost", lost, f"{traffic.lost}"))
    table = tuple(
        (title, f"{band.begin:.1f} s", took(run.seconds))
        for (title, _, run), (_, band) in zip(deploys, bands, strict=True)
    )
    return Timeline(
        "The deploys",
        f"{len(deploys)} deploys, one service after the other. {traffic.lost} of {traffic.sent} requests were lost.",
        seconds_axis(0.0, traffic.seconds),
        tuple(rows),
        Table(("deploy", "begins", "takes"), table, right=(1, 2)),
    )
