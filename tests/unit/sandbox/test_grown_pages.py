"""The pages of growth, swarm and peer, from made-up measurements: the same figures as in the Markdown."""

from __future__ import annotations

import math
import re
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.errors import Kind
from behindy_ops.report.html import render
from behindy_ops.report.page import Chart, Fold, Look, Page, Table, Timeline
from sandbox.bench import growth, growth_report, peer, peer_report, swarm, swarm_report
from sandbox.bench.growth_report import TIMES
from sandbox.host import lifecycle, releases
from sandbox.pages import files, grown
from sandbox.pages import peer as peer_page
from sandbox.pages.parts import LOST_NONE
from tests import measured
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from behindy_ops.report.page import Part


def parts_of(page: Page, title: str) -> tuple[Part | Fold, ...]:
    return next(section.parts for section in page.sections if section.title == title)


def tiles(page: Page) -> dict[str, tuple[str, Look | None]]:
    return {tile.name: (tile.value, tile.look) for tile in page.tiles}


def cells(page: Page) -> set[tuple[str, ...]]:
    """Every row of every table on a page."""
    parts = [part for section in page.sections for part in section.parts]
    tables = [part if isinstance(part, Table) else part.table for part in parts if not isinstance(part, str | Fold)]
    return {row for table in tables for row in table.rows}


