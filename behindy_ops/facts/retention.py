"""Which images of a service stay on the host beside those in use: the live release's, and its previous good one's.

Pure. See docs/design.md, "Image retention".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from behindy_ops.facts.image import Image, parse_image
from behindy_ops.facts.release import Labels, Release, released_as
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.rollback import good_before, previous_release
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


@dataclass(frozen=True, slots=True)
class NodeImages:
    """What a further node of a swarm has.

    Attributes:
        images: those of the services' repositories.
        used: the ids of images that its containers have.
        size: bytes of the disk with Docker's data; ``free`` of them.
    """

    images: tuple[Image, ...] = ()
    used: frozenset[str] = frozenset()
    size: int = 0
    free: int = 0

    @classmethod
    def parse(cls, reply: Reply) -> Self:
        """Read what deploy/images.sh printed."""
        room = reply.values("room")
        return cls(
            tuple(map(parse_image, reply.lines("images"))),
            frozenset(reply.lines("used")),
            int(room.get("size", 0)),
            int(room.get("free", 0)),
        )

    def going(self, survey: Survey, repositories: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the images that go there: none of a container's, and of none that stays on the host.

        Two engines may have one image by two ids (containerd's is that of its manifest), and the same digest. One
        without a name stays: nothing tells whose it is.
        """
        ids, digests = kept(survey)
        return tuple(
            name
            for image in self.images
            if image.id not in self.used | ids and not _has(image, digests)
            for repository in repositories
            for name in image.references(repository)
        )


def _has(image: Image, digests: Collection[str]) -> bool:
    return any(named.partition("@")[2] in digests for named in image.digests)


def kept(survey: Survey) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ids and the digests of the images that stay, of all services that the host knows of."""
    containers = survey.containers.values()
    ids = {container.image_id for container in containers}
    digests = {container.labels.get(Labels.digest, "") for container in containers}
    for service in {release.service for release in survey.releases} | set(survey.containers):
        for release in (*needed_by(survey, service), previous_release(survey, service)):
            if release is not None:
                ids.add(release.image_id)
                digests.add(release.digest)
    return frozenset(ids - {""}), frozenset(digests - {""})
