"""What an operator may want, made from what was surveyed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.deploy import goals
from behindy_ops.errors import Kind
from behindy_ops.facts.image import Image
from behindy_ops.facts.release import Release
from behindy_ops.facts.survey import Survey
from behindy_ops.project.settings import Settings
from tests.kinds import raises
from tests.unit.deploy.states import LIVE, SERVICE

R1 = Release("r1", "web", "me/web", "v1", "sha256:" + "a" * 64, "sha256:1", status="stands")
R0 = Release("r0", "web", "other/web", "v0", "", "sha256:0", config="c0", status="stands")
BAD = Release("r2", "web", "me/web", "v2", "sha256:" + "b" * 64, "sha256:2", status="failed")
SURVEY = Survey(containers={"web": LIVE}, releases=(R0, R1, BAD), images=(Image("sha256:0"),))


@pytest.mark.parametrize("wanted", ["r1", "v1", "sha256:" + "a" * 12, "a" * 12])
def test_a_release_is_found_by_id_tag_or_the_beginning_of_its_digest(wanted: str) -> None:
    assert goals.find_target(SURVEY.released("web"), wanted) is R1


@pytest.mark.parametrize("wanted", ["sha256:" + "c" * 64, "c" * 12])
def test_one_that_came_from_no_registry_is_found_by_the_beginning_of_its_id(wanted: str) -> None:
    sent = replace(R0, image_id="sha256:" + "c" * 64)
    assert goals.find_target([R1, sent], wanted) is sent


@pytest.mark.parametrize("wanted", ["r2", "r3", "a" * 11, "nowhere"])
def test_one_that_failed_or_was_never_proven_or_is_not_there_is_no_goal(wanted: str) -> None:
    unproven = replace(BAD, id="r3", status="candidate")
    with raises(Kind.USAGE, match="No earlier release"):
        goals.find_target([*SURVEY.released("web"), unproven], wanted)


def test_a_rollback_takes_the_releases_own_repository_image_and_configuration() -> None:
    goal = goals.rollback(SURVEY, SERVICE)
    assert (goal.kind, goal.target, goal.force) == ("rollback", R0, True)
    release = goal.release(SERVICE, Settings(), SURVEY)
    assert (release.repository, release.config, release.image_id) == ("other/web", "c0", "sha256:0")
    assert goal.image(SURVEY) == Image("sha256:0")


def test_a_release_that_can_neither_be_found_nor_pulled_is_refused_before_anything_is_done() -> None:
    with raises(Kind.IMAGE_NOT_FOUND, match="no digest to pull"):
        goals.rollback(replace(SURVEY, images=()), SERVICE)


def test_without_a_previous_release_there_is_no_way_back() -> None:
    with raises(Kind.USAGE, match="no previous release"):
        goals.rollback(replace(SURVEY, releases=(R1,)), SERVICE)


def test_a_restart_needs_a_live_release_that_the_host_remembers() -> None:
    assert goals.restart(SURVEY, SERVICE).target is R1
    with raises(Kind.USAGE, match="not deployed"):
        goals.restart(replace(SURVEY, containers={}), SERVICE)
    with raises(Kind.USAGE, match="not started by this tool"):
        goals.restart(replace(SURVEY, releases=()), SERVICE)


def test_a_new_release_has_its_image_in_angle_brackets_until_it_was_pulled() -> None:
    goal = goals.Goal(tag="v3")
    release = goal.release(SERVICE, Settings(), replace(SURVEY, config={"web": "now"}))
    assert (release.digest, release.image_id, release.config) == ("<digest>", "<image>", "now")
    assert goal.image(SURVEY) is None
