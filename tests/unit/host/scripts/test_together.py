"""Several commands in one round trip."""

from __future__ import annotations

import os
import subprocess

from behindy_ops.host.command import Command, Result, apart, together

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
