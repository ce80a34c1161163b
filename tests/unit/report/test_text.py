"""Words that all renderers for people share."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.report import events, text
from tests.unit.report.told import as_plain


@given(words=st.text())
def test_what_is_printable_has_no_control_characters_left(words: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text.printable(words))


@given(words=st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=50))
def test_ordinary_text_is_printed_as_it_is(words: str) -> None:
    assert text.printable(words) == words


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("live", "api v2 is live"),
        ("unchanged", "api v2 is live already; nothing changed"),
        ("refused", "api v2 was refused; it never took traffic"),
        ("switched back", "api v2 was taken back; the previous release serves again"),
        ("planned", "api v2 was only planned; nothing changed"),
        ("something new", "api v2: something new"),
    ],
)
def test_every_ending_is_a_sentence(outcome: str, said: str) -> None:
    told = as_plain(events.DeployStarted("api", "v2", "host"), events.DeployFinished("api", outcome, 1.0))
    assert told.splitlines()[-1] == f"{said} (1.0 s)"


def test_an_entry_is_wrapped_beside_its_head_and_what_may_be_copied_stays_whole() -> None:
    path = "/srv/" + "x" * 80
    lines = text.entry("  ok  disk ", "word " * 20, text.Tone.GOOD, remedy=f"Empty {path}", evidence=["one\ttwo"])
    assert [line.text for line in lines] == [
        f"  ok  disk {'word ' * 13}".rstrip(),
        f"           {'word ' * 7}".rstrip(),
        "     -> Empty",
        f"        {path}",
        "        one two",
    ]
    assert text.entry("  ok  disk ", "", text.Tone.GOOD) == [text.Line("  ok  disk ", text.Tone.GOOD)]
