"""The benchmark's figures: from measurements to a table with aims."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from sandbox.bench.bench import known_hosts_for, listening_since
from sandbox.bench.listing import Listing, measure_list
from sandbox.bench.losses import by_kind
from sandbox.bench.report import (
    Bench,
    Losses,
    Plain,
    Sample,
    Series,
    as_markdown,
    losses_as_markdown,
    render,
    render_losses,
    rows,
    with_figures,
    with_losses,
)
from sandbox.traffic.model import Stream, StreamKind
from sandbox.traffic.record import Recorder
from tests.kinds import raises

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.serial


def _series(command: float = 4.0, *, late: float = 1.0, commands: int = 11, lost: int = 0) -> Series:
    samples = tuple(
        Sample(command + spread, command - 0.5, late + spread, commands, (("pull", 0.5 + spread), ("switch", 0.1)))
        for spread in (-0.2, 0.0, 0.3)
    )
    plain = tuple(Plain(seconds * command, sent=400, lost=1) for seconds in (0.7, 0.8, 1.4))
    return Series(samples, sent=5000, lost=lost, p50=0.002, p99=0.015, plain=plain)


def _bench(near: Series | None = None, *, ours: float = 0.12) -> Bench:
    return Bench(near or _series(), _series(6.5), Listing(ours=ours, bare=0.1))


def test_all_aims_are_met_by_good_figures() -> None:
    assert {row.met for row in rows(_bench())} == {True, None}


@pytest.mark.parametrize(
    ("bench", "missed"),
    [
        (_bench(_series(5.1)), "no delay: whole deploy"),
        (_bench(_series(late=1.6)), "no delay: first answer"),
        (_bench(_series(commands=13)), "no delay: remote commands"),
        (_bench(_series(lost=1)), "no delay: requests lost"),
        (_bench(ours=0.14), "`inv --list`"),
    ],
)
def test_a_missed_aim_is_marked(bench: Bench, missed: str) -> None:
    (row,) = [row for row in rows(bench) if row.met is False]
    assert row.title.startswith(missed)
    assert [line for line in render(bench) if "MISSED" in line] == [
        line for line in render(bench) if line.startswith(missed)
    ]


def test_a_deploy_is_compared_with_a_plain_script_by_medians() -> None:
    near = {row.title: row for row in rows(_bench()) if row.title.startswith("no delay")}
    assert near["no delay: beside a plain script"].figure == "1.25 (4.0 of 3.2 s)"
    assert near["no delay: lost by that script"].figure == "3 of 1200"
    slow = replace(_series(), plain=(Plain(3.0, 400, 0),))
    assert [row.title for row in rows(_bench(slow)) if row.met is False] == ["no delay: beside a plain script"]


def test_the_long_link_has_its_own_aim() -> None:
    far = [row for row in rows(_bench()) if row.title.startswith("85 ms each way: whole")]
    assert [(row.figure, row.aim, row.met) for row in far] == [("6.5 s", "at most 7 s", True)]


def test_the_markdown_table_has_every_row_and_the_steps() -> None:
    text = as_markdown(_bench())
    assert text.count("| met |") == len([row for row in rows(_bench()) if row.met])
    assert "pull 0.50, switch 0.10" in text


def test_since_when_a_release_listens_is_read_from_its_own_line() -> None:
    logs = (
        "2024-05-01T10:00:00.500000000Z frontend b1 listens on 3000\n"
        "2024-05-01T10:00:01.123456789Z frontend b10 listens on 3000\n"
    )
    assert listening_since(logs, "b10") - listening_since(logs, "b1") == pytest.approx(0.623456, abs=1e-5)
    with raises(Kind.SANDBOX, match="does not say"):
        listening_since(logs, "b2")


def test_host_keys_are_pinned_for_the_relay() -> None:
    text = "# made by sandbox.up\n[127.0.0.1]:52665 ssh-ed25519 AAAA\n\n[127.0.0.1]:52665 ecdsa-x BBBB\n"
    assert known_hosts_for(text, 4000) == "[127.0.0.1]:4000 ssh-ed25519 AAAA\n[127.0.0.1]:4000 ecdsa-x BBBB\n"


_TASKS = """
import pathlib, time
from invoke import task
with pathlib.Path("loaded").open("a") as log:
    log.write(".")
time.sleep(0.2)
@task
def nothing(c): ...
"""


def test_a_list_that_fails_is_no_figure(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("raise RuntimeError('broken')")
    with raises(Kind.SANDBOX, match="inv --list failed") as caught:
        measure_list(tmp_path, rounds=1)
    assert any("broken" in line for line in caught.value.lines)


def test_each_round_lists_the_tasks_once_after_a_warm_up(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(_TASKS)
    listing = measure_list(tmp_path, rounds=2)
    assert (tmp_path / "loaded").read_text() == "..."
    assert listing.ours > 0.2
    assert listing.bare > 0


def test_losses_are_told_by_kind_of_request() -> None:
    kept = (Stream("a", "frontend", "/", 1, 1), Stream("b", "backend", "/", 1, 1))
    page = Stream("p", "frontend", "/", 1, 1, kind=StreamKind.PAGE)
    record = Recorder((*kept, page), started=0.0)
    for stream in (*kept, page, page):
        record.sending(stream)
    record.lost(page, at=1.0, reason="HTTP 404")
    losses = by_kind((*kept, page), record.result(seconds=120, ended_by="stop"), 7)
    assert losses == Losses(7, 120, (("kept-alive", 2, 0), ("page", 2, 1)))
    assert render_losses(losses)[0] == "7 deploys in 2 minutes: 1 of 4 requests lost."
    assert "| page | 2 | 1 |" in losses_as_markdown(losses)


def test_either_run_leaves_the_figures_of_the_other_as_they_are() -> None:
    first, second = (losses_as_markdown(Losses(count, 60, (("page", 9, 0),))) for count in (3, 4))
    figures = as_markdown(_bench())
    assert with_losses(with_losses(figures, first), second) == f"{figures}\n{second}"
    assert with_figures(with_losses("old figures\n", first), figures) == f"{figures}\n{first}"
    assert with_figures("old figures\n", figures) == figures
