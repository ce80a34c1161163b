"""Which images of a service stay on the host beside those in use and the one that a rollback needs. Pure.

See docs/design.md, "Image retention".
"""

from __future__ import annotations

from collections.abc import Collection

from behindy_ops.facts.image import Image
from behindy_ops.facts.release import Release

KEEP = 2
"""Images of a repository that stay, by whether they were good, then by creation time."""


def newest_good(images: Collection[Image], releases: Collection[Release]) -> tuple[Image, ...]:
    """Return the newest :data:`KEEP` images of a repository of which nothing bad is known.

    An image of a release that stood comes before one that no release is known of (somebody pulled it, or the host has
    forgotten its release), and both before one of releases that were all refused, left by a rollback or never proven.

    Args:
        images: those of the repository, each once.
        releases: what the host remembers of the service.
    """
    statuses: dict[str, set[str]] = {}
    for release in releases:
        statuses.setdefault(release.image_id, set()).add(release.status)

    def rank(image: Image) -> tuple[int, str]:
        known = statuses.get(image.id)
        return 1 if known is None else 2 if "stands" in known else 0, image.created

    return tuple(sorted(images, key=rank, reverse=True)[:KEEP])
