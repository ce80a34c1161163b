"""The question before a change."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from behindy_ops.errors import Kind
from behindy_ops.tasks.ask import asker, confirm
from sandbox.tasks.quality import CHECKOUT
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


def test_the_place_stands_before_the_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    assert asker("host.up", yes=False, place="staging (h)")("Do it?")
    said = capsys.readouterr()
    assert said.err == "staging (h): Do it? [yes/no] "
    assert said.out == ""  # a program may be reading it


@pytest.mark.parametrize(
    ("stdin", "yes"), [(Terminal("no\n"), True), (io.StringIO("no\n"), False), (Terminal("yes\n"), False)]
)
def test_a_change_goes_on_after_a_yes_and_where_nobody_can_be_asked(
    stdin: io.StringIO, yes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    confirm("Deploy it?", yes=yes)


def test_a_no_ends_the_task_with_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    with raises(Kind.INTERRUPTED, match="The answer was no"):
        confirm("Deploy it?", yes=False)


ASKS = """
from behindy_ops.tasks.ask import confirm
from behindy_ops.tasks.guard import guarded

@guarded
def body(json):
    confirm("Deploy it?", yes=False, json=json)

body(json=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_a_question_is_told_to_a_program(number: signal.Signals) -> None:
    terminal, inner = pty.openpty()
    try:
        pipe = subprocess.PIPE
        argv = [sys.executable, "-c", ASKS]
        with subprocess.Popen(argv, stdin=inner, stdout=pipe, stderr=pipe, text=True, cwd=CHECKOUT) as asks:
            assert asks.stderr
            assert asks.stderr.read(len("Deploy it? [yes/no] ")) == "Deploy it? [yes/no] "
            asks.send_signal(number)
            out, err = asks.communicate(timeout=30)
    finally:
        os.close(terminal)
        os.close(inner)
    assert asks.returncode == 128 + number
    told = json.loads(out)
    assert (told["error"], told["exit_code"], told["what"]) == (
        "interrupted",
        128 + number,
        f"Stopped by {number.name}.",
    )
    assert "Traceback" not in err
