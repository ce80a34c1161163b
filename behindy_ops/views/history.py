"""``deploy.history``: who deployed what, when, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from behindy_ops.deploy.history import MAINTENANCE
from behindy_ops.facts.figures import took
from behindy_ops.facts.replies import parse_json
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.report.layout import sentence
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.history_page import steps
from behindy_ops.views.view import Shown

MOST = 500
"""Entries that are fetched at most."""


def show(session: Session, service: str) -> Shown:
    """Return what was done on the host, oldest first: of one service if it is named."""
    command = Command(script("ops/history", session.paths.history, str(MOST)), title="read the history")
    found = entries(session.host.run(command).require().stdout.splitlines(), service)
    return Shown(lines(found), found)


def entries(written: Iterable[str], service: str) -> list[dict[str, Any]]:
    """Return the entries of a history file; a torn line is left out."""
    parsed = map(parse_json, written)
    return [entry for entry in parsed if entry is not None and service in ("", entry.get("service"))]


def lines(found: Sequence[dict[str, Any]]) -> list[Line]:
    """Lay the entries out in 80 columns; what was begun and never ended is shown as such."""
    ended = [entry.get("release") for entry in found if entry.get("event") == "ended"]
    told: list[Line] = []
    for entry in found:
        if entry.get("event") == "begun" and entry.get("release") in ended:
            continue
        outcome = entry.get("outcome", "begun, no end recorded")
        if entry.get("event") == "drained":
            outcome = f"previous release drained by the host, {outcome}"
        tag = "" if entry.get("event") == MAINTENANCE else f":{entry.get('tag')}"
        chosen = f" ({entry['environment']})" if entry.get("environment") else ""
        seconds = sum(steps(entry).values())
        told += sentence(
            f"{str(entry.get('at', ''))[:19]}Z  {entry.get('kind')} of {entry.get('service')}{tag}{chosen}"
        )
        told += sentence(f"{outcome}{f' in {took(seconds)}' if seconds else ''}, by {entry.get('who')}", indent="    ")
        told += sentence(str(entry.get("reason", "")), Tone.FAINT, "    ")
    return told or [Line("Nothing is recorded.")]
