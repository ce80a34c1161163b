"""`inv bench` and `inv bench --deploys` from end to end, with everything that is measured made up: what they write."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest

from behindy_ops.errors import Kind
from sandbox.bench import bench, losses
from sandbox.bench.report import RESULTS
from sandbox.host import lifecycle, releases
from sandbox.pages import files
from tests import measured
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.traffic.model import TrafficResult

LOST = replace(measured.traffic(), lost=1)


class Watching:
    """Of the host's memory."""

    looks = measured.LOOKS

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class Sending(Watching):
    """Traffic of which one request is lost."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def wait_until_flowing(self) -> None: ...

    def snapshot(self) -> TrafficResult:
        return LOST

    stop = snapshot


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the results go; nothing is brought up."""

    @contextmanager
    def far(_: object) -> Iterator[dict[str, str]]:
        yield {}

    def nothing(*_: object, **__: object) -> Any:
        return SimpleNamespace(container="none", image_prefix="none")

    place = SimpleNamespace(root=tmp_path, compose_file=tmp_path / "compose.yml")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / RESULTS).write_text("# Before\n", encoding="utf-8")
    for module in (bench, losses, files):
        monkeypatch.setattr(module, "here", lambda: place)
    for module in (bench, losses):
        monkeypatch.setattr(module, "MemoryWatch", Watching)
    for name in ("up", "reset"):
        monkeypatch.setattr(lifecycle, name, nothing)
    monkeypatch.setattr(releases, "release", nothing)
    monkeypatch.setattr(releases, "application_ports", lambda _: {"frontend": 3000})
    monkeypatch.setattr(bench, "measure_list", lambda _: measured.benchmark().listing)
    monkeypatch.setattr(bench, "far_link", far)
    monkeypatch.setattr(bench, "_series", lambda *_: measured.series(lost=1))
    monkeypatch.setattr(losses, "Traffic", Sending)
    monkeypatch.setattr(losses, "_deploy", lambda *_: measured.run(measured.START + 10))
    return tmp_path


def test_the_figures_and_a_page_are_written_and_named_also_when_requests_were_lost(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with raises(Kind.SANDBOX, match="2 requests were lost"):
        bench.run_bench(2)
    assert "Before" not in (checkout / RESULTS).read_text(encoding="utf-8")
    assert "<h1>How long a deploy takes" in (checkout / files.BENCH).read_text(encoding="utf-8")
    assert re.search(rf"as a page to look at: {files.BENCH}$", capsys.readouterr().out, re.MULTILINE)


def test_of_many_deploys_that_lost_a_request_there_is_a_page_and_the_results_stay(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with raises(Kind.SANDBOX, match="1 requests were lost"):
        losses.run_losses(2)
    assert (checkout / RESULTS).read_text(encoding="utf-8") == "# Before\n"
    assert "<h1>Many deploys" in (checkout / files.LOSSES).read_text(encoding="utf-8")
    assert re.search(rf"As a page to look at: {files.LOSSES}$", capsys.readouterr().out, re.MULTILINE)
