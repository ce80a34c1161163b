"""What `test` and `lint` run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.tasks import host_scripts, quality

if TYPE_CHECKING:
    pass


def test_lint_looks_at_every_shell_script_of_the_checkout(tmp_path: Path) -> None:
    for name in ("a/b.sh", "c.sh", ".venv/d.sh", "a/.e/f.sh", "g.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert quality.shell_files(tmp_path) == [Path("inv"), Path(".ci/run"), Path("a/b.sh"), Path("c.sh")]


def test_a_mistake_in_a_hosts_script_is_told_by_its_file_and_line() -> None:
    said = host_scripts.problems([("lib/part", "\nsay() { echo $1; }\n"), ("ops/x", "word=$1\nsay $word\n")])
    assert "scripts/lib/part.sh:2:14: note: Double quote" in said
    assert "scripts/ops/x.sh:2:5: note: Double quote" in said
    assert not host_scripts.problems([("lib/part", 'say() { echo "$word"; }\n'), ("ops/x", 'echo "$1"\n')])


def test_every_script_of_the_hosts_is_looked_at() -> None:
    assert {"deploy/drain", "host/survey", "lock/fenced"} <= {*host_scripts.script_names()}


def test_the_exit_code_of_a_program_comes_through() -> None:
    assert quality.run(["sh", "-c", "exit 7"], os.environ) == 7
    assert quality.run(["sh", "-c", "kill -TERM $$"], os.environ) == 143


def test_a_termination_reaches_the_program_that_runs() -> None:
    parent = os.getpid()
    script = f"trap 'exit 9' TERM; kill -TERM {parent}; while :; do sleep 0.01; done"
    assert quality.run(["sh", "-c", script], os.environ) == 9
