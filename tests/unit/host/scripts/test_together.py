"""Several commands in one round trip."""

from __future__ import annotations

import os
import subprocess

import pytest

from behindy_ops.host.command import Command, Result, apart, in_turn, of_those_that_ran, together

MARK = "@@7"
SHELL = ("bash", "-c")


def run(*commands: Command) -> list[Result]:
    whole = together(MARK, commands)
    assert whole.argv[3] == "host/together"
    done = subprocess.run(whole.argv, input=whole.stdin, capture_output=True, check=False, timeout=20)
    result = Result(whole, done.returncode, done.stdout.decode(), done.stderr.decode(), 0.5)
    return apart(MARK, result, commands)


def test_each_has_its_own_words_line_output_errors_and_end() -> None:
    first = Command((*SHELL, 'cat; printf "%s|" "$@"', "x", "a b", "", "$HOME"), "one", stdin=b"line 1\n")
    second = Command((*SHELL, "read -r it; echo no >&2; echo no more >&2; echo $it; exit 7"), "two", stdin=b"line 2\n")
    silent = Command(("true",), "three")
    ended = run(first, second, silent)
    assert [(each.exit_code, each.stdout, each.stderr) for each in ended] == [
        (0, "line 1\na b||$HOME|\n", ""),
        (7, "line 2\n", "no\nno more"),
        (0, "", ""),
    ]
    assert [each.command for each in ended] == [first, second, silent]


def test_they_run_side_by_side() -> None:
    meet = 'for _ in $(seq 500); do [ ! -e "$1" ] || exit 0; sleep 0.01; done; exit 1'
    folder = f"/tmp/behindy-together-{os.getpid()}"
    first = Command((*SHELL, f"mkdir {folder}; set -- {folder}/b; {meet}"), "one")
    second = Command(
        (*SHELL, f"for _ in $(seq 500); do [ ! -d {folder} ] || break; sleep 0.01; done; touch {folder}/b"), "two"
    )
    try:
        assert [each.exit_code for each in run(first, second)] == [0, 0]
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def test_what_they_leave_behind_does_not_point_to_a_folder_that_is_gone() -> None:
    (ended,) = run(Command((*SHELL, 'echo "${TMPDIR-none}"'), "one"))
    assert ended.stdout == "none\n"


def test_an_answer_that_is_cut_short_makes_those_fail_that_are_not_told_of() -> None:
    commands = [Command(("a",), "one"), Command(("b",), "two")]
    cut = Result(commands[0], 0, f"{MARK} 0\nyes\n{MARK} errors\n\n{MARK} 0\nhalf", "", 1.0)
    first, second = apart(MARK, cut, commands)
    assert (first.exit_code, first.stdout) == (0, "yes\n")
    assert (second.ok, second.stdout) == (False, "")


def one_then(first: str, *, well: str = "") -> list[Result]:
    """What is told of a script with another behind it, which says what is left of the first one's input."""
    commands = Command((*SHELL, first), "one"), Command((*SHELL, "cat; echo two >&2; exit 3"), "two")
    whole = in_turn(MARK, well, *commands)
    assert whole.argv[3] == "host/in_turn"
    done = subprocess.run(whole.argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    return of_those_that_ran(MARK, Result(whole, done.returncode, done.stdout.decode(), "", 0.5), commands)


@pytest.mark.parametrize(("first", "well"), [("echo fine", ""), ("echo -n fine; echo; echo ok", "ok")])
def test_where_the_first_ended_well_the_other_runs_behind_it(first: str, well: str) -> None:
    one, two = one_then(first, well=well)
    assert (one.exit_code, one.stdout.split()[0]) == (0, "fine")
    assert (two.exit_code, two.stdout, two.stderr) == (3, "", "two")


@pytest.mark.parametrize(
    ("first", "well", "code"), [("exit 84", "", 84), ("echo ok; exit 1", "ok", 1), ("echo okay", "ok", 0)]
)
def test_where_it_did_not_the_other_does_not_run(first: str, well: str, code: int) -> None:
    (one,) = one_then(first, well=well)
    assert one.exit_code == code


def test_two_in_turn_change_something_if_either_does_and_may_take_as_long_as_both() -> None:
    whole = in_turn(MARK, "", Command(("a",), "one", timeout=5, changes=True), Command(("b",), "two", timeout=7))
    assert (whole.changes, whole.timeout, whole.title) == (True, 12, "one")
