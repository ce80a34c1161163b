"""The reports in a real browser: at two widths and in both colour schemes they ask for nothing and fit."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.report.html import save
from behindy_ops.views.history_page import page as history_page
from sandbox.host.engine import apt_install, look_around
from sandbox.pages import bench, demo, grown, peer
from sandbox.recording.record import FOLDER, TITLES
from sandbox.traffic.model import Loss
from tests import measured
from tests.complete import skip_incomplete
from tests.measured import MEASURED, benchmark, traffic
from tests.sandbox.browser import Look, View, chromium, looks
from tests.sandbox.interruption import FULL
from tests.sandbox.support import ROOT, inv, on_host

if TYPE_CHECKING:
    from pathlib import Path

    from behindy_ops.report.page import Page

VIEWS = [View(width, scheme) for width in (400, 1280) for scheme in ("light", "dark")]
OPENED = [View(400, "light", opened=True), View(1280, "dark", opened=True)]

HOSTILE = (
    '"><img src=https://example.invalid/x onerror=console.log(1)>',
    "</style><style>@import url(https://example.invalid);</style><script>console.log(2)</script>",
    "a" * 300,
)


@pytest.fixture(scope="session")
def browser() -> str:
    """A Chromium of this machine, or of its distribution's packages, which need root."""
    if not chromium():
        machine = look_around()
        try:
            if machine.root and machine.has_apt:
                apt_install(["chromium"])
        except BehindyError as error:
            if FULL:
                raise
            skip_incomplete(f"no Chromium, and none can be installed here: {error}")
    if not chromium():
        assert not FULL, "no Chromium on this machine, and no right to install one"
        skip_incomplete("no Chromium on this machine, and no right to install one: apt-get install chromium")
    return chromium()


def hostile_history() -> list[dict[str, object]]:
    usual: dict[str, object] = {
        "event": "ended",
        "kind": "deploy",
        "outcome": "live",
        "seconds": {"pull": 2.0, "<b>switch": 0.5},
    }
    return [
        usual | {"at": f"2027-01-15T0{hour}:00:00+00:00", "release": f"r{hour}", "service": word, "tag": word}
        | {"who": word, "reason": word}
        for hour, word in enumerate(HOSTILE)
    ]  # fmt: skip


def pages() -> dict[str, Page]:
    lost = traffic(lost=tuple(Loss(2.0 + number, word, word) for number, word in enumerate(HOSTILE)))
    return {
        "demo": demo.page(replace(MEASURED, traffic=lost)),
        "bench": bench.page(benchmark()),
        "bench-growth": grown.growth_page(measured.growth(lost=tuple((word, 1) for word in HOSTILE))),
        "bench-swarm": grown.swarm_page(measured.swarm(lost=1)),
        "bench-peer": peer.page(measured.peer(lost=1, version=HOSTILE[0])),
        "history": history_page(hostile_history(), "mona.example"),
    }


def assert_whole(seen: list[Look]) -> None:
    for look in seen:
        assert (look.asked, look.said) == ([], [])
        assert look.found["scripts"] == 0
        assert look.found["scrolls"] <= look.found["width"]
        assert look.found["beyond"] == []
        assert look.found["faint"] == [], "text with too little contrast"
        assert look.found["tables"] >= look.found["pictures"] > 0
        assert look.picture.startswith(b"\x89PNG")
    assert len({look.found["background"] for look in seen}) == len({view.scheme for view in VIEWS})


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_asks_for_nothing_and_fits_at_each_width_in_each_scheme(name: str, browser: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.html"
    save(pages()[name], file)
    assert_whole(looks(browser, file, [*VIEWS, *OPENED]))


SHOWN = """({
  shown: [...document.querySelectorAll("g text")].filter((each) => getComputedStyle(each).visibility === "visible")
    .sort((one, other) => one.getAttribute("y") - other.getAttribute("y"))
    .map((each) => each.textContent).join("").replace(/\\s/g, ""),
  end: document.querySelector("desc").textContent.replace(/\\s/g, ""),
  paper: getComputedStyle(document.querySelector("rect")).fill,
})"""


@pytest.mark.parametrize("name", TITLES)
def test_a_recording_shows_its_end_at_once_where_less_motion_is_asked_for(name: str, browser: str) -> None:
    views = [View(800, "light", still=True), View(800, "dark", still=True), View(800, "dark")]
    light, dark, moving = looks(browser, ROOT / FOLDER / f"{name}.svg", views, SHOWN)
    assert light.found["shown"] == dark.found["shown"] == light.found["end"]
    assert len(moving.found["shown"]) < len(moving.found["end"])
    assert light.found["paper"] != dark.found["paper"]
    assert [look.asked + look.said for look in (light, dark, moving)] == [[], [], []]


def test_what_would_break_a_page_is_seen(browser: str, tmp_path: Path) -> None:
    """Of each thing that is looked for, one that is there: else the test above could not fail."""
    file = tmp_path / "broken.html"
    file.write_text(
        "<!doctype html><title>x</title><style>body{background:#fff}</style>"
        "<img src='http://127.0.0.1:9/x.png'><p style='color:#ccc'>faint</p>"
        "<p style='width:3000px'>wide</p><script>console.log('said')</script>"
    )
    (look,) = looks(browser, file, [View(400, "dark")])
    assert look.asked == ["http://127.0.0.1:9/x.png"]
    assert any("said" in line for line in look.said)
    assert look.found["scrolls"] > look.found["width"]
    assert look.found["beyond"] == ["wide"]
    assert [line.partition(" ")[0] for line in look.found["faint"]] == ["p."]
    assert (look.found["scripts"], look.found["background"]) == (1, "255 255 255")


@pytest.mark.usefixtures("live_services")
def test_the_history_of_a_host_is_written_as_a_page_without_a_secret(browser: str, tmp_path: Path) -> None:
    file = tmp_path / "history.html"
    said = inv("deploy.history", "--html", str(file)).ok().out
    assert said == f"Written to {file}\n"
    entries = inv("deploy.history", "--json").ok().events
    seen = looks(browser, file, VIEWS)
    assert_whole(seen)
    for entry in entries:
        if entry["event"] == "ended":
            assert f"{entry['kind']} of {entry['service']}:{entry['tag']}" in seen[0].found["text"]
    values = re.findall(r"^\w+=(.{8,})$", on_host("cat", "/home/ubuntu/behindy-ops/.env"), re.MULTILINE)
    assert values
    assert not [value for value in values if value in file.read_text(encoding="utf-8")]


@pytest.mark.usefixtures("live_services")
def test_a_history_stands_where_nothing_is_named(tmp_path: Path) -> None:
    inv("deploy.history", "llmserver", "--html", cwd=ROOT).ok()
    file = ROOT / "deploy-history.html"
    assert "History of llmserver" in file.read_text(encoding="utf-8")
    shutil.move(file, tmp_path)
    both = inv("deploy.history", "--html", str(tmp_path / "x.html"), "--json")
    assert both.code == Kind.USAGE.exit_code
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    assert inv("deploy.history", "--html", str(mine)).code == Kind.USAGE.exit_code
    assert mine.read_text() == "mine"
