"""What the tasks call: open a session, look once, describe, and hand back lines and data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from behindy_ops.ops import containers, memory, memory_view, stats
from behindy_ops.ops.run import Shown, look_twice, look, open_session, require_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from behindy_ops.ops.run import Seen
    from behindy_ops.report.text import Line
    from behindy_ops.services import Service

__all__ = ["show_memory", "show_ps", "show_stats"]

APART = 0.5
"""Seconds between the two readings that processor time is told from."""


def show_memory(root: Path | None = None) -> Shown:
    """Who holds the host's memory, and what still fits."""
    return _view("mem", memory.describe, memory_view.lines, root)


def show_ps(root: Path | None = None) -> Shown:
    """How every container is."""
    return _view("ps", containers.describe, containers.lines, root)


def show_stats(root: Path | None = None) -> Shown:
    """What each container takes of the processors, memory, network and disk."""
    with open_session((), root) as session:
        before, now = look_twice(session, "frames", "2", f"{APART:g}")
    require_docker(now, "limits")
    view = stats.describe(stats.frame(before), stats.frame(now))
    return Shown(stats.lines(view), {"view": "stats", **asdict(view)})


def _view(
    script: str,
    describe: Callable[[Seen, Sequence[Service]], Any],
    lines: Callable[[Any], list[Line]],
    root: Path | None,
) -> Shown:
    with open_session((), root) as session:
        seen = look(session, script)
    view = describe(seen, session.services)
    return Shown(lines(view), {"view": script, **asdict(view)})
