"""Which release a plain rollback goes to."""

from __future__ import annotations

import pytest

from behindy_ops.facts.release import Labels, Release
from behindy_ops.facts.rollback import previous_release
from tests.unit.ops_facts import container, release, survey

LIVE = container("backend", image_id="sha256:4", labels={Labels.release: "20270104-000000-aaaa", Labels.config: "new"})


@pytest.mark.parametrize(
    ("releases", "number"),
    [
        ((release("backend", 2, "2"), release("backend", 3, "3")), 3),
        ((release("backend", 2, "2"), release("backend", 3, "3", status="failed")), 2),
        ((release("backend", 2, "2"), release("backend", 3, "3", status="rolled-back")), 2),
        ((release("backend", 2, "2"), release("backend", 3, "4", config="new")), 2),
        ((release("backend", 2, "2"), release("backend", 3, "4", config="old")), 3),
        ((release("backend", 2, "2"), release("backend", 4, "4", config="old")), 2),
        ((release("frontend", 3, "3"),), None),
    ],
)
def test_it_is_the_newest_that_stood_and_differs_from_the_live_one(
    releases: tuple[Release, ...], number: int | None
) -> None:
    found = previous_release(survey(LIVE, releases=releases), "backend")
    assert (found and found.tag) == (number and f"v{number}")


def test_without_a_live_container_it_is_the_newest_that_stood() -> None:
    found = previous_release(survey(releases=(release("backend", 1, "1"), release("backend", 2, "2"))), "backend")
    assert found is not None
    assert found.tag == "v2"
