"""Remove old images: the live release's stays, and that of its previous good one; a failure is reported, no more.

Which, and why not by ``docker image prune``: docs/design.md, "Image retention".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from behindy_ops.deploy.state import State, unknown
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.facts.image import Image
from behindy_ops.facts.retention import needed, needed_by
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project.services import replicas
from behindy_ops.report.events import Warning_

MOST = 200
"""Images that one deploy removes at most: a host that nobody tidied has thousands, and each takes 20 ms or more."""


class Tidy(Step):
    """By name, never forced: Docker refuses those in use."""

    name = "tidy"
    said = "Remove old images"

    def needless(self, state: State) -> bool:
        return state.image is not None and not to_remove(state).references

    def command(self, state: State) -> Command:
        references = to_remove(state).references if state.image else (unknown("images no rollback needs"),)
        return Command(script("deploy/tidy", *references), title="remove old images", timeout=120, changes=True)

    def read(self, state: State, result: Result) -> Read:
        old = to_remove(state)
        if result.ok:
            rest = f"; {old.rest} more go with the next deploys, or now: inv ops.prune" if old.rest else ""
            return Read(state, f"kept {len(old.kept)}, removed {old.count}{rest}")
        told = Warning_(f"Old images could not all be removed: {' '.join(result.last_lines(2))}")
        return Read(state, "some could not be removed", events=(told,))


@dataclass(frozen=True, slots=True)
class Old:
    """What to remove and what stays.

    Attributes:
        references: (``repo:tag``, ``repo@digest``) and ids of dangling images, for ``docker rmi``.
        count: images that these are.
        kept: ids of the repository's images that stay.
        rest: images beyond :data:`MOST`, which another deploy removes.
    """

    references: tuple[str, ...]
    count: int
    kept: tuple[str, ...]
    rest: int = 0


def to_remove(state: State) -> Old:
    """Decide which images go, from what the survey saw and what was pulled since."""
    if state.image is None:
        raise ValueError("the image is not known yet")
    moved = set(state.image.tags)  # a pulled tag has left the image it was on when the survey looked
    images = {
        image.id: replace(image, tags=tuple(tag for tag in image.tags if tag not in moved))
        for image in state.survey.images
    }
    images[state.image.id] = state.image
    in_use = {container.image_id for container in state.survey.containers.values()}
    in_use |= {state.image.id} | ({state.live.image_id} if state.live else set())
    made = replace(state.release, image_id=state.image.id, status="stands")
    stay = [*needed(made, state.earlier)]
    own = {each.name for each in replicas(state.service)}
    for other in {release.service for release in state.survey.releases} - own:  # of one repository
        stay += needed_by(state.survey, other)
    return choose(images.values(), state.release.repository, in_use | {release.image_id for release in stay})


def choose(images: Collection[Image], repository: str, protected: Collection[str]) -> Old:
    """Decide what to remove; an image that another repository names too loses only this repository's names.

    Args:
        images: the images of the repository and the dangling ones, each once.
        protected: image ids that must stay: in use by any container, just replaced, or needed for a rollback.
    """
    own = [image for image in images if image.references(repository)]
    own.sort(key=lambda image: image.created, reverse=True)
    dangling = [image for image in images if not image.tags and not image.digests and image.id not in protected]
    every = [*dangling, *(image for image in own if image.id not in protected)]
    going = every[-MOST:]  # the oldest first
    return Old(
        tuple(name for image in going for name in image.references(repository) or (image.id,)),
        len(going),
        tuple(image.id for image in own if image.id in protected),
        len(every) - len(going),
    )
