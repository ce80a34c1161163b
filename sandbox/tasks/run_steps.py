"""The shell in workflows: ``python -m sandbox.tasks.run_steps FILE...`` has shellcheck look at every ``run:``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["problems", "run_steps", "workflow_files"]


def workflow_files(checkout: Path) -> list[Path]:
    """All workflows, relative to the checkout: ours, and those the services' repositories take over."""
    found = [*checkout.glob(".github/workflows/*.yml"), *checkout.glob("docs/callers/*.yml")]
    return sorted(path.relative_to(checkout) for path in found)


def run_steps(workflow: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield ``<job>: <step>`` and the script of every step that has one."""
    for job, body in workflow["jobs"].items():
        for step in body.get("steps", ()):
            if "run" in step:
                yield f"{job}: {step['name']}", step["run"]


def problems(title: str, script: str) -> str:
    """Return what is wrong with a step's script, or nothing."""
    if "${{" in script:
        return f"{title}: an expression becomes part of the script; hand its value over with env"
    shellcheck = str(Path(sys.executable).parent / "shellcheck")
    # As GitHub runs it: bash -eo pipefail
    done = subprocess.run(
        [shellcheck, "--shell=bash", "--color=never", "-"],
        input=f"set -eo pipefail\n{script}",
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{title}\n{done.stdout}{done.stderr}" if done.returncode else ""


def main(files: Sequence[str]) -> int:
    """Check every file; return the exit code."""
    import yaml

    found = [
        f"{file}: {problem}"
        for file in files
        for title, script in run_steps(yaml.safe_load(Path(file).read_text(encoding="utf-8")))
        if (problem := problems(title, script))
    ]
    sys.stderr.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
