"""The host's history: one JSON line when a deploy begins and one when it has ended. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from behindy_ops.facts.release import Release

__all__ = ["line"]


def line(
    event: str,
    kind: str,
    release: Release,
    *,
    at: datetime,
    who: str,
    durations: Mapping[str, float] | None = None,
    outcome: str = "",
    reason: str = "",
) -> str:
    """Return one line of ``history.jsonl``.

    :param event: ``begun`` or ``ended``; it is written after the fact.
    :param kind: ``deploy``, ``rollback`` or ``recovery``.
    :param durations: seconds each step took.
    :param outcome: ``live``, ``refused``, ``switched back``, ``interrupted``, ...
    """
    entry: dict[str, Any] = {
        "at": at.isoformat(timespec="milliseconds"),
        "event": event,
        "kind": kind,
        "service": release.service,
        "release": release.id,
        "tag": release.tag,
        "digest": release.digest,
        "previous": release.previous,
        "who": who,
    }
    if event == "ended":
        entry["seconds"] = {name: round(seconds, 2) for name, seconds in (durations or {}).items()}
        entry["outcome"] = outcome
        if reason:
            entry["reason"] = reason
    return json.dumps(entry, ensure_ascii=False)
