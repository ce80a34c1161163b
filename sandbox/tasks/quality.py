"""`inv test` and `inv lint`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context, Exit, task

from behindy_ops.tasks.guard import guarded
from sandbox.tasks.run_steps import workflow_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

__all__ = ["lint", "test"]

CHECKOUT = Path(__file__).resolve().parents[2]

FULL_MATRIX = "BEHINDY_TEST_FULL"
"""Set to 1 in the environment of the tests for the cases that take minutes."""


@task(
    help={
        "unit": "only the unit tests and the simulator (seconds, no Docker)",
        "full": "the full matrix of failures and services (an hour)",
        "k": "only tests whose names match this pytest expression",
        "coverage": "also measure which branches of deploy/, checks/ and host/ the unit tests take: at least 95 %",
        "part": "only this part of the sandbox's tests, such as 2/4, to split them over machines",
        "hosts": "throwaway hosts to use side by side (default: 4)",
    }
)
@guarded
def test(
    _: Context,
    unit: bool = False,
    full: bool = False,
    k: str = "",
    coverage: bool = False,
    part: str = "",
    hosts: int = 4,
) -> None:
    """Run all tests: the pure parts, then the sandbox."""
    import tempfile

    from sandbox.tasks import suite

    environ = {**os.environ, FULL_MATRIX: "1"} if full else dict(os.environ)
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the tests start Python many hundred times
    outcomes: list[suite.Outcome] = []
    with tempfile.TemporaryDirectory(prefix="behindy-test-") as folder:
        report = Path(folder, "coverage.json") if coverage else None
        chosen = suite.Chosen(unit=unit, coverage=report, expression=k, part=part, hosts=hosts)
        for number, each in enumerate(suite.parts(chosen)):
            if each.on_hosts and not k:
                _prepare()
            counts = Path(folder, str(number))
            begun = time.monotonic()
            code = run(each.argv, {**environ, suite.COUNTS: str(counts)})
            outcomes.append(suite.outcome(each, code, time.monotonic() - begun, counts))
            if outcomes[-1].interrupted:
                break
        branches = suite.branches_taken(report) if report and not k else {}
    for folder, percent in branches.items():
        print(
            f"{folder}: {percent:.1f} % of the branches are taken; at least {suite.BRANCHES_PERCENT:.0f} % have to be"
        )
    print("", *suite.summary(outcomes), sep="\n")
    if code := suite.exit_code(outcomes):
        raise Exit(code=code)
    if few := suite.untried(branches):
        raise Exit(f"Tests take too few branches of {', '.join(few)}.", code=1)


def _prepare() -> None:
    """Have an engine and the images, so that no test waits for them. What is missing, the tests will say."""
    from behindy_ops.errors import BehindyError
    from sandbox.host import lifecycle

    try:
        lifecycle.prepare(lambda line: print(line, flush=True))
    except BehindyError as error:
        print(error, *error.lines, sep="\n", flush=True)


@task
@guarded
def lint(_: Context) -> None:
    """Check style, types, shell scripts and workflows."""
    failed = [title for title, argv in lint_commands(CHECKOUT).items() if not _passes(title, argv)]
    if failed:
        raise Exit(f"lint: {', '.join(failed)} found something to fix (see above).", code=1)
    print("lint: all clean")


def lint_commands(checkout: Path) -> dict[str, list[str]]:
    """Each check's title and command line."""
    python, tools = sys.executable, Path(sys.executable).parent
    shellcheck = str(tools / "shellcheck")
    schema = [str(tools / "check-jsonschema"), "--quiet", "--builtin-schema"]
    workflows = [str(path) for path in workflow_files(checkout)]
    scripts = shell_files(checkout)
    return {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "reference": [python, "-m", "invoke", "docs", "--check"],
        "shellcheck": [shellcheck, "--", *map(str, scripts)],
        "shellcheck of what hosts run": [python, "-m", "sandbox.tasks.host_scripts"],
        "shellcheck of workflow steps": [python, "-m", "sandbox.tasks.run_steps", *workflows],
        "schema of workflows": [*schema, "vendor.github-workflows", *workflows],
        "schema of dependabot.yml": [*schema, "vendor.dependabot", ".github/dependabot.yml"],
        "zizmor": [
            str(tools / "zizmor"),
            "--offline",
            "--quiet",
            "--persona=pedantic",
            ".github/dependabot.yml",
            *workflows,
        ],
    }


def shell_files(checkout: Path) -> list[Path]:
    """All shell scripts but those that hosts run, relative to the checkout: ``inv``, ``.ci/run``, ``*.sh``."""
    found = (path.relative_to(checkout) for path in checkout.rglob("*.sh"))
    visible = sorted(
        path for path in found if "scripts" not in path.parts and not any(part.startswith(".") for part in path.parts)
    )
    return [Path("inv"), Path(".ci/run"), *visible]


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program in the checkout and return its exit code (128 + number when a signal ended it).

    Ctrl-C reaches the program by itself; we wait until it has cleaned up. SIGTERM is passed on.
    """
    sys.stdout.flush()
    told: list[int] = []  # the handler is there before the program is, or a quick signal would end us alone
    before = signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    try:
        with subprocess.Popen(argv, cwd=CHECKOUT, env=dict(environ)) as process:

            def pass_on(number: int, _frame: FrameType | None) -> None:
                process.send_signal(number)

            signal.signal(signal.SIGTERM, pass_on)
            for number in told:
                process.send_signal(number)
            exit_code = _wait(process)
    finally:
        signal.signal(signal.SIGTERM, before)
    return exit_code if exit_code >= 0 else 128 - exit_code


def _wait(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _passes(title: str, argv: Sequence[str]) -> bool:
    print(f"lint: {title}")
    return run(argv, os.environ) == 0
