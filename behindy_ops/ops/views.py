"""What the tasks call: open a session, look once, describe, and hand back lines and data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.ops import containers, disk, disk_view, memory, memory_view, prune, stats
from behindy_ops.ops.run import Shown, look_twice, look, open_session, require_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from behindy_ops.ops.run import Seen
    from behindy_ops.report.text import Line
    from behindy_ops.services import Service

__all__ = ["prune_images", "show_disk", "show_memory", "show_ps", "show_stats"]

APART = 0.5
"""Seconds between the two readings that processor time is told from."""


def show_memory(root: Path | None = None) -> Shown:
    """Who holds the host's memory, and what still fits."""
    return _view("mem", memory.describe, memory_view.lines, root)


def show_disk(root: Path | None = None) -> Shown:
    """What takes the disk, which images stay and why."""
    with open_session((), root) as session:
        seen = look(session, "disk")
    view = disk.describe(seen, session.services, session.settings.image_prefix)
    return Shown(disk_view.lines(view), {"view": "disk", **asdict(view)})


def prune_images(*, dry_run: bool, wait: float, root: Path | None = None) -> Shown:
    """Remove what no container has and no rollback needs, or tell what that is.

    :param wait: seconds to queue for the lock.
    :raises LockHeld: somebody else is changing the host.
    """
    with open_session((), root) as session:
        if not dry_run:
            session.lock("removing old images (ops.prune)", wait=wait)
        seen = look(session, "disk")
        require_docker(seen)
        prefix = session.settings.image_prefix
        view = disk.describe(seen, session.services, prefix)
        plan = prune.plan(seen.survey, session.services, prefix, view)
        if dry_run or not (plan.references or plan.cache):
            data = {"view": "prune", "dry_run": dry_run, "plan": asdict(plan), "done": None}
            return Shown(prune.plan_lines(plan), data)
        done = prune.pruned(session.host.run(prune.command(plan)).require().stdout)
    removed = {"view": "prune", "dry_run": False, "plan": asdict(plan), "done": asdict(done)}
    return Shown(prune.pruned_lines(done), removed, _not_all(done) if done.kept else None)


def _not_all(done: prune.Pruned) -> RemoteCommandFailed:
    return RemoteCommandFailed(
        f"Docker kept {len(done.kept)} that were to go.",
        state="What is listed as removed is gone; everything else is as it was.",
        remedy="Its reason stands behind each name. See again: inv ops.disk",
        lines=done.kept,
    )


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
