"""What `inv --list` costs beside a bare one: that of a tasks file with nothing in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from behindy_ops.errors import Kind
from sandbox.host.docker_cli import last_lines

__all__ = ["Listing", "measure_list"]

_ROUNDS = 15


@dataclass(frozen=True)
class Listing:
    """Medians, in seconds."""

    ours: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.ours / self.bare


def measure_list(checkout: Path, *, rounds: int = _ROUNDS) -> Listing:
    """Time both, in turns, after one of each that only warms the caches."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tasks.py").write_text("", encoding="ascii")
        # An empty tasks file is no error here: invoke says that there are no tasks and exits with 1.
        times = [(_seconds(checkout, {0}), _seconds(Path(folder), {0, 1})) for _ in range(rounds + 1)][1:]
    return Listing(ours=median(ours for ours, _ in times), bare=median(bare for _, bare in times))


def _seconds(folder: Path, accepted: set[int]) -> float:
    argv = [sys.executable, "-m", "invoke", "--list"]
    begin = time.perf_counter()
    done = subprocess.run(argv, cwd=folder, capture_output=True, check=False, timeout=60)
    seconds = time.perf_counter() - begin
    if done.returncode not in accepted:
        raise Kind.SANDBOX(f"inv --list failed in {folder}.", lines=last_lines(done.stderr))
    return seconds
