"""Which images of a service stay on the host beside those in use: the live release's, and its previous good one's.

Pure. See docs/design.md, "Image retention".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from behindy_ops.facts.release import Release, released_as
from behindy_ops.facts.rollback import good_before
from behindy_ops.facts.survey import Survey


def needed(live: Release | None, releases: Sequence[Release]) -> tuple[Release, ...]:
    """Return the live release and the good one before it that has another image: the two whose images stay.

    Where nothing is live, the newest that stood is what was. A rollback goes to either of the two images: to the live
    one where only the configuration changed since.

    Args:
        releases: those the host remembers, newest first; one that was refused or left by a rollback is never needed.
    """
    live = live or next(good_before(None, releases), None)
    if live is None:
        return ()
    before = (release for release in good_before(live, releases) if release.image_id != live.image_id)
    return (live, *islice(before, 1))


def needed_by(survey: Survey, service: str) -> tuple[Release, ...]:
    """Return the releases of a service whose images stay, by what was seen."""
    live = survey.trio(service).live
    return needed(released_as(live) if live else None, survey.released(service))
