"""Images: does the registry have the one to deploy, and the host the one to go back to? Pure."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Problem, Risk, ok
from behindy_ops.errors import Kind
from behindy_ops.facts.local_image import OWN_TAG
from behindy_ops.facts.pull import cause
from behindy_ops.facts.rollback import previous_release
from behindy_ops.project.services import repository

NO_IMAGE = Problem(
    "image missing",
    "the registry has no such image or tag",
    "Check --tag, and that the build has pushed it.",
    kind=Kind.IMAGE_NOT_FOUND,
)
OTHER_ARCHITECTURE = Problem(
    "image architecture",
    "the image is built for another architecture than the host's",
    "Build it for the host's platform (docker build --platform) and push it.",
    kind=Kind.IMAGE_NOT_FOUND,
)
NOT_TOLD = Risk(
    "registry silent",
    "the registry does not answer whether it has the image",
    "A deploy will try to pull it.",
)
NO_ROLLBACK_IMAGE = Risk(
    "rollback image gone",
    "the image of the previous release is not on the host",
    "A rollback pulls it again by its digest, while the registry has it. To clean up: inv ops.prune, which keeps it.",
    "A rollback has to pull first, or cannot be done.",
    helps="",
)
BUILT_HERE = Risk(
    "built on the host",
    "an image of the service came from no registry",
    "Build on GitHub's runners and push; deploys pull. Remove it: inv ops.prune",
    "The host runs out of memory while it builds.",
)


def image(facts: Facts) -> Iterable[Check]:
    """Whether the registry has the image, where it was asked."""
    if facts.manifests is None:
        return
    said = facts.manifests.refused.get(facts.image, "no answer")
    if facts.image in facts.manifests.foreign:
        built_for, host = ", ".join(facts.manifests.foreign[facts.image]), facts.manifests.architecture
        yield OTHER_ARCHITECTURE.check("image", f"{facts.image} is built for {built_for}, and the host is {host}.")
    elif facts.image in facts.manifests.layers:
        yield ok("image", f"{facts.manifests.source} has {facts.image}")
    elif "no such manifest" in said or "manifest unknown" in said:
        yield NO_IMAGE.check("image", f"There is no image {facts.image}.")
    else:
        found = cause(said, facts.image)
        yield NOT_TOLD.check("image", f"{found.what if found else f'Could not ask for {facts.image}.'} It said: {said}")


def rollback_image(facts: Facts) -> Iterable[Check]:
    """``docker image prune -a`` removes an image that a rollback would need."""
    there = {found.id for found in facts.survey.images}
    for service in facts.services:
        previous = previous_release(facts.survey, service.name)
        if previous is not None and previous.image_id not in there:
            yield NO_ROLLBACK_IMAGE.check(
                "images",
                f"The image of the previous release ({previous.tag}) is no longer on the host; `docker image prune -a` "
                "removes such images.",
                subject=service.name,
                evidence=(f"release {previous.id}: {previous.image_id[:19]}",),
            )


def built_here(facts: Facts) -> Iterable[Check]:
    """Building needs memory that the host has not."""
    for service in facts.services:
        own = repository(service, facts.image_prefix)
        sent = f"{own}:{OWN_TAG}"
        tags = {
            tag
            for found in facts.survey.images
            if not found.digests and not any(tag.startswith(sent) for tag in found.tags)
            for tag in found.references(own)
        }
        if tags:
            yield BUILT_HERE.check(
                "images",
                "An image of this service came from no registry: it was built here.",
                subject=service.name,
                evidence=sorted(tags)[:3],
            )
