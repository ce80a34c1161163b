"""Whether the registry has the image that is to be deployed."""

from __future__ import annotations

import pytest

from behindy_ops.checks.check import Check, Facts, Level, first_refusal
from behindy_ops.checks.images import built_here, image
from behindy_ops.errors import Kind
from behindy_ops.facts.image import Image
from behindy_ops.facts.manifest import Manifests
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service
from tests.kinds import kind_of

IMAGE = "me/behindy-backend:v2"
BACKEND = Service("backend", "${BEHINDY_IMAGE_PREFIX}/behindy-backend", 8080, "/", "/", None)


def examine(manifests: Manifests | None) -> list[Check]:
    return list(image(Facts(survey=Survey(), image=IMAGE, manifests=manifests)))


@pytest.mark.parametrize(
    ("manifests", "level", "words"),
    [
        (Manifests({IMAGE: {"a": 1}}, {}), Level.OK, f"the registry has {IMAGE}"),
        (Manifests({}, {IMAGE: "no such manifest: docker.io/me"}), Level.REFUSAL, f"There is no image {IMAGE}."),
        (Manifests({}, {IMAGE: "manifest unknown"}), Level.REFUSAL, f"There is no image {IMAGE}."),
        (Manifests({}, {IMAGE: "denied"}), Level.WARNING, f"The registry refused to give {IMAGE}. It said: denied"),
        (Manifests({}, {IMAGE: "hm"}), Level.WARNING, f"Could not ask for {IMAGE}. It said: hm"),
        (
            Manifests({IMAGE: {"a": 1}}, {}, {IMAGE: ("arm64",)}, "amd64"),
            Level.REFUSAL,
            f"{IMAGE} is built for arm64, and the host is amd64.",
        ),
        (Manifests({}, {}), Level.WARNING, "no answer"),
    ],
)
def test_an_image_that_is_not_there_is_refused_and_a_silent_registry_is_not(
    manifests: Manifests, level: Level, words: str
) -> None:
    (check,) = examine(manifests)
    assert check.level is level
    assert words in check.found
    assert level is not Level.REFUSAL or kind_of(first_refusal([check])) is Kind.IMAGE_NOT_FOUND


def test_a_registry_that_was_not_asked_is_not_judged() -> None:
    assert examine(None) == []


def test_an_image_with_a_digest_came_from_a_registry() -> None:
    images = (Image("pulled", (IMAGE,), ("me/behindy-backend@sha256:d",)), Image("built", ("me/behindy-backend:dev",)))
    (check,) = built_here(Facts(survey=Survey(images=images), services=(BACKEND,), image_prefix="me"))
    assert check.evidence == ("me/behindy-backend:dev",)


def test_an_image_that_was_sent_was_not_built_on_the_host() -> None:
    sent = Image("sent", ("me/behindy-backend:dev", "me/behindy-backend:local-0123456789ab"))
    assert not list(built_here(Facts(survey=Survey(images=(sent,)), services=(BACKEND,), image_prefix="me")))
