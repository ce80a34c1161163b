"""Views on what was deployed: status, releases, history. They only read, and take no lock."""

from __future__ import annotations

import json as json_
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from behindy_ops.facts.release import Offered, offered
from behindy_ops.host.command import Command, script
from behindy_ops.views import status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.host.session import Session


__all__ = ["history_lines", "history_text", "show_history", "show_releases", "show_status"]

HISTORY_LINES = 500
"""Lines of the history that are fetched at most."""


def show_status(session: Session, *, json: bool) -> str:
    """Return how the services are, as text or JSON."""
    survey = session.look()
    found = [status.describe(survey, service) for service in session.services]
    return status.as_json(found) if json else status.as_text(found, session.settings.host)


def show_releases(session: Session, name: str, *, json: bool) -> str:
    """Return the releases of a service that can be rolled back to, newest first."""
    found = offered(session.look(), name)
    if json:
        flat = [
            asdict(one.release) | {"live": one.live, "previous": one.previous, "on_disk": one.on_disk} for one in found
        ]
        return json_.dumps({"service": name, "releases": flat}, ensure_ascii=False, indent=2) + "\n"
    return releases_text(name, found)


def releases_text(name: str, found: Sequence[Offered]) -> str:
    """Return the releases as a table of 80 columns."""
    if not found:
        return f"No release of {name} is remembered on the host.\n"
    lines = [f"{'release':<21} {'tag':<20} {'what it is':<22} image"]
    for one in found:
        words = _what(one)
        tag = one.release.tag if len(one.release.tag) <= 20 else one.release.tag[:17] + "..."
        lines.append(f"{one.release.id:<21} {tag:<20} {words:<22} {'on disk' if one.on_disk else 'not on disk'}")
    lines.append(f"Back to the previous: inv deploy.rollback {name}")
    lines.append("Back to another: add --to RELEASE, TAG or DIGEST")
    return "\n".join(lines) + "\n"


def _what(one: Offered) -> str:
    if one.live:
        return "live"
    if one.previous:
        return "previous"
    return {"failed": "failed, not offered", "candidate": "never proven", "stands": "stood"}.get(
        one.release.status, "rolled back from"
    )


def show_history(session: Session, name: str, *, json: bool) -> str:
    """Return what was done on the host, oldest first."""
    command = Command(script("ops/history", session.paths.history, str(HISTORY_LINES)), title="read the history")
    text = session.host.run(command).require().stdout
    entries = history_lines(text, name)
    if json:
        return "".join(json_.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    return history_text(entries)


def history_lines(text: str, name: str) -> list[dict[str, Any]]:
    """Return the entries in a history file's text, of one service if it is named; a torn line is passed over."""
    entries = []
    for line in text.splitlines():
        try:
            entry = json_.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and name in ("", entry.get("service")):
            entries.append(entry)
    return entries


def history_text(entries: Sequence[dict[str, Any]]) -> str:
    """Return one line for each thing that was done; what was begun and never ended is shown as such."""
    ended = {entry.get("release") for entry in entries if entry.get("event") == "ended"}
    lines = []
    for entry in entries:
        if entry.get("event") == "begun" and entry.get("release") in ended:
            continue
        outcome = entry.get("outcome", "begun, no end recorded")
        seconds = sum(entry.get("seconds", {}).values())
        took = f" in {seconds:.0f} s" if seconds else ""
        lines.append(
            f"{str(entry.get('at', ''))[:19]}  {entry.get('kind')} of {entry.get('service')}:{entry.get('tag')}"
        )
        lines.append(f"    {outcome}{took}, by {entry.get('who')}")
        if entry.get("reason"):
            lines.extend(textwrap.wrap(str(entry["reason"]), 79, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines) + "\n" if lines else "Nothing is recorded.\n"
