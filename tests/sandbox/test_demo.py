"""``inv demo``, from an empty host to its last line: it goes well, and the documents show what it prints."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from sandbox.demo.place import meant_for
from sandbox.host import lifecycle
from sandbox.pages.files import DEMO
from tests.sandbox.support import ROOT, Ran, inv_anew, live_release, on_host
from tests.unit.pages import blocks

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"

PAGES = ("README.md", "README.ko.md", "docs/demo.md", "docs/ko/demo.md")
LEFT_OUT = "…"


def sample(page: str) -> list[str]:
    """What the page shows of the demo's output."""
    (shown,) = (text for language, text in blocks(page) if not language and text.startswith("Requests: "))
    return [line for line in shown.splitlines() if line.strip() not in {"", LEFT_OUT}]


def shape(line: str) -> str:
    """A line without what differs from run to run: figures, bars, and how much room they take."""
    bars = re.sub(r"[▁-█]([▁-█ ]*[▁-█])?", "bars", line.rstrip())
    axis = re.sub(r"[┴─]+", "axis", bars)
    figures = re.sub(r"(?<!v)\d+(?: s\b(?: +\d+ s\b)*)?", "#", axis)
    return re.sub(r"(?<=\S) +", " ", figures).strip()


@pytest.fixture(scope="module")
def ran(sandbox: SandboxInfo) -> Ran:
    return inv_anew("demo", timeout=420).ok()


def test_it_loses_nothing_and_leaves_the_second_releases_live(ran: Ran) -> None:
    sent, lost = re.findall(r"^Requests: (\d+) sent, (\d+) lost$", ran.out, re.MULTILINE)[0]
    assert (int(sent) > 1000, lost) == (True, "0"), ran.out
    assert f"All went well: {sent} requests, none lost; the broken release never took traffic." in ran.out
    assert {live_release(service) for service in ("frontend", "backend", "llmserver")} == {"v2"}
    assert on_host("docker", "ps", "-aq", "--filter", "name=green") == ""


def test_the_page_it_writes_has_the_same_figures(ran: Ran) -> None:
    file = re.findall(r"^The same as a page to look at: (.*)$", ran.out, re.MULTILINE)[0]
    assert file == str(DEMO)
    sent = re.findall(r"^Requests: (\d+) sent", ran.out, re.MULTILINE)[0]
    assert re.search(rf"\b{sent}\b", (ROOT / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_the_sample_in_the_documents_is_what_it_prints(ran: Ran, page: str) -> None:
    printed = iter([shape(line) for line in ran.out.splitlines()])
    for line in sample(page):
        assert shape(line) in printed, f"{page}: {line}"  # each after the one before it


@pytest.mark.skipif(not FULL, reason="takes minutes: only with --full")
def test_on_several_hosts_it_says_what_was_lost_with_the_one_that_lost_its_power() -> None:
    try:
        ran = inv_anew("demo", "--nodes", "3", timeout=900).ok()
    finally:
        with meant_for(3):
            lifecycle.remove()
    sent, lost = re.findall(r"^Requests: (\d+) sent, (\d+) lost$", ran.out, re.MULTILINE)[0]
    assert f"All went well: {sent} requests, none lost by deploys, {lost} with the host;" in ran.out
    assert re.search(r"^  \S+-\d, with \d of 6 replicas: \d+ requests lost", ran.out, re.MULTILINE), ran.out
