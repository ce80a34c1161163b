"""One at a time: a lock on a file, held by this process and given back by its end, however that comes."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["held", "machine_lock"]


def machine_lock(name: str) -> Path:
    """The lock file of a thing that all checkouts of this user share."""
    return Path(tempfile.gettempdir(), f"behindy-{name}-{os.getuid()}.lock")


@contextmanager
def held(file: Path, say: Callable[[str], None], doing: str) -> Iterator[None]:
    """Hold the lock; where another process has it, say that we wait for its ``doing`` and wait."""
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another run that is {doing}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
