"""Which images stay and why, and which may go: the rule a deploy tidies by, for all services at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.deploy.retention import KEEP, choose
from behindy_ops.facts.release import previous_release
from behindy_ops.project.services import repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from behindy_ops.facts.container import Image
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service

__all__ = ["KeptImage", "Repository", "judge", "protected_images", "references_to_remove"]


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image of a service's repository, or a dangling one.

    :param names: its tags and digests in this repository; empty for a dangling one.
    :param size: bytes with all layers; ``own`` those of layers no other image has, -1 if unknown.
    :param why: why it stays; empty when ``ops.prune`` removes it.
    """

    id: str
    names: tuple[str, ...]
    created: str
    size: int
    own: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """A service's images, newest first; ``service`` and ``name`` are empty for dangling images."""

    service: str
    name: str
    images: tuple[KeptImage, ...]


def protected_images(survey: Survey, services: Sequence[Service]) -> dict[str, list[str]]:
    """Return image id to the reasons why it must stay: a container has it, or a rollback would need it.

    An older release that is offered is pulled again by its digest, so only one without a digest needs its image here.
    """
    reasons: dict[str, list[str]] = {}
    for container in survey.containers.values():
        reasons.setdefault(container.image_id, []).append(_in_use(container.name, services))
    for service in services:
        previous = previous_release(survey, service.name)
        if previous is not None:
            reasons.setdefault(previous.image_id, []).append(f"rollback of {service.name} ({previous.tag})")
        for release in survey.released(service.name):
            if release.status in ("stands", "rolled-back") and not release.digest and release != previous:
                reasons.setdefault(release.image_id, []).append(f"release {release.id} has no digest to pull")
    return reasons


def _in_use(name: str, services: Sequence[Service]) -> str:
    for service in services:
        if name == service.name:
            return f"live {name}"
        if name in (f"{service.name}-green", f"{service.name}-blue"):
            return name
    return f"in use by {name}"


def judge(
    survey: Survey, services: Sequence[Service], image_prefix: str, own: dict[str, int]
) -> tuple[Repository, ...]:
    """Say of each image of the services, and of each dangling one, why it stays or that it may go.

    :param own: image id to the bytes of layers no other image has.
    """
    reasons = protected_images(survey, services)
    found = []
    for service in services:
        name = repository(service, image_prefix)
        mine = sorted((image for image in survey.images if image.references(name)), key=lambda image: image.created)
        mine.reverse()
        newest = {image.id for image in mine[:KEEP]}
        kept = [_judged(image, name, reasons, newest, own) for image in mine]
        found.append(Repository(service.name, name, tuple(kept)))
    dangling = [image for image in survey.images if not image.tags and not image.digests]
    if dangling:
        kept = [_judged(image, "", reasons, set(), own) for image in dangling]
        found.append(Repository("", "", tuple(kept)))
    return tuple(found)


def _judged(image: Image, name: str, reasons: dict[str, list[str]], newest: set[str], own: dict[str, int]) -> KeptImage:
    why = list(reasons.get(image.id, []))
    if image.id in newest:
        why.append("newest two")
    names = image.references(name) if name else ()
    return KeptImage(image.id, names, image.created, image.size, own.get(image.id, -1), tuple(why))


def references_to_remove(survey: Survey, services: Sequence[Service], image_prefix: str) -> tuple[str, ...]:
    """Return what to remove, each once: names of images of the services, ids of dangling ones."""
    protected = protected_images(survey, services)
    found: Iterable[str] = (
        reference
        for service in services
        for reference in choose(survey.images, repository(service, image_prefix), protected).remove
    )
    return tuple(dict.fromkeys(found))
