"""``.env`` texts: what is read, what is refused, and that what is written is read back as the same value."""

from __future__ import annotations

import io

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.project.dotenv import parse, put, render

HOSTILE = st.text(
    st.one_of(st.sampled_from("'\"\\$#{} \t\n\r=`ab!한;&"), st.characters(codec="utf-8", exclude_characters="\0")),
    max_size=25,
)


def values(text: str) -> dict[str, str | None]:
    file = parse(text)
    assert not file.mistakes
    return {entry.name: entry.value for entry in file.entries}


@given(HOSTILE)
def test_what_is_written_is_read_back_and_does_not_spill_into_the_next_line(value: str) -> None:
    assert values(render("A", value) + "B=2\n") == {"A": value, "B": "2"}


@given(HOSTILE)
def test_python_dotenv_reads_the_same_but_for_a_dollar(value: str) -> None:
    if "$" not in value:
        assert dotenv_values(stream=io.StringIO(render("A", value)), interpolate=False) == {"A": value}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A=", ""),
        ("  export A = spaced out # comment", "spaced out"),
        ("A=no#comment", "no#comment"),
        ("A=it's", "it's"),
        ("A='$HOME \"x\" # \\n'", '$HOME "x" # \\n'),
        ("A='it\\'s'  # comment", "it's"),
        ("A='two\\\\'", "two\\\\"),
        ('A="a\\tb\\"\\$c\\\\"', 'a\tb"$c\\'),
        ("A='한글\nzwei'", "한글\nzwei"),
        ("\ufeffA=1\r\n", "1"),
    ],
)
def test_docker_composes_forms(line: str, value: str) -> None:
    assert values(line) == {"A": value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=pa$word", "line 1: A: docker compose takes the $"),
        ("A=pa$$word", "line 1: A: docker compose takes the $"),
        ('A="${B}"\nB=1', "line 1: A: docker compose takes the $"),
        ("B=1\n\nA='open", "line 3: A: no closing '"),
        ("A='x' y", "line 1: A: something follows the closing quote"),
        ("A=1\nB=2\nA=3", "line 3: A is given a second time (line 1)"),
        ("secret", "line 1: not of the form NAME=value"),
        ("A: 1", "line 1: not of the form NAME=value"),
        ("9A=1", "line 1: not of the form NAME=value"),
        ("A=x\t# comment?", "line 1: A: a # after a tab"),
    ],
)
def test_what_could_be_read_in_two_ways_is_a_mistake(text: str, said: str) -> None:
    (mistake,) = parse(text).mistakes
    assert mistake.startswith(said)


@given(HOSTILE)
def test_no_mistake_and_no_repr_has_a_value_in_it(value: str) -> None:
    file = parse(f"A=s3cret{value}\nB='t0ken{value}\n")
    assert not {"s3cret", "t0ken"} & set(" ".join([*file.mistakes, repr(file), repr(file.entries)]).split("'"))
    assert "s3cret" not in repr(file)
    assert "t0ken" not in "".join(file.mistakes)


def test_a_reference_to_an_earlier_line_is_left_to_docker_compose() -> None:
    assert values("P=x\nURL=redis://:${P}@redis\n") == {"P": "x", "URL": None}


def test_one_value_is_put_in_its_place_and_all_else_stays() -> None:
    before = "# head\nA='1\n2' # why\n\nB=3\n"
    assert put(parse(before), "A", "x y").text == "# head\nA='x y'\n\nB=3\n"
    assert put(parse("B=3"), "A", "$").text == "B=3\nA='$'\n"


def test_a_nul_cannot_be_held_by_any_environment() -> None:
    with pytest.raises(ValueError, match="NUL"):
        render("A", "a\0")
    assert parse("A='\0'").mistakes
