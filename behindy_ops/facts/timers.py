"""What the host did by itself, and how that went. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from behindy_ops.facts.replies import parse_json
from behindy_ops.project.names import Names

PROGRAMS = "/usr/local/lib/behindy-ops"
"""Where the host has what its timers start."""


KINDS = ("backup", "certs")
"""What a host does for a project by itself, beside the project's own jobs."""


def kept_up(names: Names, domain: str) -> tuple[str, ...]:
    """Return what of that there is to do: a project may have no database, and no public domain."""
    return tuple(kind for kind, thing in (("backup", names.database), ("certs", domain)) if thing)


def called(names: Names, name: str) -> str:
    """Return what something of that is called; a project that shares another's nginx has names of its own."""
    return f"{name}-{names.project}" if names.shared else name


def scheduled(names: Names) -> str:
    """Return what all of it is called, as ``ops/doctor.sh`` takes it."""
    return " ".join(called(names, name) for name in KINDS)


@dataclass(frozen=True, slots=True)
class Timed:
    """Something that a timer starts. Times are the host's, in seconds since the epoch, 0 for never.

    Attributes:
        name: ``backup`` or ``certs``; of a project that shares another's nginx, with its own name behind.
        on: whether its timer is there and on.
        placed: since when it is there.
        at: when it ran last, whether that went well (``ok``), and what it ``said``.
        good: when it last went well.
        code: exit code of the last run, and ``seconds`` that it took.
    """

    name: str
    on: bool
    placed: float
    at: float = 0.0
    ok: bool = True
    good: float = 0.0
    said: str = ""
    code: int = 0
    seconds: int = 0

    @property
    def kind(self) -> str:
        """What it is: ``backup`` or ``certs``."""
        return self.name.partition("-")[0]

    @property
    def program(self) -> str:
        return f"{PROGRAMS}/{self.name}"


def parse(lines: Iterable[str]) -> tuple[Timed, ...]:
    """Read lines ``<name> <on|off> <since> <JSON>``; a run that cannot be read counts as none."""
    found = []
    for line in lines:
        name, on, placed, text = f"{line}   ".split(" ", 3)
        run = parse_json(text) or {}
        numbers = (run.get(key) for key in ("at", "good", "code", "seconds"))
        at, good, code, seconds = (value if isinstance(value, int) else 0 for value in numbers)
        ok = run.get("ok", True) is True
        found.append(Timed(name, on == "on", float(placed or 0), at, ok, good, str(run.get("said", "")), code, seconds))
    return tuple(found)
