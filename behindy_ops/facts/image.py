"""What docker says of images, as plain data, and the template that asks for it."""

from __future__ import annotations

import json
from dataclasses import dataclass

IMAGE_TEMPLATE = (
    '{"id":{{json .Id}},"tags":{{json .RepoTags}},"digests":{{json .RepoDigests}},'
    '"created":{{json .Created}},"size":{{json .Size}},"architecture":{{json .Architecture}}}'
)


@dataclass(frozen=True, slots=True)
class Image:
    """An image on the host. ``created``: when it was built; ``size`` in bytes; ``architecture`` as Docker names it."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    created: str = ""
    size: int = 0
    architecture: str = ""

    def references(self, repository: str) -> tuple[str, ...]:
        """Return the names under which this image belongs to ``repository``: ``repo:tag`` and ``repo@digest``."""
        tags = tuple(tag for tag in self.tags if tag.rpartition(":")[0] == repository)
        return tags + tuple(digest for digest in self.digests if digest.partition("@")[0] == repository)

    def digest(self, repository: str) -> str:
        """Return ``sha256:...`` of this image in ``repository``, or an empty string."""
        named = (digest.partition("@") for digest in self.digests)
        return next((value for name, _, value in named if name == repository), "")


def parse_image(line: str) -> Image:
    """Read one line printed with :data:`IMAGE_TEMPLATE`.

    Raises:
        ValueError: it is not such a line.
    """
    data = json.loads(line)
    return Image(
        id=data["id"],
        tags=tuple(data["tags"] or ()),
        digests=tuple(data["digests"] or ()),
        created=data["created"],
        size=data["size"],
        architecture=data.get("architecture", ""),
    )
