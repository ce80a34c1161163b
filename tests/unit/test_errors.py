"""Errors: a table of kinds, and errors that stay as they were made."""

from __future__ import annotations

import pytest

from behindy_ops.errors import ConnectionLost, Kind


def test_every_kind_has_an_exit_code_and_a_title_of_its_own() -> None:
    assert len({kind.exit_code for kind in Kind}) == len({kind.title for kind in Kind}) == len(Kind)


def test_a_kind_makes_its_error() -> None:
    error = Kind.HOST_UNREACHABLE("No answer.", state="Nothing changed.", remedy="Is it on?", lines=("a",))
    assert (error.exit_code, error.title, error.lines) == (11, "host unreachable", ("a",))
    assert str(error) == "No answer. Nothing changed. Is it on?"


def test_an_error_is_not_changed_but_copied() -> None:
    error = ConnectionLost("The connection broke.", remedy="Try again.")
    with pytest.raises(AttributeError, match="but"):
        error.state = "Nothing changed."
    other = error.but(state="Nothing changed.")
    assert (error.state, other.state) == ("", "Nothing changed.")
    assert isinstance(other, ConnectionLost)
    assert (other.what, other.remedy, other.exit_code) == (error.what, error.remedy, error.exit_code)
