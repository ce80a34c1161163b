"""The pages of the demo and the benchmark, from made-up measurements."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from behindy_ops.report.html import render
from behindy_ops.report.page import Chart, Fold, Look, Table, Timeline
from sandbox.bench.report import Losses
from sandbox.demo.deploys import Run
from sandbox.demo.memory import Look as MemoryLook
from sandbox.demo.memory import Memory
from sandbox.demo.report import Expected, PowerCut, Stage
from sandbox.pages import bench, demo, files, parts
from sandbox.traffic.model import Loss
from tests.kinds import raises
from tests.measured import LOOKS, MB, MEASURED, START, benchmark, run, traffic

if TYPE_CHECKING:
    from pathlib import Path

    from behindy_ops.report.page import Page


def parts_of(page: Page, title: str) -> tuple[object, ...]:
    return next(section.parts for section in page.sections if section.title == title)


def test_the_demo_tells_its_deploys_on_the_clock_of_the_traffic() -> None:
    (timeline,) = parts_of(demo.page(MEASURED), "What happened when")
    assert isinstance(timeline, Timeline)
    found = [(row.name, [(bar.begin, bar.end, bar.look) for bar in row.bars], row.value) for row in timeline.rows]
    assert found == [
        ("frontend v2", [(10.0, 14.0, Look.GOOD)], "4.0 s"),
        ("frontend v3", [(20.0, 24.0, Look.CAREFUL)], "4.0 s"),
        ("requests lost", [], "0"),
    ]
    assert (
        timeline.summary
        == "In this order: frontend v2 live; frontend v3 refused, exit code 50. 0 of 1250 requests were lost."
    )
    assert timeline.table.rows[1] == (
        "frontend v3",
        "refused, exit code 50",
        "20.0 s",
        "4.0 s",
        "7",
        "It answers HTTP 500.",
    )


def test_the_demo_has_a_section_for_everything_it_measured() -> None:
    page = demo.page(MEASURED)
    assert [section.title for section in page.sections] == [
        "What happened when",
        "Each deploy, step by step",
        "Requests per release",
        "Latency",
        "Memory",
        "Losses",
    ]
    assert parts_of(page, "Losses") == (parts.LOST_NONE,)
    tiles = {tile.name: (tile.value, tile.look) for tile in page.tiles}
    assert tiles["Requests lost"] == ("0", Look.GOOD)
    assert tiles["Deploys"] == ("1 live, 1 refused", None)
    assert tiles["Memory at the peak"] == ("379 MB", None)


def test_a_lost_request_is_on_the_timeline_and_in_the_table() -> None:
    loss = Loss(12.3, "frontend kept-alive", "HTTP 502")
    page = demo.page(replace(MEASURED, traffic=traffic(lost=(loss,))))
    (timeline,) = parts_of(page, "What happened when")
    assert isinstance(timeline, Timeline)
    assert [(bar.begin, bar.look) for bar in timeline.rows[-1].bars] == [(12.3, Look.BAD)]
    (table,) = parts_of(page, "Losses")
    assert isinstance(table, Table)
    assert table.rows == (("12.30 s", "frontend kept-alive", "HTTP 502"),)
    assert {tile.name: tile.look for tile in page.tiles}["Requests lost"] is Look.BAD


def test_a_host_that_lost_its_power_is_told_of() -> None:
    cut = PowerCut(
        "node-2",
        held=3,
        replicas=6,
        lost_before=0,
        allowed=57,
        last_lost=6.9,
        missed=3.1,
        repaired=7.25,
        began=START + 16,
    )
    page = demo.page(replace(MEASURED, cut=cut))
    assert {tile.name: tile.value for tile in page.tiles}["Replicas back after a host died"] == "7.2 s"
    (timeline,) = parts_of(page, "What happened when")
    assert isinstance(timeline, Timeline)
    assert "node-2 lost its power with 3 of 6 replicas: 0 requests were lost with it" in timeline.summary
    assert [(bar.begin, bar.end) for bar in timeline.rows[2].bars] == [(16.0, 23.25)]
    assert (timeline.rows[2].name, timeline.rows[2].value) == ("node-2 without power", "7.2 s")
    never = demo.page(replace(MEASURED, cut=replace(cut, repaired=None)))
    assert {tile.name: tile.value for tile in never.tiles}["Replicas back after a host died"] == "never"


def test_steps_are_drawn_from_the_first_one_on_and_a_failed_one_stands_out() -> None:
    timeline = parts.steps("frontend v3", run(START + 20, 50), "refused, exit code 50")
    assert [(bar.begin - START, bar.end - START, bar.look) for row in timeline.rows for bar in row.bars] == [
        (20.0, 22.0, Look.ONE),
        (22.0, 23.0, Look.BAD),
    ]
    assert timeline.axis.begin == START + 20
    assert "The step switch failed." in timeline.summary
    assert timeline.table.rows[1] == ("switch", "Switch", "2.00 s", "1.00 s", "HTTP 500")


def test_a_task_that_told_nothing_is_a_picture_without_rows() -> None:
    timeline = parts.steps("frontend v2", Run((), 1, 0.5, "no settings"), "failed, exit code 1")
    assert timeline.rows == ()
    assert "nothing was told" in timeline.summary


def test_each_release_answers_as_often_as_it_did() -> None:
    (chart,) = parts.requests(traffic(), [])
    old, new = chart.lines
    assert [line.name for line in chart.lines] == ["v1", "v2"]
    assert dict(old.points)[0.0] == dict(old.points)[8.0] == 40.0
    assert max(at for at, _ in old.points) < 14
    assert dict(new.points)[20.0] == 40.0
    assert min(at for at, _ in new.points) == 11.75
    assert chart.top == 40.0
    assert chart.summary == "Answers a second, each release by itself: v1 until 12.0 s, then v2 to the end."
    assert chart.table.rows[0] == ("v1", "0.00 s", "12.00 s", "480")


def test_long_traffic_is_drawn_with_no_more_points_than_can_be_seen() -> None:
    hour = traffic(3600.0, 1800.0)
    (chart,) = parts.requests(hour, [])
    assert max(len(line.points) for line in chart.lines) <= 1200
    assert dict(chart.lines[0].points)[900.0] == 40.0
    latency = parts.latency(hour, [])
    assert [len(line.points) for line in latency.lines] == [300, 300]
    assert [line.name for line in latency.lines] == ["p99 of each 12 s", "median of each 12 s"]
    assert dict(latency.lines[0].points)[0.0] == 100.0, "the worst second is not lost"
    many = [MemoryLook(START + at / 2, Memory((500 if at == 77 else 300) * MB, 2048 * MB)) for at in range(7200)]
    memory = parts.memory(many, START, 3600, [], "the host")
    assert isinstance(memory, Chart)
    assert len(memory.lines[0].points) == 300
    assert max(y for _, y in memory.lines[0].points) == 500 * MB


def test_the_memory_is_that_of_the_time_of_the_traffic() -> None:
    chart = parts.memory(LOOKS, START, 30.0, [], "the host")
    assert isinstance(chart, Chart)
    times = [x for x, _ in chart.lines[0].points]
    assert (min(times), max(times)) == (-0.5, 30.5)
    assert chart.summary.startswith("At the peak 371 MB of 2048 MB were in use, 30.5 s after the start; at most 1.0 MB")
    assert parts.memory((), START, 30.0, [], "the host") == "The memory could not be read."


def test_the_benchmark_tells_its_aims_and_each_deploy() -> None:
    page = bench.page(benchmark(lost=2))
    assert [section.title for section in page.sections] == [
        "Aims",
        "Deploys, no delay",
        "Deploys, 85 ms each way",
        "Losses",
    ]
    tiles = {tile.name: tile.value for tile in page.tiles}
    assert tiles["Deploy, no delay"] == "4.1 s"
    assert tiles["Requests lost"] == "2"
    assert tiles["Aims missed"] == "4"
    (aims,) = parts_of(page, "Aims")
    assert isinstance(aims, Table)
    assert ("85 ms each way: requests lost at 100/s", "2 of 2400", "0", "MISSED") in aims.rows
    overview, first, second = parts_of(page, "Deploys, no delay")
    assert isinstance(overview, Timeline)
    assert [(bar.begin, bar.end) for bar in overview.rows[0].bars] == [(0.0, 2.0), (2.0, 4.0)]
    assert isinstance(first, Fold)
    assert isinstance(second, Fold)
    assert (first.is_open, second.is_open) == (True, False)
    assert [type(part).__name__ for part in first.parts] == ["Timeline", "Chart", "Chart", "Chart"]


def test_many_deploys_are_told_by_service() -> None:
    deploys = [(f"{service} a", START + 5.0 * number, run(START)) for number, service in enumerate("xyx", 1)]
    losses = Losses(3, 30.0, (("page", 900, 0), ("post", 300, 0)))
    page = bench.losses_page(losses, deploys, traffic(), LOOKS)
    (timeline,) = parts_of(page, "What happened when")
    assert isinstance(timeline, Timeline)
    assert [(row.name, [bar.begin for bar in row.bars]) for row in timeline.rows] == [
        ("x", [1.0, 11.0]),
        ("y", [6.0]),
        ("requests lost", []),
    ]
    assert len(parts_of(page, "Each deploy, step by step")) == 3
    table, said = parts_of(page, "Losses")
    assert isinstance(table, Table)
    assert table.rows == (("page", "900", "0"), ("post", "300", "0"))
    assert said == parts.LOST_NONE


def test_what_a_hostile_task_says_is_text() -> None:
    hostile = '<script src="https://example.invalid"></script>'
    stage = Stage(Expected(hostile, hostile, 0, hostile), replace(run(START, 1), error=hostile), START + 4)
    text = render(demo.page(replace(MEASURED, stages=(stage,), traffic=traffic(lost=(Loss(1.0, hostile, hostile),)))))
    assert "<script" not in text
    assert "&lt;script src=" in text


def test_a_report_is_written_below_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        root = tmp_path

    monkeypatch.setattr(files, "here", Here)
    assert str(files.written(demo.page(MEASURED), files.DEMO)) == "reports/demo.html"
    assert "A deploy under traffic" in (tmp_path / "reports/demo.html").read_text(encoding="utf-8")
    (tmp_path / "reports/bench.html").write_text("mine")
    with raises(Kind.USAGE, match="no report of this tool"):
        files.written(demo.page(MEASURED), files.BENCH)
