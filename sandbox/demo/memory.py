"""The memory of the sandbox's host, watched while something runs on it."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Look", "Memory", "MemoryWatch", "parse"]

# One long `docker exec` instead of one a second. It ends when its stdin does, so it never outlives us.
_LOOP = """
while :; do
    cat /proc/meminfo && echo .
    read -t 0.5 -r _
    [ $? -gt 128 ] || exit 0
done
"""


@dataclass(frozen=True)
class Memory:
    """Bytes. ``used`` is what could not be had without swapping: the page cache does not count."""

    used: int = 0
    total: int = 0
    swap_used: int = 0
    swap_total: int = 0


@dataclass(frozen=True)
class Look:
    """The memory at one moment, in seconds since the epoch."""

    at: float
    memory: Memory


def parse(meminfo: str) -> Memory | None:
    """What ``/proc/meminfo`` says, or None when it is not whole."""
    kilobytes: dict[str, int] = {}
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            kilobytes[name] = int(words[0])
    try:
        return Memory(
            used=(kilobytes["MemTotal"] - kilobytes["MemAvailable"]) * 1024,
            total=kilobytes["MemTotal"] * 1024,
            swap_used=(kilobytes["SwapTotal"] - kilobytes["SwapFree"]) * 1024,
            swap_total=kilobytes["SwapTotal"] * 1024,
        )
    except KeyError:
        return None


class MemoryWatch:
    """Looks twice a second, from ``with`` on; ``peak`` is the look with the most memory and swap in use.

    Args:
        container: the outer container. When it cannot be looked into, there is no look and nothing else happens.
    """

    def __init__(self, container: str) -> None:
        self._argv = ["docker", "exec", "-i", container, "bash", "-c", _LOOP]
        self.looks: list[Look] = []

    @property
    def peak(self) -> Memory | None:
        every = (look.memory for look in self.looks)
        return max(every, key=lambda memory: memory.used + memory.swap_used, default=None)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        lines: list[str] = []
        for line in self._process.stdout or ():
            if line != ".\n":
                lines.append(line)
                continue
            memory = parse("".join(lines))
            lines.clear()
            if memory is not None:
                self.looks.append(Look(time.time(), memory))
