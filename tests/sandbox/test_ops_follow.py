"""Logs, commands in a container, and watched views: exact words, clean ends, and nothing left on the host."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.support import ROOT, deploy, environment, inv, on_host, wait_for

Release = Callable[..., str]
pytestmark = pytest.mark.usefixtures("live_services")


class Followed:
    """A task that goes on, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self._output = output
        self._said = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # a terminal whose other end is closed
            while data := os.read(self._output, 65536):
                self._said += data

    @property
    def said(self) -> str:
        return self._said.decode("utf-8", "replace")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=20)
        self._reader.join(timeout=5)
        return code


@contextlib.contextmanager
def followed(
    *words: str, terminal: bool = False, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> Iterator[Followed]:
    """Run a task until the block ends, with pipes or on a terminal of its own."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    env = env or (environment(TERM="xterm") if terminal else environment())
    command = [sys.executable, "-m", "invoke", *words]
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            yield Followed(process, ours)
        finally:
            process.kill()
            process.wait()
            os.close(ours)


def left_on_host() -> list[str]:
    """What of a followed view still runs on the host."""
    listed = on_host("ps", "-eo", "args").splitlines()
    return [line for line in listed if re.match(r"(docker (logs|exec)|(timeout .*)?bash -c .*ops_)", line)]


class TestLogs:
    def test_a_service_and_infrastructure_by_either_name(self) -> None:
        assert "upstream=" in inv("ops.logs", "nginx", "--tail", "20").ok().out
        first = inv("ops.logs", "db", "--tail", "3").ok().out
        assert len(first.splitlines()) == 3
        said = inv("ops.logs", "postgres", "--tail", "2", "--json").ok().out
        records = [json.loads(line) for line in said.splitlines()]
        assert [set(record) for record in records] == [{"container", "at", "text"}] * 2
        assert {record["container"] for record in records} == {"postgres"}

    def test_text_to_look_for_is_only_text_and_control_characters_are_not_shown(self) -> None:
        marker = "ops-$(touch /tmp/ops-hit)`id`'\"*.[x"
        line = f"{marker} \x1b[31mred\x07"
        on_host("docker", "exec", "nginx", "sh", "-c", 'printf "%s\\n" "$1" >/proc/1/fd/2', "say", line)
        on_host("docker", "exec", "nginx", "sh", "-c", 'printf "%s\\n" "$1" >/proc/1/fd/2', "say", "ops-other")
        ran = inv("ops.logs", "nginx", "--grep", marker, "--since", "5m").ok()
        assert ran.out.splitlines()[-1].startswith(f"{marker} red")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", ran.out)
        assert "ops-other" not in ran.out
        assert on_host("ls", "/tmp/ops-hit", check=False) == ""
        assert inv("ops.logs", "nginx", "--grep", "ops-.ther", "--since", "5m").ok().out == ""

    def test_following_goes_on_through_a_deploy_and_ends_clean(self, release: Release) -> None:
        tag = release("frontend", "ops-follow")
        with followed("ops.logs", "frontend", "-f", "--tail", "0") as task:
            wait_for(lambda: bool(left_on_host()), what="the host's part")
            deploy("frontend", tag).ok()
            wait_for(lambda: "frontend was replaced; following the new container." in task.said, what="the new one")
            on_host("docker", "exec", "frontend", "sh", "-c", "echo after-the-deploy >/proc/1/fd/1")
            wait_for(lambda: "after-the-deploy" in task.said, what="a line of the new container")
            assert task.stop() == 130
            assert "Traceback" not in task.said
            assert "interrupted" not in task.said
        wait_for(lambda: not left_on_host(), what="the end of the host's part")

    def test_a_client_that_is_killed_leaves_nothing_on_the_host(self) -> None:
        with followed("ops.logs", "redis", "-f", "--tail", "1") as task:
            wait_for(lambda: bool(task.said), what="a line")
            task.process.kill()
            task.process.wait()
            wait_for(lambda: not left_on_host(), what="the end of the host's part")

    def test_what_is_not_there(self) -> None:
        assert inv("ops.logs", "no-such").code == 2
        assert inv("ops.logs", "frontend-blue").code == 61
        assert inv("ops.logs", "frontend-blue", "-f").code == 61


class TestExec:
    def test_words_arrive_exactly_and_the_exit_code_comes_back(self) -> None:
        words = ["a  b", "$HOME", "'\"`id`", "-x", "", "한글", "*", "a\\nb"]
        script = 'for word in "$@"; do printf "<%s>\\n" "$word"; done; echo oops >&2; exit 7'
        ran = inv("ops.exec", "backend", "--", "sh", "-c", script, "say", *words)
        assert ran.code == 7
        assert ran.out == "".join(f"<{word}>\n" for word in words)
        assert ran.err == "oops\n"

    def test_output_without_a_newline_and_nothing_to_read(self) -> None:
        assert inv("ops.exec", "nginx", "--", "printf", "no newline").ok().out == "no newline"
        assert inv("ops.exec", "nginx", "--", "cat").ok().out == ""

    def test_output_comes_while_the_command_runs(self) -> None:
        with followed("ops.exec", "nginx", "--", "sh", "-c", "echo begun; exec sleep 20") as task:
            wait_for(lambda: "begun" in task.said, what="its first line")
            assert task.process.poll() is None
            assert task.stop() == 130
        wait_for(lambda: not left_on_host(), what="the end of the host's part")

    def test_no_command_and_no_program(self) -> None:
        assert inv("ops.exec", "nginx").code == 2
        assert inv("ops.exec", "nginx", "--", "no-such-program").code in (126, 127)

    def test_a_container_that_does_not_run(self) -> None:
        on_host("docker", "kill", "llmserver")
        try:
            ran = inv("ops.exec", "llmserver", "--", "true")
        finally:
            on_host("docker", "start", "llmserver")
        assert ran.code == 61, ran.said
        assert "is not running (exited)" in ran.err


class TestWatch:
    def test_without_a_terminal_pictures_follow_each_other(self) -> None:
        with followed("ops.mem", "--watch", "--every", "1") as task:
            wait_for(lambda: task.said.count("memory, oldest first") >= 2, what="two pictures")
            assert task.stop() == 0
        assert "\x1b" not in task.said
        assert re.search(r"^frontend .* MB +400 MB  [▁▂]{2}$", task.said, re.MULTILINE)
        wait_for(lambda: not left_on_host(), what="the end of the host's part")

    def test_on_a_terminal_it_is_drawn_in_place_and_the_cursor_comes_back(self) -> None:
        with followed("ops.stats", "--watch", "--every", "1", terminal=True) as task:
            wait_for(lambda: task.said.count("cpu, oldest first") >= 2, what="two pictures")
            assert task.stop() == 0
        assert "\x1b[?25l" in task.said
        assert task.said.rstrip().endswith("\x1b[?25h")
        assert "\x1b[1A\x1b[2K" in task.said

    def test_as_json_it_is_one_object_a_line(self) -> None:
        with followed("ops.stats", "--watch", "--every", "1", "--json") as task:
            wait_for(lambda: task.said.count("\n") >= 2, what="two lines")
            task.stop()
        for line in task.said.splitlines()[:2]:
            assert {"view", "at", "seconds", "host", "containers"} == set(json.loads(line))


@pytest.mark.parametrize("variable", ["", "1"])
def test_colours_are_for_a_terminal_that_wants_them(variable: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "invoke", "ops.ps"]
    env = environment(TERM="xterm", NO_COLOR=variable)
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        task = Followed(process, ours)
        assert process.wait(timeout=60) == 0
        wait_for(lambda: "redis" in task.said, what="its output")
        os.close(ours)
    assert ("\x1b[" in task.said) is (variable == "")
