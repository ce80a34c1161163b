"""Whether an image fits onto the disk, and when it is time to make room."""

from __future__ import annotations

import pytest

from behindy_ops.checks import disk
from behindy_ops.checks.check import Check, Facts, Level
from behindy_ops.errors import Kind
from behindy_ops.facts.image import Image
from behindy_ops.facts.manifest import Manifests
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service
from tests.kinds import kind_of

MB = 2**20
BACKEND = Service("backend", "me/behindy-backend:latest", 8080, "/h", "/api/h", "/api/h")
FRONTEND = Service("frontend", "me/behindy-frontend:latest", 3000, "/", "/", "/")
IMAGE = "me/behindy-backend:new"


def host(free: int, *sizes: int) -> Survey:
    """A disk with so many MB free, and images of backend of so many MB."""
    images = tuple(
        Image(f"i{number}", (f"me/behindy-backend:v{number}",), size=size * MB) for number, size in enumerate(sizes)
    )
    return Survey(disk=(8000 * MB, free * MB), images=images)


def examine(survey: Survey, new: int | None = None, *services: Service) -> Check:
    manifests = None if new is None else Manifests({IMAGE: {"a": new * MB}}, {})
    facts = Facts(survey=survey, services=services or (BACKEND,), image=IMAGE, manifests=manifests)
    (check,) = disk.disk(facts)
    return check


@pytest.mark.parametrize(
    ("survey", "new", "level"),
    [
        (host(812, 100, 300), None, Level.OK),
        (host(811, 100, 300), None, Level.REFUSAL),
        (host(1535), None, Level.REFUSAL),
        (host(1536), None, Level.OK),
        (host(811, 300), 10, Level.OK),
        (host(521, 300), 10, Level.REFUSAL),
    ],
)
def test_an_image_fits_when_the_reserve_stays_free(survey: Survey, new: int | None, level: Level) -> None:
    check = examine(survey, new)
    assert check.level is level
    assert check.level is Level.OK or kind_of(check.error()) is Kind.DISK_FULL


def test_of_several_services_the_largest_image_counts() -> None:
    assert "an image of frontend takes about 1024 MB" in examine(host(4000, 300), None, BACKEND, FRONTEND).found


def test_a_registry_that_did_not_tell_leaves_the_image_on_the_host_as_the_measure() -> None:
    (check,) = disk.disk(
        Facts(survey=host(811, 300), services=(BACKEND,), image=IMAGE, manifests=Manifests({}, {IMAGE: "denied"}))
    )
    assert "an image of backend takes about 300 MB" in check.found


@pytest.mark.parametrize(("free", "problem"), [(3072, None), (3071, "disk nearly full"), (1535, "disk full")])
def test_a_host_is_warned_while_there_is_time(free: int, problem: str | None) -> None:
    (check,) = disk.roomy(Facts(survey=host(free)))
    assert (check.problem and check.problem.name) == problem


def test_a_disk_that_cannot_be_read_is_no_reason_to_refuse() -> None:
    assert examine(Survey()).level is Level.WARNING
