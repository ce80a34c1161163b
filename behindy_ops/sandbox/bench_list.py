"""What `inv --list` costs beside a bare one: that of a tasks file with nothing in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

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
        times = [(_seconds(checkout), _seconds(Path(folder))) for _ in range(rounds + 1)][1:]
    return Listing(ours=median(ours for ours, _ in times), bare=median(bare for _, bare in times))


def _seconds(folder: Path) -> float:
    begin = time.perf_counter()
    # An empty tasks file is no error to us: invoke says that there are no tasks and exits with 1.
    subprocess.run([sys.executable, "-m", "invoke", "--list"], cwd=folder, capture_output=True, check=False, timeout=30)
    return time.perf_counter() - begin
