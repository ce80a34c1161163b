"""The demo's report as a page. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import size, took
from behindy_ops.report.page import Bar, Look, Page, Row, Section, Table, Tile, Timeline, seconds_axis
from sandbox.demo.report import REFUSED
from sandbox.pages import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.demo.report import Measured, Stage

__all__ = ["page"]


def page(measured: Measured) -> Page:
    """Lay out what the demo saw."""
    traffic = measured.traffic
    bands = [(stage.expected.service, _band(stage, measured)) for stage in measured.stages]
    every = [band for _, band in bands]
    deployed = [stage.expected.service for stage in measured.stages]
    host = "the host" if measured.cut is None else "the first host"
    began = datetime.fromtimestamp(traffic.started, UTC)
    services = len(dict.fromkeys(deployed))
    return Page(
        "A deploy under traffic",
        f"What ./inv demo saw on {began:%Y-%m-%d} from {began:%H:%M:%S} UTC on: {services} services were replaced while"
        f" requests came in for {took(traffic.seconds)}, and a broken release was refused.",
        tuple(_tiles(measured)),
        (
            Section("What happened when", (_overview(measured, bands),)),
            Section("Each deploy, step by step", tuple(_steps(stage) for stage in measured.stages)),
            Section("Requests per release", tuple(parts.requests(traffic, bands, deployed))),
            Section("Latency", (parts.latency(traffic, every), parts.streams_table(measured.results))),
            Section("Memory", (parts.memory(measured.looks, traffic.started, traffic.seconds, every, host),)),
            Section("Losses", (parts.losses(measured.results),)),
        ),
        "Written by ./inv demo. Times are of this one run on this one machine. A slow request asks for 2 s; its latency"
        " is what came on top.",
    )


def _how(stage: Stage) -> str:
    code = stage.run.exit_code
    return "live" if code == 0 else f"{'refused' if code == REFUSED else 'failed'}, exit code {code}"


def _look(stage: Stage) -> Look:
    code = stage.run.exit_code
    return Look.GOOD if code == 0 else Look.CAREFUL if code == REFUSED else Look.BAD


def _band(stage: Stage, measured: Measured) -> Bar:
    end = stage.ended - measured.traffic.started
    return Bar(end - stage.run.seconds, end, _look(stage), f"deploy of {stage.expected.title}")


def _tiles(measured: Measured) -> Iterator[Tile]:
    traffic = measured.traffic
    refused = sum(stage.run.exit_code == REFUSED for stage in measured.stages)
    yield Tile("Requests sent", f"{measured.sent:,}")
    yield Tile("Requests lost", f"{measured.lost:,}", Look.BAD if measured.lost else Look.GOOD)
    yield Tile("Deploys", f"{len(measured.stages) - refused} live, {refused} refused")
    yield Tile("Latency, p99", parts.milliseconds(traffic.p99))
    if measured.memory:
        yield Tile("Memory at the peak", size(measured.memory.used))
    if measured.cut:
        again = measured.cut.repaired
        yield Tile("Replicas back after a host died", "never" if again is None else took(again))


def _overview(measured: Measured, bands: list[tuple[str, Bar]]) -> Timeline:
    traffic = measured.traffic
    rows = [
        Row(stage.expected.title, (band,), f"{stage.run.seconds:.1f} s")
        for stage, (_, band) in zip(measured.stages, bands, strict=True)
    ]
    lost = tuple(
        Bar(at := result.started - traffic.started + loss.at, at, Look.BAD, f"{loss.stream}: {loss.reason}")
        for result in measured.results
        for loss in result.losses
    )
    if cut := measured.cut:
        begin = cut.began - traffic.started
        away = Bar(begin, begin + (cut.repaired or traffic.seconds), Look.BAD, "until all replicas ran again")
        rows.append(
            Row(f"{cut.node} without power", (away,), "never back" if cut.repaired is None else took(cut.repaired))
        )
    rows.append(Row("requests lost", lost, f"{measured.lost}"))
    told = "; ".join(f"{stage.expected.title} {_how(stage)}" for stage in measured.stages)
    table = tuple(
        (
            stage.expected.title,
            _how(stage),
            f"{band.begin:.1f} s",
            took(stage.run.seconds),
            next((str(deploy.facts.get("remote_commands", "")) for deploy in stage.run.deploys), ""),
            stage.run.error,
        )
        for stage, (_, band) in zip(measured.stages, bands, strict=True)
    )
    told_of_cut = f" {_cut(measured)}" if measured.cut else ""
    return Timeline(
        "The deploys",
        f"In this order: {told}. {measured.lost} of {measured.sent} requests were lost.{told_of_cut}",
        seconds_axis(0.0, traffic.seconds),
        tuple(rows),
        Table(("deploy", "ended", "begins", "takes", "remote commands", "what it said"), table, right=(2, 3, 4)),
        tuple(
            (look, name)
            for look, name in ((Look.GOOD, "live"), (Look.CAREFUL, "refused"), (Look.BAD, "failed"))
            if any(_look(stage) is look for stage in measured.stages)
        ),
    )


def _cut(measured: Measured) -> str:
    cut = measured.cut
    if cut is None:
        return ""
    again = "they did not run again" if cut.repaired is None else f"all ran again {took(cut.repaired)} later"
    return (
        f"{cut.node} lost its power with {cut.held} of {cut.replicas} replicas: {measured.lost_with_host} requests were"
        f" lost with it, and {again}."
    )


def _steps(stage: Stage) -> Timeline:
    return parts.steps(stage.expected.title, stage.run, _how(stage))
