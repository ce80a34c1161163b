"""Completion in real shells: the script is read, TAB is pressed, and what is offered stands on the line."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from behindy_ops.project.project import Project
from behindy_ops.tasks.remembered import place
from behindy_ops.tasks.shells import SCRIPTS
from sandbox.tasks.quality import CHECKOUT
from tests.complete import skip_incomplete

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPOSE = """\
name: shop
services:
  frontend: {image: shop/frontend, x-deploy: {port: 80}}
  backend: {image: shop/backend, x-deploy: {port: 80}}
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A project, the programs on the path, and a host of which all is known already."""
    project, bin_ = tmp_path / "shop", tmp_path / "bin"
    for folder in (project / ".git", project / "src", bin_):
        folder.mkdir(parents=True)
    (project / "compose.yaml").write_text(COMPOSE)
    (project / ".env.staging").write_text("BEHINDY_HOST=h.example\n")
    (project / "values.env").write_text("A=1\n")
    for file in (bin_ / "inv", bin_ / "behindy-ops", project / "inv"):
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m behindy_ops.tasks.program "$@"\n')
        file.chmod(0o755)
    own = {"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environ = {**own, "PYTHONPATH": str(CHECKOUT), "TERM": "dumb", "LC_ALL": "C.UTF-8", "PS1": "> "}
    about = {
        name: {"tag": {f"{name}-v1": "release x"}, "release": {"20260101-1": "v1"}} for name in ("frontend", "backend")
    }
    file = place(Project(project), environ)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"at": time.time() + 3600, "services": about}))
    return environ | {"WHERE": str(project)}


def shell(name: str) -> str:
    """Return the shell's program; a machine without it skips, but for bash, which every one has."""
    found = shutil.which(name)
    if found is None and name != "bash":
        skip_incomplete(f"there is no {name} on this machine")
    assert found
    return found


BASH = """
cd "$WHERE" && eval "$(inv completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=() COMP_CWORD=0
read -r -a COMP_WORDS <<<"${1//=/ = }"
case $1 in *' '|*=) COMP_WORDS+=("") ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_behindy_ops "${COMP_WORDS[0]}" "${1##*[ =:]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def by_bash(line: str, environ: dict[str, str]) -> tuple[set[str], str]:
    argv = [shell("bash"), "--norc", "-c", BASH, "bash", line]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True, timeout=60)
    return {value for value in done.stdout.splitlines() if value}, done.stderr


def by_fish(line: str, environ: dict[str, str]) -> tuple[set[str], str]:
    script = 'cd $WHERE; inv completion fish | source; complete -C "$LINE"'
    argv = [shell("fish"), "--no-config", "-c", script]
    done = subprocess.run(argv, env={**environ, "LINE": line}, capture_output=True, text=True, check=True, timeout=60)
    return {each.partition("\t")[0] for each in done.stdout.splitlines()}, done.stderr


CASES = [
    *((name, "deploy.fr", {"deploy.frontend"}) for name in ("inv", "behindy-ops", "./inv")),
    ("inv", "deploy.rollback ", {"frontend", "backend"}),
    ("./inv", "deploy.frontend --tag ", {"frontend-v1"}),
    ("inv", "deploy.rollback backend --to ", {"20260101-1"}),
    ("inv", "deploy.frontend --dr", {"--dry-run"}),
    ("inv", "ops.ps --env ", {"staging"}),
    ("inv", "env.push val", {"values.env"}),
    ("inv", "deploy.frontend --wait ", set[str]()),
    ("inv", "nonsense", set[str]()),
]


@pytest.mark.parametrize(("program", "line", "expected"), CASES)
def test_bash_offers_tasks_options_services_tags_and_releases(
    program: str, line: str, expected: set[str], environ: dict[str, str]
) -> None:
    assert by_bash(f"{program} {line}", environ) == (expected, "")


def test_bash_offers_a_value_behind_the_sign_that_it_splits_at(environ: dict[str, str]) -> None:
    assert by_bash("inv deploy.frontend --tag=fro", environ) == ({"frontend-v1"}, "")
    assert by_bash("inv deploy.frontend --tag=", environ) == ({"frontend-v1"}, "")


@pytest.mark.parametrize(("program", "line", "expected"), CASES)
def test_fish_offers_the_same(program: str, line: str, expected: set[str], environ: dict[str, str]) -> None:
    assert by_fish(f"{program} {line}", environ) == (expected, "")


class Terminal:
    """A shell that somebody types at."""

    def __init__(self, argv: list[str], environ: dict[str, str]) -> None:
        self._terminal, inner = pty.openpty()
        self._shell = subprocess.Popen(
            argv, env=environ, cwd=environ["WHERE"], stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        self.shown = ""
        self.keeps = False
        """Whether completing leaves what stands behind the cursor in the word, as bash does with every program's."""

    def types(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def shows(self, pattern: str) -> str:
        """Wait until it shows a text, and return what it showed since the last time."""
        end = time.monotonic() + 60
        while not re.search(pattern, self.shown):
            assert time.monotonic() < end, f"no {pattern!r} in {self.shown!r}"
            if select.select([self._terminal], [], [], 1)[0]:
                self.shown += os.read(self._terminal, 4096).decode("utf-8", "replace")
        shown, self.shown = self.shown, ""
        return shown

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._terminal)


