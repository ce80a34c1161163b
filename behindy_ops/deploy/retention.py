"""Which images can be removed after a deploy; why not by ``docker image prune``: docs/design.md, "Image retention"."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from behindy_ops.facts.image import Image

KEEP = 2
"""Images of a repository that stay, by creation time."""


@dataclass(frozen=True, slots=True)
class Tidy:
    """What to remove and what stays.

    Attributes:
        remove: references (``repo:tag``, ``repo@digest``) and ids of dangling images, for ``docker rmi``.
        freed: bytes the images hold, at most (layers may be shared).
    """

    remove: tuple[str, ...]
    kept: tuple[str, ...]
    removed_images: int
    freed: int


def choose(images: Iterable[Image], repository: str, protected: Collection[str]) -> Tidy:
    """Decide what to remove.

    Args:
        images: the images of the repository and the dangling ones, each once.
        protected: image ids that must stay: in use by any container, just replaced, or the rollback target.

    Returns:
        what to remove; an image that another repository names too loses only this repository's names.
    """
    everything = list(images)
    own = [image for image in everything if image.references(repository)]
    own.sort(key=lambda image: image.created, reverse=True)
    keep = {image.id for image in own[:KEEP]} | set(protected)
    going = [image for image in own if image.id not in keep]
    dangling = [
        image for image in everything if not image.tags and not image.digests and image.id not in set(protected)
    ]
    references = [reference for image in going for reference in image.references(repository)]
    return Tidy(
        remove=tuple(references + [image.id for image in dangling]),
        kept=tuple(image.id for image in own if image.id in keep),
        removed_images=len(going) + len(dangling),
        freed=sum(image.size for image in going + dangling),
    )
