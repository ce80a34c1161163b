"""How a task ends: with a message and an exit code, never with a traceback nobody asked for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from invoke.exceptions import Exit

from behindy_ops.errors import Interrupted, Kind
from behindy_ops.tasks.guard import guarded
from sandbox.tasks import quality

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(quality.__file__).resolve().parents[2]


def raising(error: BaseException) -> Callable[[], None]:
    @guarded
    def body() -> NoReturn:
        raise error

    return body


def ended(body: Callable[[], object]) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        body()
    return end.value.code


def test_an_error_of_ours_is_a_message_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(Kind.HOST_UNREACHABLE("No answer.", remedy="Is it on?"))) == 11
    said = capsys.readouterr()
    assert re.sub(r"^\W*", "", said.err) == "host unreachable (exit code 11)\n  What  No answer.\n  Next  Is it on?\n"
    assert said.out == ""


@pytest.mark.parametrize(
    ("error", "title", "code"),
    [(Kind.HOST_UNREACHABLE("No answer."), "host unreachable", 11), (KeyError("x"), "unexpected", 1)],
)
def test_a_program_that_reads_json_gets_the_error_as_an_object(
    error: Exception, title: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @guarded
    def body(json: bool = False) -> NoReturn:
        raise error

    assert ended(lambda: body(json=True)) == code
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["event"], told["title"], told["exit_code"]) == ("failed", title, code)
    assert told["what"] in said.err
    assert ended(lambda: body(json=False)) == code
    assert capsys.readouterr().out == ""


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "\nStopped by Ctrl-C.\n"


def test_a_signal_that_ended_the_run_is_in_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(Interrupted("Stopped.", signal_number=15))) == 143
    assert "Stopped." in capsys.readouterr().err


def test_a_mistake_of_ours_names_its_type_and_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(ZeroDivisionError("division by zero"))) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in said
    assert "BEHINDY_DEBUG=1" in said
    assert "Traceback" not in said


def test_a_mistake_of_ours_shows_where_it_is_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHINDY_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())()


def test_what_invoke_itself_raises_is_left_to_it() -> None:
    with pytest.raises(Exit):
        raising(Exit(code=3))()


def test_a_lost_connection_is_not_taken_for_a_reader_that_went_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(BrokenPipeError(32, "Broken pipe"))) == 1
    assert "BrokenPipeError" in capsys.readouterr().err


def test_a_reader_that_went_away_ends_a_task_in_silence() -> None:
    script = (
        "from behindy_ops.tasks.guard import guarded\n"
        "@guarded\n"
        "def body():\n"
        "    for _ in range(100000): print('x' * 100)\n"
        "body()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_list_of_tasks_that_nobody_reads_to_its_end_is_no_traceback() -> None:
    argv = [sys.executable, "-u", "-m", "behindy_ops.tasks.program", "--list"]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_guarded_task_keeps_its_name_help_and_options() -> None:
    @guarded
    def body(tag: str = "latest") -> str:
        """Say the tag."""
        return tag

    assert (body.__name__, body.__doc__, body("v2")) == ("body", "Say the tag.", "v2")
