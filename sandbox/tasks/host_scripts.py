"""The scripts a host runs: ``python -m sandbox.tasks.host_scripts`` has shellcheck look at each with what it shares."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.deploy.engines.choice import ENGINES
from behindy_ops.host.command import script_names as all_names
from behindy_ops.host.command import script_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["problems", "script_names"]

UNUSED = "SC2016,SC2034,SC2317,SC2329"
"""What a script does not use of the code it shares is no mistake; nor is what another shell than this one expands."""

_UNSET_IN_SHARED = re.compile(r"scripts/lib/.*\[SC2154\]\n")
"""Nor is a variable that a function of the shared code reads, and that scripts without that function do not set."""


def script_names() -> list[str]:
    """Every script but the shared parts, by the names ``script`` takes."""
    return [name for name in all_names() if "lib" not in name.split("/")]


def as_put_together() -> list[list[tuple[str, str]]]:
    """Every script as it is for each engine for which it is another."""
    found = {
        str(parts): parts for engine in ENGINES for parts in (script_parts(name, engine) for name in script_names())
    }
    return list(found.values())


def problems(parts: Sequence[tuple[str, str]]) -> str:
    """Return what shellcheck says of a script, by the file and line it is in; nothing if all is well.

    Args:
        parts: names and texts of what it is put together from.
    """
    lines = [(part, number) for part, text in parts for number, _ in enumerate(text.splitlines(), 1)]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "shellcheck"), "--shell=bash", "--format=gcc", f"--exclude={UNUSED}", "-"],
        input="".join(text for _, text in parts),
        capture_output=True,
        text=True,
        check=False,
    )

    def where(match: re.Match[str]) -> str:
        part, number = lines[int(match[1]) - 1]
        return f"scripts/{part}.sh:{number}:"

    said = re.sub(r"^-:(\d+):", where, done.stdout, flags=re.MULTILINE)
    return _UNSET_IN_SHARED.sub("", said) + done.stderr


def main() -> int:
    """Check every script; return the exit code."""
    with ThreadPoolExecutor(2) as pool:
        found = [*filter(None, pool.map(problems, as_put_together()))]
    sys.stderr.writelines(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
