"""Which release a plain rollback goes to."""

from __future__ import annotations

from dataclasses import replace

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


def made(number: int, identity: str, previous: int = 0, status: str = "stands") -> Release:
    before = f"2027010{previous}-000000-aaaa" if previous else ""
    return release("backend", number, identity, previous=before, status=status)


@pytest.mark.parametrize(
    ("releases", "previous", "number"),
    [
        ((made(1, "1"), made(9, "9", 1), made(2, "2", 9)), 2, 2),  # 9: by a clock that was ahead
        ((made(1, "1"), made(9, "9", 1), made(2, "2", 9, "rolled-back")), 2, 9),
        ((made(1, "1"), made(9, "9", 1), made(2, "4", 9)), 2, 2),  # the same image, another configuration
        ((made(1, "1"), made(9, "9", 1, "failed"), made(2, "2", 9, "failed")), 2, 1),
        ((made(1, "1", 2), made(2, "2", 1, "failed")), 2, 1),  # in a circle
        ((made(1, "1"), made(3, "3", 1)), 2, 3),  # what was before it is forgotten
        ((made(1, "1"), made(3, "3", 1)), 0, 3),
    ],
)
def test_what_was_before_it_the_live_containers_label_tells(
    releases: tuple[Release, ...], previous: int, number: int
) -> None:
    label = f"2027010{previous}-000000-aaaa" if previous else ""
    live = replace(LIVE, labels={**LIVE.labels, Labels.previous: label})
    found = previous_release(survey(live, releases=releases), "backend")
    assert (found and found.tag) == f"v{number}"
