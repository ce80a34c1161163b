"""What a rollback would go to, by what the host remembers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from behindy_ops.facts.release import Release, released_as
from behindy_ops.facts.survey import Survey


def previous_release(survey: Survey, service: str) -> Release | None:
    """Return what a plain rollback goes to, or None."""
    live = survey.trio(service).live
    return previous_of(released_as(live) if live else None, survey.released(service))


def previous_of(current: Release | None, releases: Sequence[Release]) -> Release | None:
    """Return the release before the current one that stood and differs from it, or None; see :func:`good_before`."""
    return next(good_before(current, releases), None)


def good_before(current: Release | None, releases: Sequence[Release]) -> Iterator[Release]:
    """Return the releases that stood and differ from the current one, the one right before it first.

    What was before it the live container's own label tells, and of each release what is kept of it; only where those
    lead no further is it the newest. One may come twice.

    Args:
        releases: those the host remembers, newest first.
    """
    for release in (*_before(current, releases), *releases):
        same = current is not None and (release.image_id, release.config) == (current.image_id, current.config)
        if release.status == "stands" and not same and (current is None or release.id != current.id):
            yield release


def _before(current: Release | None, releases: Sequence[Release]) -> Iterator[Release]:
    known = {release.id: release for release in releases}
    release = current
    while release is not None:
        release = known.pop(release.previous, None)
        if release is not None:
            yield release
