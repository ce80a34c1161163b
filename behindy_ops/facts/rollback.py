"""What a rollback would go to, by what the host remembers. Pure."""

from __future__ import annotations

from behindy_ops.facts.release import Release, released_as
from behindy_ops.facts.survey import Survey

_FAILED = frozenset({"failed", "candidate", "rolled-back"})
"""Statuses of releases that are never offered as the previous one: they did not stand, or were judged bad."""


def previous_release(survey: Survey, service: str) -> Release | None:
    """Return what a plain rollback goes to: the newest release that stood and differs from the live one, or None."""
    live = survey.trio(service).live
    current = released_as(live) if live else None
    for release in survey.released(service):
        same = current is not None and (release.image_id, release.config) == (current.image_id, current.config)
        if release.status not in _FAILED and not same and (current is None or release.id != current.id):
            return release
    return None
