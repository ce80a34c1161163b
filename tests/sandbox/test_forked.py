"""A command run in a copy of a Python that is there already does what it does in one that starts for it."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.sandbox import forked
from tests.sandbox.support import ROOT, environment, inv, inv_anew

UNREACHABLE = {"BEHINDY_ENV": "", "BEHINDY_HOST": "127.0.0.1", "BEHINDY_PORT": "1", "BEHINDY_USER": "me"}


@pytest.mark.parametrize(
    "words", [("--list",), ("nonsense",), ("deploy.frontend", "--tag"), ("deploy.status", "--json"), ("lock.status",)]
)
def test_its_output_and_its_exit_code_are_the_same(words: tuple[str, ...]) -> None:
    env = environment(**UNREACHABLE)
    assert forked.can_run(ROOT, env)
    copied, started = inv(*words, env=env), inv_anew(*words, env=env)
    assert (copied.code, timeless(copied.out), copied.err) == (started.code, timeless(started.out), started.err)
    assert timeless('{"at": "2026", "event": "failed"}') == '{"at": "", "event": "failed"}'


def timeless(out: str) -> str:
    return re.sub(r'"at": "[^"]*"', '"at": ""', out)


def test_one_command_leaves_the_next_nothing() -> None:
    assert "BEHINDY_PORT" in inv("deploy.status", env=environment(**UNREACHABLE | {"BEHINDY_PORT": "none"})).err
    assert inv("deploy.status", env=environment(**UNREACHABLE)).code == 11


def test_one_that_takes_too_long_is_killed() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        forked.run(["deploy.status"], environment(**UNREACHABLE), timeout=0.001)


def test_where_python_reads_something_when_it_starts_it_is_started() -> None:
    same = dict(os.environ)
    assert forked.can_run(ROOT, same | {"BEHINDY_HOST": "a", "PYTHONUNBUFFERED": "1"})
    assert not forked.can_run(ROOT, same | {"PYTHONUTF8": "0"})
    assert not forked.can_run(ROOT, same | {"LC_ALL": "C"})
    assert not forked.can_run(ROOT.parent, same)
