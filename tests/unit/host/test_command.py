"""Quoting, fencing and what counts as a failure: the one place where arguments become a shell line."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.host.command import (
    ENGINE,
    LONGEST_TOLD,
    Command,
    Result,
    begun,
    goes_along,
    quoted,
    script,
    script_text,
    wire,
)
from behindy_ops.host.exit_codes import Code

arguments = st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), max_size=4)


@given(arguments)
def test_every_argument_arrives_as_it_was_whatever_is_in_it(words: list[str]) -> None:
    assert shlex.split(wire(Command(("echo", *words), "say", timeout=5)))[4:] == ["echo", *words]


def test_a_hostile_argument_is_not_run_by_a_real_shell(tmp_path: object) -> None:
    hostile = f"x; touch {tmp_path}/pwned $(touch {tmp_path}/pwned) `touch {tmp_path}/pwned`"
    line = wire(Command(("printf", "%s", hostile), "say", timeout=5))
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert said.stdout == hostile
    assert subprocess.run(["ls", str(tmp_path)], capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize("shell", [shell for shell in ("dash", "bash", "zsh", "fish") if shutil.which(shell)])
def test_every_login_shell_takes_a_line_apart_into_the_same_words(shell: str) -> None:
    words = ["it's", "\\", "\\\\", "a\\'b\\n", "", "$x `y` !z", "two\nlines\\\n", "*", "~"]
    line = quoted(("printf", "%s|", *words))
    assert (
        subprocess.run([shell, "-c", line], capture_output=True, text=True, check=True).stdout.split("|")[:-1] == words
    )


def test_a_command_sees_none_of_what_the_login_exports(tmp_path: Path) -> None:
    exported = {"DOCKER_HOST": "tcp://elsewhere", "DOCKER_CONTEXT": "other", "LC_ALL": "ko_KR.UTF-8", "TMPDIR": "/none"}
    login = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "https_proxy": "http://proxy:3128"}
    line = begun(quoted(("env",)), "@@")
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, env=login | exported)
    mark, *lines = ran.stdout.splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    ours = {"DOCKER_HOST": ENGINE, "LC_ALL": "C", "SHLVL": "5"}
    assert (mark, {name: value for name, value in seen.items() if name not in ("_", "PWD")}) == ("@@", login | ours)


def test_public_input_goes_with_its_command_to_the_letter(tmp_path: Path) -> None:
    told = "it's \\n %s $x\n\nlast, 한글\n"
    line = begun(quoted(("sh", "-c", "cat; exit 7")), "@@", told.encode())
    ran = subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=tmp_path)
    assert (ran.returncode, ran.stdout.decode(), ran.stderr) == (7, f"@@\n{told}", b"@@\n")


@pytest.mark.parametrize(
    ("change", "along"),
    [
        ({}, True),
        ({"public": False}, False),
        ({"stdin": b""}, False),
        ({"stdin": b"\0"}, False),
        ({"stdin": b"x" * (LONGEST_TOLD + 1)}, False),
        ({"follow": True}, False),
        ({"feed": (b"more",)}, False),
    ],
)
def test_what_is_secret_too_long_or_not_all_of_it_is_sent_as_input(change: dict[str, Any], along: bool) -> None:
    assert goes_along(replace(Command(("cat",), "read", stdin=b"a\n", public=True), **change)) is along


def test_every_command_runs_under_the_hosts_timeout() -> None:
    assert wire(Command(("true",), "do nothing", timeout=12.5)) == "timeout -k 5 12.5 true"


def test_a_changing_command_without_a_lease_is_refused() -> None:
    with pytest.raises(ValueError, match="remove it needs the lock"):
        wire(Command(("rm",), "remove it", changes=True))


def test_a_changing_command_is_fenced_by_state_directory_and_token() -> None:
    fence = script("lock/fenced", "dir/state", "t0ken")
    assert shlex.split(wire(Command(("docker", "stop", "x"), "stop", changes=True), fence))[4:] == [
        *fence, "docker", "stop", "x"
    ]  # fmt: skip
    assert shlex.split(wire(Command(("docker", "ps"), "look"), fence))[4:] == ["docker", "ps"]


@pytest.mark.parametrize(
    ("code", "seconds", "said"),
    [
        (-1, 1, "killed by a signal"),
        (143, 1, "killed by a signal"),
        (124, 30, "timed out after 30 s"),
        (3, 1, "exit code 3"),
    ],
)
def test_the_end_of_a_command_is_told_in_words(code: int, seconds: float, said: str) -> None:
    result = Result(Command(("x",), "do it", timeout=30), code, "", "", seconds)
    assert result.how() == said
    assert not result.ok


def test_a_required_command_raises_with_its_last_lines() -> None:
    result = Result(Command(("x",), "do it"), 1, "", "\n".join(map(str, range(20))), 0.1)
    with pytest.raises(RemoteCommandFailed) as caught:
        result.require(state="steady", remedy="try again")
    assert caught.value.lines == tuple(map(str, range(10, 20)))
    assert (caught.value.state, caught.value.remedy) == ("steady", "try again")


def test_standard_input_is_not_part_of_the_line_nor_of_the_representation() -> None:
    command = Command(("cat",), "read", stdin=b"hunter2")
    assert "hunter2" not in wire(command)
    assert "hunter2" not in repr(command)


def test_a_script_keeps_its_code_and_drops_its_comments() -> None:
    text = script_text("lock/fenced")
    assert 'flock -n "$state/lock"' in text
    assert not any(line.lstrip().startswith("#") for line in text.splitlines())
    assert script("lock/fenced", "a", "b") == ("bash", "-c", text, "lock/fenced", "a", "b")


@pytest.mark.parametrize(
    ("info", "network", "code"),
    [
        ('"ControlAvailable":true', '"Driver":"overlay"', Code.OTHER_ENGINE),
        ('"ControlAvailable":false', '"Driver":"overlay"', 7),
        ('"ControlAvailable":true', '{"message":"network app-swarm not found"}', 7),
        ("", "", 7),
    ],
)
def test_a_command_may_find_out_that_the_host_manages_a_swarm_and_is_not_run_then(
    info: str, network: str, code: int, tmp_path: Path
) -> None:
    curl = tmp_path / "curl"
    curl.write_text(
        f"#!/bin/sh\ncase $* in */info) echo '{{{info}}}' ;; */networks/app-swarm) echo '{network}' ;; esac\n"
    )
    curl.chmod(0o755)
    for told in (b"", b"x\n"):
        line = begun(quoted(("sh", "-c", "exit 7")), "@@", told, find="app-swarm")
        path = f"{tmp_path}:{os.environ['PATH']}"
        ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, env={"PATH": path})
        said = "" if code == Code.OTHER_ENGINE else "@@\n"
        assert (ran.returncode, ran.stdout, ran.stderr) == (code, said, said)
