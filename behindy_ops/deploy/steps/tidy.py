"""Remove old images: the newest two of the repository stay; a failure is reported, and the deploy stands."""

from __future__ import annotations

from behindy_ops.deploy import retention
from behindy_ops.deploy.state import State, unknown
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.facts.image import Image
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Warning_


class Tidy(Step):
    """By name, never forced: Docker refuses those in use."""

    name = "tidy"
    said = "Remove old images"

    def needless(self, state: State) -> bool:
        return state.image is not None and not to_remove(state).remove

    def command(self, state: State) -> Command:
        references = to_remove(state).remove if state.image else (unknown("images no rollback needs"),)
        return Command(script("deploy/tidy", *references), title="remove old images", timeout=120, changes=True)

    def read(self, state: State, result: Result) -> Read:
        plan = to_remove(state)
        if result.ok:
            return Read(state, f"kept {len(plan.kept)}, removed {plan.removed_images}")
        told = Warning_(f"Old images could not all be removed: {' '.join(result.last_lines(2))}")
        return Read(state, "some could not be removed", events=(told,))


def to_remove(state: State) -> retention.Tidy:
    """Decide which images go, from what the survey saw and what was pulled since."""
    if state.image is None:
        raise ValueError("the image is not known yet")
    moved = set(state.image.tags)  # a pulled tag has left the image it was on when the survey looked
    images = {
        image.id: Image(
            image.id,
            tuple(tag for tag in image.tags if tag not in moved),
            image.digests,
            image.created,
            image.size,
        )
        for image in state.survey.images
    }
    images[state.image.id] = state.image
    in_use = {container.image_id for container in state.survey.containers.values()}
    protected = in_use | {state.image.id} | ({state.live.image_id} if state.live else set())
    return retention.choose(images.values(), state.release.repository, protected)
