"""Markdown that shows a text as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.report import markdown


@given(st.text())
def test_a_code_span_ends_where_it_should(text: str) -> None:
    span = markdown.code(text)
    assert "\n" not in span
    ticks = len(span) - len(span.lstrip("`"))
    assert not span or span.strip("`").count("`" * ticks) == 0