STARTS = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}


@pytest.fixture(params=list(STARTS))
def terminal(request: pytest.FixtureRequest, environ: dict[str, str]) -> Iterator[Terminal]:
    made = Terminal([shell(request.param), *STARTS[request.param]], environ)
    made.keeps = request.param == "bash"
    made.types(f'eval "$(inv completion {request.param})"; echo rea""dy\n')
    made.shows("ready")
    yield made
    made.close()


def test_tab_completes_on_a_terminal(terminal: Terminal) -> None:
    terminal.types("inv deploy.fro\t")
    terminal.shows("ntend ")  # of the word, only the rest may be drawn
    terminal.types("--tag fro\t")
    terminal.shows("ntend-v1 ")
    terminal.types("\x15./inv deploy.rollback bac\t")
    terminal.shows("kend ")
    terminal.types("--to 2\t")
    terminal.shows("0260101-1 ")


LEFT = "\x02"
TO_THE_BEGIN, TO_THE_END = "\x01", "\x05"


@pytest.mark.parametrize(
    ("typed", "behind", "words"),
    [
        ("deploy.fr", "ontend", ["deploy.frontend"]),
        ("deploy.frontend --tag=", "", ["deploy.frontend", "--tag=frontend-v1"]),
        ("deploy.frontend --tag=fro", "", ["deploy.frontend", "--tag=frontend-v1"]),
        ("deploy.frontend --tag=fronte", "nd-v1", ["deploy.frontend", "--tag=frontend-v1"]),
        ("deploy.frontend --tag ", "", ["deploy.frontend", "--tag", "frontend-v1"]),
        ("deploy.frontend --tag=fro:", "", ["deploy.frontend", "--tag=fro:"]),
    ],
)
def test_tab_replaces_what_stands_before_the_cursor(
    terminal: Terminal, typed: str, behind: str, words: list[str]
) -> None:
    terminal.types(f"inv {typed}{behind}{LEFT * len(behind)}\t{TO_THE_BEGIN}printf '<%s>' {TO_THE_END} done\n")
    told = re.findall("<([^<>%]*)>", terminal.shows("<done>"))
    kept = behind if terminal.keeps else ""
    assert told == ["inv", *words[:-1], words[-1] + kept, "done"]


def test_a_checkout_that_was_never_run_is_not_set_up_by_a_tab(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("")
    shutil.copy(CHECKOUT / "inv", tmp_path / "inv")
    environ = {**os.environ, "BEHINDY_COMPLETES": "1"}
    done = subprocess.run([tmp_path / "inv", "completion", "words"], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["inv", "requirements.lock"]


def test_a_shell_that_there_is_none_for_is_refused(environ: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "behindy_ops.tasks.program", "completion", "tcsh"]
    done = subprocess.run(argv, env=environ, cwd=environ["WHERE"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "bash, zsh, fish" in done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_read_without_a_word(name: str, environ: dict[str, str]) -> None:
    argv = [shell(name), *(["-f"] if name == "zsh" else []), "-c", f"{SCRIPTS[name]}\n"]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
