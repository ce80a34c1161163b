"""The host's history: one JSON line when a deploy begins and one when it has ended. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from behindy_ops.deploy.state import State, unknown
from behindy_ops.facts.release import Release

ROTATED_AT = 5_000_000
"""Bytes at which the host's history is rotated: docs/design.md, "History"."""


def _entry(event: str, kind: str, release: Release, at: datetime, who: str) -> dict[str, Any]:
    return {
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


def begun(state: State) -> str:
    """Return the line that says that a release is being made."""
    if state.now is None:
        return unknown("history line")
    return json.dumps(_entry("begun", state.goal.kind, state.release, state.now, state.who), ensure_ascii=False)


def ended(state: State, outcome: str, reason: str = "") -> str:
    """Return the line that says how it ended; it is written after the fact.

    Args:
        state: what was done.
        outcome: ``live``, ``refused``, ``switched back``, ``interrupted``, ...
        reason: why, if it is not live.
    """
    if state.now is None:
        return unknown("history line")
    entry = _entry("ended", state.goal.kind, state.release, state.now, state.who)
    entry["seconds"] = {name: round(seconds, 2) for name, seconds in state.durations.items()}
    entry["outcome"] = outcome
    if reason:
        entry["reason"] = reason
    return json.dumps(entry, ensure_ascii=False)
