"""One table of numbers between the scripts and this side, and an error for each that says something by itself."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from behindy_ops.errors import UNCHANGED, Kind, RemoteCommandFailed
from behindy_ops.host.command import Command, Result, script, script_text
from behindy_ops.host.exit_codes import KILLED, TIMED_OUT, Code, error
from sandbox.tasks.host_scripts import script_names

OWN = {0, 1, 143}
"""Success, a failure without a name, and what a trap on a signal ends with."""

NAMES: dict[str, Any] = {"image": "nginx:1", "seconds": 120, "names": "db", "name": "frontend"}


def exits(name: str) -> set[int]:
    """The numbers a script exits with, those of what it runs in a container as well."""
    return {int(number) for number in re.findall(r"\b(?:exit |code=)([0-9]+)", script_text(name))} - OWN


def test_every_number_a_script_exits_with_is_in_the_table_and_no_other_is() -> None:
    used = set().union(*(exits(name) for name in script_names()))
    assert used == {*Code} - {Code.OTHER_ENGINE}  # what is sent before a script: host/command.py


def test_no_number_stands_bare_in_a_comparison() -> None:
    bare = re.compile(r"exit_code (?:==|!=|in|not in) [({]?-?[0-9]|case [0-9]")
    package = Path(str(files("behindy_ops")))
    found = [path.name for path in package.rglob("*.py") if bare.search(path.read_text(encoding="utf-8"))]
    assert found == ["command.py"]  # 0 is success


def test_no_number_is_one_that_the_shell_gives_of_itself() -> None:
    assert not {*Code} & {0, 1, 2, 125, 126, 127, *TIMED_OUT, *KILLED}
    assert all(1 < code < 125 for code in Code)


def test_each_error_is_whole_sentences_and_says_what_to_do() -> None:
    told = {code: error(code, ("why",), **NAMES) for code in Code}
    errors = {code: problem for code, problem in told.items() if problem is not None}
    assert {*Code} - {*errors} == {
        Code.NO_CONTAINER, Code.LEASED, Code.HELD, Code.LEASE_LOST, Code.BUSY, Code.BAD_INPUT, Code.SWITCH_UNDONE,
        Code.SWITCH_TORN, Code.NO_BACKUP, Code.NOT_CONNECTED,
    }  # fmt: skip
    for problem in errors.values():
        assert problem.what.endswith(".")
        assert "{" not in problem.what
        assert problem.state
        assert problem.remedy
        assert problem.lines == ("why",)


def failed(code: int, *argv: str) -> Result:
    return Result(Command(argv or script("host/certs_look", "x"), "look at it"), code, "", "because", 0.1)


def test_a_script_that_failed_raises_the_error_of_its_code() -> None:
    problem = failed(Code.NO_NGINX).error(state="Something was done.", remedy="Try again.")
    assert (problem.kind, problem.state) == (Kind.NGINX_NOT_READY, "Something was done.")
    assert failed(Code.NO_NGINX).error().state == UNCHANGED
    assert failed(Code.NOT_SERVED).error(state="Whatever.").state.startswith("It is in /etc/letsencrypt")


@pytest.mark.parametrize("result", [failed(1), failed(Code.NO_NGINX, "docker", "exec", "x")])
def test_what_says_nothing_by_its_code_is_told_by_its_last_lines(result: Result) -> None:
    problem = result.error(state="As before.", remedy="Try again.")
    assert isinstance(problem, RemoteCommandFailed)
    assert problem.what == f"Could not look at it: exit code {result.exit_code}."
    assert (problem.state, problem.remedy, problem.lines) == ("As before.", "Try again.", ("because",))
