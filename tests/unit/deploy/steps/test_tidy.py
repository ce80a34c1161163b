"""Removing old images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.tidy import Tidy, to_remove
from behindy_ops.facts.image import Image
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import LIVE, answer, state_of


def with_images(state: State) -> State:
    images = tuple(Image(f"sha256:{number}", (f"me/web:v{number}",), (), str(number)) for number in (0, 1))
    return replace(
        state,
        survey=replace(state.survey, images=(*images, Image("sha256:x", ("me/web:latest", "me/web:old"), (), "0"))),
    )


def test_the_newest_two_and_what_is_in_use_stay() -> None:
    state = with_images(state_of(image=Image("sha256:2", ("me/web:v2", "me/web:latest"), (), "2")))
    assert Tidy().command(state).argv[4:] == ("me/web:v0", "me/web:old")
    assert LIVE.image_id == "sha256:1"


def test_a_tag_that_moved_is_not_taken_from_the_image_that_has_it_now() -> None:
    state = with_images(state_of(image=Image("sha256:2", ("me/web:v2", "me/web:latest"), (), "2")))
    assert "me/web:latest" not in to_remove(state).remove


def test_it_is_needless_where_nothing_goes() -> None:
    assert Tidy().needless(state_of())
    assert not Tidy().needless(state_of(image=None))


def test_before_the_image_is_known_it_stands_by_name_in_the_plan() -> None:
    assert Tidy().command(state_of(image=None)).argv[4:] == ("<images no rollback needs>",)
    with pytest.raises(ValueError, match="not known"):
        to_remove(state_of(image=None))


def test_images_that_stay_are_reported() -> None:
    state = with_images(state_of())
    assert Tidy().read(state, answer()).detail == "kept 3, removed 1"
    (event,) = Tidy().read(state, answer(code=1, err="image is in use")).events
    assert isinstance(event, Warning_)
    assert "image is in use" in event.text