@pytest.mark.parametrize(
    ("page", "markdown"),
    [
        (grown.growth_page(measured.growth(9.0)), growth_report.as_markdown(measured.growth(9.0))),
        (grown.swarm_page(measured.swarm(90.0, 2)), swarm_report.as_markdown(measured.swarm(90.0, 2))),
        (peer_page.page(measured.peer(1)), peer_report.as_markdown(measured.peer(1)).replace("`", "")),
    ],
    ids=["growth", "swarm", "peer"],
)
def test_a_page_has_every_row_of_the_markdown(page: Page, markdown: str) -> None:
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    rows = [tuple(cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")) for line in lines]
    heads = {"task", "asked for", "hosts", "replicas", "step", "measured"}
    wanted = [row for row in rows if row[0] not in heads]
    assert len(wanted) >= 7
    assert [row for row in wanted if row not in cells(page)] == []


def test_growth_is_drawn_for_each_namespace_of_tasks_beside_what_keeps_pace() -> None:
    page = grown.growth_page(measured.growth())
    titles = ["Verdict", "Lines of history", "Images", "Requests to nginx", "Losses"]
    assert [section.title for section in page.sections] == titles
    deploys, others, table, about = parts_of(page, "Images")
    assert isinstance(deploys, Chart)
    assert isinstance(others, Chart)
    assert isinstance(table, Table)
    assert [line.name for line in deploys.lines] == ["deploy", "deploy.status", "as fast as the images"]
    assert len({line.look for line in deploys.lines}) == 3
    assert others.lines[0].points == ((0.0, 1.0), (1.0, 1.2), (2.0, 1.5))
    assert [(tick.at, tick.text) for tick in others.axis.ticks] == [(0.0, "30"), (1.0, "300"), (2.0, "3,000")]
    assert others.table.rows == (
        ("ops.ps", f"1.00{TIMES}", f"1.20{TIMES}", f"1.50{TIMES}"),
        ("as fast as the images", f"1.00{TIMES}", f"10.00{TIMES}", f"100.00{TIMES}"),
    )
    assert "100 times the images take at most 1.50 times as long (ops.ps)." in others.summary
    assert about == "Medians of 3, in turns with the smallest case; as fast as what it looks at: 100 times the images."


def test_what_keeps_pace_leaves_a_chart_at_its_top() -> None:
    whole = measured.growth(900.0)
    same = replace(whole, points=tuple(replace(point, times=point.smallest) for point in whole.points))
    flat, steep = (parts_of(grown.growth_page(each), "Images")[1] for each in (same, whole))
    assert isinstance(flat, Chart)
    assert isinstance(steep, Chart)
    assert flat.top == 2.0
    assert flat.lines[-1].points[-1] == (math.log10(2), 2.0)
    assert steep.lines[-1].points[-1] == (2.0, 100.0)


def test_what_grows_too_fast_or_was_lost_stands_out() -> None:
    well = grown.growth_page(measured.growth())
    assert tiles(well)["Tasks that grow too fast"] == ("0 of 6", Look.GOOD)
    assert tiles(well)["Requests sent"] == ("20,000", None)
    assert tiles(well)["Rounds of each median"] == ("3", None)
    assert parts_of(well, "Losses") == (LOST_NONE,)
    ill = grown.growth_page(measured.growth(9.0, (("HTTP 502", 2),)))
    assert tiles(ill)["Tasks that grow too fast"] == ("2 of 6", Look.BAD)
    assert tiles(ill)["Requests lost"] == ("2", Look.BAD)
    (losses,) = parts_of(ill, "Losses")
    assert isinstance(losses, Table)
    assert losses.rows == (("1,000/s", "2", "HTTP 502"),)


def test_growth_without_nginx_has_nothing_to_say_of_requests() -> None:
    page = grown.growth_page(replace(measured.growth(), crowds=()))
    assert "Requests sent" not in tiles(page)
    assert [section.title for section in page.sections][-1] == "Images"


def test_a_swarm_is_drawn_by_hosts_and_by_replicas() -> None:
    page = grown.swarm_page(measured.swarm())
    by_hosts, _ = parts_of(page, "With more replicas")
    by_replicas, _ = parts_of(page, "With more hosts")
    assert isinstance(by_hosts, Chart)
    assert isinstance(by_replicas, Chart)
    assert [line.name for line in by_hosts.lines] == ["1 host", "3 hosts", "as fast as the replicas"]
    assert [y for _, y in by_hosts.lines[0].points] == [1.0, 2.5]
    assert [tick.text for tick in by_hosts.axis.ticks] == ["2", "10"]
    assert [line.name for line in by_replicas.lines] == ["2 replicas", "10 replicas", "as fast as the hosts"]
    assert [y for _, y in by_replicas.lines[1].points] == [1.0, 0.8]
    assert tiles(page)["Rows that grow too fast"] == ("0 of 4", Look.GOOD)
    verdict, lost, machine = parts_of(page, "Verdict")
    assert str(verdict).startswith("Nothing grows faster than the number of replicas: 5 times as many take 2.50 times")
    assert lost == "0 of 4000 requests were lost."
    assert "2 processors and a load of 6.5 on average, of which a part was other work" in str(machine)


def test_the_steps_of_a_swarms_deploy_stand_one_behind_the_other() -> None:
    (timeline,) = parts_of(grown.swarm_page(measured.swarm()), "Where the time goes")
    assert isinstance(timeline, Timeline)
    assert [(row.name, row.value) for row in timeline.rows] == [
        ("2 replicas on 1 host", "6.0 s"),
        ("10 replicas on 1 host", "15.0 s"),
        ("10 replicas on 3 hosts", "12.0 s"),
    ]
    bars = timeline.rows[1].bars
    assert [bar.begin for bar in bars[1:]] == [bar.end for bar in bars[:-1]]
    assert [(bar.begin, bar.end) for bar in bars[:2]] == [(0.0, 0.15), (0.15, pytest.approx(0.45))]
    assert bars[4].title == "internal: 0.8 s"
    assert [bar.look for bar in bars].count(Look.FAINT) == 1, "the step that takes least has no colour of its own"
    assert len({bar.look for bar in bars}) == 7
    assert timeline.legend[-1] == (Look.FAINT, "others")
    assert "What takes longest: drain, switch, internal." in timeline.summary
    assert timeline.axis.end == 15.0


def test_a_swarm_that_is_too_slow_or_loses_requests_says_where() -> None:
    page = grown.swarm_page(measured.swarm(90.0, 2))
    assert tiles(page)["Rows that grow too fast"] == ("2 of 4", Look.BAD)
    assert tiles(page)["Requests lost"] == ("2", Look.BAD)
    (losses,) = parts_of(page, "Losses")
    assert isinstance(losses, Table)
    assert losses.rows == (("3", "10", "1000", "2"),)
    assert parts_of(grown.swarm_page(measured.swarm()), "Losses") == (LOST_NONE,)


def test_deploys_of_both_tools_stand_side_by_side_in_the_order_of_their_turns() -> None:
    page = peer_page.page(measured.peer())
    (timeline,) = parts_of(page, "Deploys, 85 ms each way")
    assert isinstance(timeline, Timeline)
    assert [(row.name, row.bars[0].end) for row in timeline.rows] == [
        ("inv deploy, 1", 2.0),
        ("kamal deploy, 1", 5.0),
        ("kamal redeploy, 1", 4.5),
        ("inv deploy, 2", 2.5),
        ("kamal deploy, 2", 5.5),
        ("kamal redeploy, 2", 5.0),
    ]
    assert (
        timeline.summary
        == "Each begins at 0. Medians of 2: inv deploy 2.2 s, kamal deploy 5.2 s, kamal redeploy 4.8 s."
    )
    assert timeline.table.rows[1] == ("kamal deploy", "1", "5.00 s", "31", "500", "1", "20 ms")
    assert "Kamal 2.12.0" in page.lead


def test_what_kamal_lost_is_told_and_is_no_aim_missed() -> None:
    seen = tiles(peer_page.page(measured.peer()))
    assert seen["inv deploy, no delay"] == ("4.2 s", None)
    assert seen["Requests sent"] == ("6,000", None)
    assert seen["Requests we lost"] == ("0", Look.GOOD)
    assert seen["Requests Kamal lost"] == ("2", None)
    assert seen["Aims missed"] == ("0", Look.GOOD)
    ill = peer_page.page(measured.peer(3))
    assert tiles(ill)["Requests we lost"] == ("6", Look.BAD)
    assert tiles(ill)["Aims missed"] == ("2", Look.BAD)
    (losses,) = parts_of(ill, "Losses")
    assert isinstance(losses, Table)
    assert losses.rows[:2] == (
        ("no delay", "inv deploy", "1", "500", "3"),
        ("no delay", "kamal deploy", "1", "500", "1"),
    )


def test_what_a_hostile_answer_says_is_text() -> None:
    hostile = '<script src="https://example.invalid"></script>'
    for page in (grown.growth_page(measured.growth(lost=((hostile, 1),))), peer_page.page(measured.peer(0, hostile))):
        text = render(page)
        assert "<script" not in text
        assert "&lt;script src=" in text


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the results go; nothing is brought up, and what is measured is made up, with losses."""

    @contextmanager
    def host(*_: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(holds={"images": 30})

    def points(_: object, small: object, large: object, axis: str, size: int, rounds: int) -> list[growth_report.Point]:
        return [point for point in ill.points if (point.axis, point.size) == (axis, size)]

    def nothing(*_: object, **__: object) -> Any:
        return SimpleNamespace(version="2.12.0")

    ill = measured.growth(9.0, (("HTTP 502", 2),))
    place = SimpleNamespace(root=tmp_path, environment_file=tmp_path / ".env")
    (tmp_path / "benchmarks").mkdir()
    for module in (growth, swarm, peer, files):
        monkeypatch.setattr(module, "here", lambda: place)
    for module, name in (
        *((lifecycle, name) for name in ("up", "remove", "reset")),
        *((releases, "release"), (swarm, "copy_project"), (peer, "find"), (peer, "_remove"), (growth, "_grow")),
    ):
        monkeypatch.setattr(module, name, nothing)
    monkeypatch.setattr(growth, "_host", host)
    monkeypatch.setattr(growth, "_measured", points)
    monkeypatch.setattr(growth, "_crowds", lambda *_: list(ill.crowds))
    monkeypatch.setattr(swarm, "_measured", lambda *_: measured.swarm(90.0, 2))
    monkeypatch.setattr(peer, "_measure", lambda *_: measured.peer(3))
    return tmp_path


PLAN = growth.Plan((growth.Axis("images", (30, 300, 3000)),))


@pytest.mark.parametrize(
    ("act", "page", "results"),
    [
        (lambda: growth.run_growth(PLAN), "reports/bench-growth.html", ["growth.md", "growth.svg"]),
        (lambda: swarm.run_swarm(3), "reports/bench-swarm.html", ["swarm.md"]),
        (lambda: peer.run_peer(2), "reports/bench-peer.html", ["peer.md"]),
    ],
    ids=["growth", "swarm", "peer"],
)
def test_a_page_is_written_beside_the_results_and_named_also_when_requests_were_lost(
    act: Callable[[], object], page: str, results: list[str], checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with raises(Kind.SANDBOX, match="lost"):
        act()
    assert sorted(file.name for file in (checkout / "benchmarks").iterdir()) == results
    assert "<h1>" in (checkout / page).read_text(encoding="utf-8")
    assert re.search(rf"Written to .*; as a page to look at: {page}$", capsys.readouterr().out, re.MULTILINE)


def test_of_parts_alone_no_page_is_written(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with raises(Kind.SANDBOX, match="lost"):
        growth.run_growth(PLAN, write=False)
    assert not (checkout / "reports").exists()
    assert not list((checkout / "benchmarks").iterdir())
    assert "reports/" not in capsys.readouterr().out
