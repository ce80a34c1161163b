"""The question before a change."""

from __future__ import annotations

import io
import sys

import pytest

from behindy_ops.errors import Kind
from behindy_ops.tasks.ask import asker
from tests.kinds import raises


class Terminal(io.StringIO):
    """Standard input of somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "answer"), [("yes", True), ("Y", True), ("no", False), ("", False), ("sure", False)])
def test_only_a_yes_is_one(typed: str, answer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{typed}\n"))
    assert asker("host.up", yes=False)("Do it?") is answer


def test_a_yes_on_the_command_line_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert asker("host.up", yes=True)("Do it?")


def test_without_a_terminal_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    with raises(Kind.USAGE) as error:
        asker("host.up", yes=False)("Do it?")
    assert error.value.remedy == "Read what it would do above, then: inv host.up --yes"
