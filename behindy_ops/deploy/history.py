"""The host's history: one JSON line when a deploy begins and one when it has ended. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from behindy_ops.deploy.state import State, unknown

ROTATED_AT = 5_000_000
"""Bytes at which the host's history is rotated: docs/design.md, "History"."""

MAINTENANCE = "maintenance"
"""The event of a service that is closed to visitors, or opened again, which is about no release."""


def begun(state: State) -> str:
    """Return the line that says that a release is being made."""
    return _line(state, "begun", {})


def ended(state: State, outcome: str, reason: str = "") -> str:
    """Return the line that says how it ended, and why if it is not live; it is written after the fact."""
    seconds = {name: round(seconds, 2) for name, seconds in state.durations.items()}
    return _line(state, "ended", {"seconds": seconds, "outcome": outcome} | ({"reason": reason} if reason else {}))


def drained(state: State) -> str:
    """Return the line that the host itself writes once the previous release is stopped, or left.

    It fills in ``@at@``, ``@seconds@``, ``@outcome@`` (``removed`` or ``left``) and ``@reason@``.
    """
    fill_in = {"seconds": {"drain": "@seconds@"}, "outcome": "@outcome@", "reason": "@reason@", "at": "@at@"}
    return _line(state, "drained", fill_in)


def maintained(service: str, outcome: str, *, at: datetime, who: str, environment: str = "") -> str:
    """Return the line that says that a service was closed to visitors (``on``) or opened again (``off``)."""
    entry = {"at": _moment(at), "event": MAINTENANCE, "kind": MAINTENANCE, "service": service, "outcome": outcome}
    return json.dumps({**entry, **_chosen(environment), "who": who}, ensure_ascii=False)


def _chosen(environment: str) -> dict[str, str]:
    return {"environment": environment} if environment else {}


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _line(state: State, event: str, more: Mapping[str, object]) -> str:
    if state.now is None:
        return unknown("history line")
    release = state.release
    entry = {
        "at": _moment(state.now),
        "event": event,
        "kind": state.goal.kind,
        **_chosen(state.settings.environment),
        "service": release.service,
        "release": release.id,
        "tag": release.tag,
        "digest": release.fixed,
        "previous": release.previous,
        **({"committed": release.committed} if release.committed else {}),
        "who": state.who,
    }
    return json.dumps({**entry, **more}, ensure_ascii=False)
