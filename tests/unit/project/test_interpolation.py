"""Compose's references: which names a text needs, and what it becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.project.interpolation import fill_in, required_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("plain", []),
        ("$A", ["A"]),
        ("${A}", ["A"]),
        ("x${A}y$B-z", ["A", "B"]),
        ("${A:?must be set}", ["A"]),
        ("${A?}", ["A"]),
        ("${A:-b}", []),
        ("${A-}", []),
        ("${A:+b}", []),
        ("$$A", []),
        ("$${A}", []),
        ("$$$A", ["A"]),
        ("${A:-x ${B} y}${C}", ["C"]),
        ("${A:-${B:-${D}}}$E", ["E"]),
        ("redis://:${P}@redis:${PORT:-6379}/0", ["P"]),
        ("${A:-unclosed ${B}", []),
        ("${}", []),
        ("$", []),
    ],
)
def test_names_without_a_default_are_required(text: str, names: list[str]) -> None:
    assert list(required_names(text)) == names


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${A}/x", "one/x"),
        ("$A/x", "one/x"),
        ("${A:-b}", "one"),
        ("${EMPTY:-b}", "b"),
        ("${NONE:-b-${A}}", "b-one"),
        ("${NONE:-${ALSO:-c}}d", "cd"),
        ("${A:+other}${NONE:+other}", "other"),
        ("cost: $$5", "cost: $5"),
        ("$$A ${A}", "$A one"),
    ],
)
def test_references_are_filled_in_as_compose_does(text: str, filled: str) -> None:
    assert fill_in(text, {"A": "one", "EMPTY": ""}) == filled


@pytest.mark.parametrize("text", ["${NONE}", "$NONE", "${NONE:?say why}", "${A:-x}${NONE}"])
def test_a_name_without_value_and_default_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(KeyError, match="NONE"):
        fill_in(text, {})


PIECES = ["$$", "${A}", "$B", "${C:?why}", "${D:-x}", "${E:-${D:-y}}", "${F:+z}", "text", "}", " "]


@given(text=st.lists(st.sampled_from(PIECES)).map("".join))
def test_a_text_can_be_filled_in_exactly_when_its_required_names_have_values(text: str) -> None:
    needed = set(required_names(text))
    assert fill_in(text, dict.fromkeys(needed, "v")) is not None
    for name in needed:
        with pytest.raises(KeyError):
            fill_in(text, dict.fromkeys(needed - {name}, "v"))


@given(text=st.text(alphabet="A1${}:-+? ", max_size=25))
def test_no_text_whatever_breaks_the_search(text: str) -> None:
    assert all(name in text for name in required_names(text))


@given(text=st.text(alphabet=st.characters(exclude_characters="$"), max_size=50))
def test_a_text_without_references_stays_as_it_is(text: str) -> None:
    assert fill_in(text, {"A": "one"}) == text
    assert list(required_names(text)) == []
