"""No value of the host's ``.env`` is seen: in no output mode, from no damaged file, after no kill in the middle."""

from __future__ import annotations

import os
import random
from signal import SIGINT, SIGKILL, Signals
from typing import TYPE_CHECKING

import pytest

from behindy_ops.project.dotenv import render
from sandbox.host import shell as host
from tests.sandbox.interruption import Moment
from tests.sandbox.interruption_case import leftover_processes
from tests.sandbox.secret_search import HOME, MODES, watching
from tests.sandbox.secret_values import DAMAGED, TASKS, marked_values
from tests.sandbox.support import SERVICES, deploy, inv, on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"
pytestmark = pytest.mark.timeout(3600 if FULL else 300)


def write(text: bytes) -> None:
    host.run(["sh", "-c", f"cat > {HOME}/.env"], stdin=text, user="ubuntu")


@pytest.fixture(scope="module")
def marked(all_live: None, release: Callable[..., str]) -> Iterator[dict[str, str]]:
    """The host's file with marked values, and a live backend that has them and prints them; all values by name."""
    values = marked_values()
    before = host.run(["cat", f"{HOME}/.env"]).stdout
    kept = [line for line in before.decode().splitlines() if line.partition("=")[0] not in values]
    write("".join([*(f"{line}\n" for line in kept), *(render(name, value) for name, value in values.items())]).encode())
    passwords = dict(line.split("=", 1) for line in kept if "PASS" in line.partition("=")[0])
    for service in SERVICES:
        release(service, "leaks", "leaks")
    try:
        deploy("backend", "v1", "--force").ok()
        say = "from sample.faults import print_the_environment as say; say()"
        on_host("docker", "exec", "backend", "sh", "-c", f"python3 -c '{say}' >/proc/1/fd/1")
        yield {**values, **{name: value.strip("'\"") for name, value in passwords.items()}}
    finally:
        write(before)
        for service in SERVICES if FULL else ("backend",):
            deploy(service, "v1", "--force").ok()
        on_host("rm", "-rf", f"{HOME}/state/env")


@pytest.fixture
def candidate(marked: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """What the host's file says, in a file of the client; the host's as it was, afterwards."""
    before = host.run(["cat", f"{HOME}/.env"]).stdout
    (tmp_path / "candidate").write_bytes(before)
    try:
        yield tmp_path
    finally:
        write(before)
        on_host("rm", "-f", f"{HOME}/state/hold.json")


ALWAYS = {
    "terminal": ("deploy.backend", "env.push"),
    "plain": ("env.set", "ops.logs"),
    "--json": ("ops.env", "ops.logs"),
    "GitHub": ("deploy.llmserver",),
}


@pytest.mark.parametrize("mode", MODES)
def test_no_task_shows_a_value_nor_leaves_one(
    marked: dict[str, str], candidate: Path, sandbox: SandboxInfo, mode: str
) -> None:
    with watching(marked, candidate, sandbox.container) as watch:
        for task in TASKS if FULL else ALWAYS[mode]:
            said = watch.run(task, mode)
            if task == "ops.logs" or TASKS[task][1:2] == ("leaks",):
                assert any(f"<{name}>" in said for name in marked), said


DAMAGED_ALWAYS = ("a quote that is not closed",)
TASKS_ALWAYS = ("deploy.check", "env.check", "host.up", "env.diff")


@pytest.mark.parametrize("kind", [kind for kind in DAMAGED if FULL or kind in DAMAGED_ALWAYS])
def test_a_damaged_file_is_told_without_a_value(
    marked: dict[str, str], candidate: Path, sandbox: SandboxInfo, kind: str
) -> None:
    damaged = DAMAGED[kind] + (candidate / "candidate").read_bytes()
    (candidate / "candidate").write_bytes(damaged)
    values = {**marked, "what is damaged": "leakme"}
    with watching(values, candidate, sandbox.container) as watch:
        for number, task in enumerate(TASKS if FULL else TASKS_ALWAYS, list(DAMAGED).index(kind)):
            write(damaged)
            watch.run(task, MODES[number % len(MODES)], kind)  # over all kinds, each task in each mode


CHOSEN = random.Random(10)  # noqa: S311 - the same moments each time
KILLED: list[tuple[str, Signals, Moment | float]] = [
    ("deploy.backend", SIGKILL, Moment("internal", "started")),
    ("env.set", SIGINT, 0.9),
    *(
        ("deploy.backend", number, moment)
        for number in (SIGKILL, SIGINT)
        for moment in (Moment("connect"), Moment("pull"), Moment("start", "started", 0.3), Moment("start"))
    ),
    *(
        (task, number, round(CHOSEN.uniform(0.3, 2.5), 2))
        for task in ("env.set", "env.push", "env.diff", "host.up", "ops.logs", "deploy.check", "db.backup", "env.edit")
        for number in (SIGKILL, SIGINT)
        for _ in range(2)
        if (task, number) != ("env.edit", SIGKILL)  # which alone may leave its copy in memory
    ),
]


def test_a_client_that_is_killed_in_the_middle_leaves_no_value(
    marked: dict[str, str], candidate: Path, sandbox: SandboxInfo
) -> None:
    with watching(marked, candidate, sandbox.container) as watch:
        for task, number, moment in KILLED if FULL else KILLED[:2]:
            watch.killed(task, number, moment)
        wait_for(lambda: not leftover_processes(), 30, "that no process of an interrupted command is left")
        watch.note("afterwards", inv("deploy.recover", "--wait", "1m").ok().said)
