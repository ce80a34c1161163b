"""A report as a file: whole, escaped, without a script, and with a policy that forbids every request."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.report.html import MADE_BY, render, save
from behindy_ops.report.page import (
    Axis,
    Bar,
    Chart,
    Fold,
    Line,
    Look,
    Page,
    Row,
    Section,
    Table,
    Tick,
    Tile,
    Timeline,
    seconds_axis,
)
from tests.kinds import raises

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>@import url(https://example.invalid)</style>",
    "' onload='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title></svg><iframe src=https://example.invalid>",
    "\x1b[31mred\x1b]8;;https://example.invalid\x07",
    "\u202egnp.exe\u2066",
    "&lt;b&gt;",
)

VOID = {"meta", "link", "img", "br", "hr", "input"}
KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "dl", "div", "dt", "dd"),
    *("section", "figure", "figcaption", "ul", "li", "details", "summary", "table", "thead", "tbody", "tr", "th", "td"),
    *("span", "footer", "svg", "rect", "line", "path", "text"),
}


class Reader(HTMLParser):
    """Reads a page, and holds it to be well formed: what is opened is closed, in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.said.append(data)


def page_of(word: str) -> Page:
    """A page that says this wherever something can be said."""
    axis = Axis(0.0, 10.0, (Tick(0.0, word), Tick(9.9, word)))
    bar = Bar(1.0, 2.0, Look.ONE, word)
    table = Table((word,), ((word,), (word * 20,)))
    timeline = Timeline(word, word, axis, (Row(word, (bar,), word),), table, ((Look.ONE, word),))
    line = Line(word, ((0.0, 1.0), (5.0, 2.0)), Look.TWO, filled=True)
    chart = Chart(word, word, axis, 2.0, (Tick(1.0, word),), (line,), table, (bar,), word)
    folded = Fold(word, (word, timeline, chart, table))
    return Page(word, word, (Tile(word, word, Look.BAD),), (Section(word, (word, timeline, chart, folded)),), word)


@pytest.mark.parametrize("word", HOSTILE)
def test_whatever_is_said_is_text_and_nothing_else(word: str) -> None:
    plain, hostile = Reader(render(page_of("word"))), Reader(render(page_of(word)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert {tag for tag, _ in hostile.tags} <= KNOWN
    names = {name for _, attributes in hostile.tags for name in attributes}
    assert names == {name for _, attributes in plain.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in {"src", "href", "style", "xlink:href"}}


def test_what_is_said_is_shown_as_it_was_said() -> None:
    said = Reader(render(page_of(HOSTILE[0]))).said
    assert said.count(HOSTILE[0]) > 20


@pytest.mark.parametrize("word", HOSTILE[6:8])
def test_nothing_that_hides_or_turns_text_round_is_left(word: str) -> None:
    assert not re.search(r"[\x1b\x07\u202a-\u202e\u2066-\u2069]", render(page_of(word)))


def test_the_policy_forbids_every_request_and_knows_the_style() -> None:
    text = render(page_of("word"))
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (policy,) = [
        str(attributes["content"])
        for tag, attributes in Reader(text).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{known}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not re.search(r"url\(|@import|https?:", style)


def test_every_picture_has_words_and_a_table() -> None:
    text = render(page_of("word"))
    figures = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert len(figures) == 4
    numbers = [re.findall(r'aria-labelledby="(figure-\d+)" aria-describedby="(summary-\d+)"', each) for each in figures]
    assert len({pair for found in numbers for pair in found}) == 4
    for figure, ((title, summary),) in zip(figures, numbers, strict=True):
        assert f'id="{title}"' in figure
        assert f'id="{summary}"' in figure
        assert "<table>" in figure


def test_a_bar_is_where_its_times_are_and_shows_though_it_took_none() -> None:
    bars = (Bar(2.0, 4.0, Look.GOOD), Bar(5.0, 5.0, Look.BAD))
    timeline = Timeline("t", "s", seconds_axis(0.0, 10.0), (Row("r", bars),), Table((), ()))
    tags = Reader(render(Page("p", "l", (), (Section("s", (timeline,)),)))).tags
    found = [(each["class"], each["x"], each["width"]) for tag, each in tags if tag == "rect"]
    assert found == [("bar good", "20%", "20%"), ("bar bad", "50%", "0.1%")]


def test_a_line_goes_through_its_points_and_an_area_down_to_the_ground() -> None:
    line = Line("l", ((0.0, 0.0), (5.0, 2.0), (10.0, 9.0)), Look.ONE, filled=True)
    chart = Chart("t", "s", seconds_axis(0.0, 10.0), 4.0, (), (line,), Table((), ()))
    tags = Reader(render(Page("p", "l", (), (Section("s", (chart,)),)))).tags
    drawn = [each["d"] for tag, each in tags if tag == "path"]
    assert "M0.0 100.0 L500.0 50.0 L1000.0 0.0" in drawn
    assert "M0.0 100.0 L0.0 100.0 L500.0 50.0 L1000.0 0.0 L1000.0 100.0" in drawn


def test_a_report_is_written_over_and_nothing_else_is(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    save(page_of("first"), file)
    save(page_of("second"), file)
    assert "second" in file.read_text(encoding="utf-8")
    assert MADE_BY in file.read_text(encoding="utf-8")
    other = tmp_path / ".env"
    other.write_text("SECRET=1\n")
    with raises(Kind.USAGE, match="no report of this tool"):
        save(page_of("third"), other)
    assert other.read_text() == "SECRET=1\n"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with raises(Kind.USAGE, match="cannot be written"):
        save(page_of("word"), tmp_path / "missing" / "report.html")
    with raises(Kind.USAGE, match="cannot be written"):
        save(page_of("word"), tmp_path)
