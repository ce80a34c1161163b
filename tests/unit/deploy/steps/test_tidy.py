"""Removing old images: never one in use, never the rollback target, never another repository's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.tidy import MOST, Tidy, choose, to_remove
from behindy_ops.facts.image import Image
from behindy_ops.facts.release import Release
from behindy_ops.facts.retention import needed
from behindy_ops.host.command import wire
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import LIVE, answer, state_of


def with_images(state: State) -> State:
    images = tuple(Image(f"sha256:{number}", (f"me/web:v{number}",), (), str(number)) for number in (0, 1))
    return replace(
        state,
        survey=replace(state.survey, images=(*images, Image("sha256:x", ("me/web:latest", "me/web:old"), (), "0"))),
    )


def test_the_new_image_and_what_is_in_use_stay() -> None:
    state = with_images(state_of(image=Image("sha256:2", ("me/web:v2", "me/web:latest"), (), "2")))
    assert Tidy().command(state).argv[4:] == ("me/web:v0", "me/web:old")
    assert LIVE.image_id == "sha256:1"


def test_a_tag_that_moved_is_not_taken_from_the_image_that_has_it_now() -> None:
    state = with_images(state_of(image=Image("sha256:2", ("me/web:v2", "me/web:latest"), (), "2")))
    assert "me/web:latest" not in to_remove(state).references


def test_it_is_needless_where_nothing_goes() -> None:
    assert Tidy().needless(state_of())
    assert not Tidy().needless(state_of(image=None))


def test_before_the_image_is_known_it_stands_by_name_in_the_plan() -> None:
    assert Tidy().command(state_of(image=None)).argv[4:] == ("<images no rollback needs>",)
    with pytest.raises(ValueError, match="not known"):
        to_remove(state_of(image=None))


def test_images_that_stay_are_reported() -> None:
    state = with_images(state_of(image=Image("sha256:2", ("me/web:v2",), (), "2")))
    assert Tidy().read(state, answer()).detail == "kept 2, removed 2"
    (event,) = Tidy().read(state, answer(code=1, err="image is in use")).events
    assert isinstance(event, Warning_)
    assert "image is in use" in event.text


def test_a_host_that_nobody_tidied_is_tidied_by_and_by() -> None:
    old = tuple(Image(f"sha256:o{n}", (f"me/web:{n:0120d}",), (), f"0{n:04d}") for n in range(3000))
    state = with_images(state_of(image=Image("sha256:2", ("me/web:v2",), (), "2")))
    state = replace(state, survey=replace(state.survey, images=(*state.survey.images, *old)))
    command, going = Tidy().command(state), to_remove(state)
    # Linux's limit for one argument; sshd gives the shell a command line as one.
    assert len(wire(command, ("fence",))) < 128 * 1024
    assert (going.count, going.rest) == (MOST, 3002 - MOST)
    assert "me/web:v0" in going.references
    assert old[-1].tags[0] not in going.references
    rest = f"{going.rest} more go with the next deploys, or now: inv ops.prune"
    assert Tidy().read(state, answer()).detail == f"kept 2, removed {MOST}; {rest}"


REPO = "me/behindy-frontend"


def image(number: int, *tags: str, repository: str = REPO, digest: bool = True) -> Image:
    digests = (f"{repository}@sha256:{number:064x}",) if digest else ()
    names = tuple(f"{repository}:{tag}" for tag in tags)
    return Image(f"sha256:{number}", names, digests, f"2026-01-01T00:00:{number:02d}Z", 100)


def test_what_nobody_needs_goes_by_every_name_however_new_it_is() -> None:
    old = choose([image(1, "v1"), image(3, "v3", "latest"), image(2, "v2")], REPO, {"sha256:1", "sha256:2"})
    assert old.references == (f"{REPO}:v3", f"{REPO}:latest", f"{REPO}@sha256:{3:064x}")
    assert old.kept == ("sha256:2", "sha256:1")
    assert old.count == 1


def test_a_protected_image_stays_however_old_it_is() -> None:
    old = choose([image(n, f"v{n}") for n in range(1, 5)], REPO, {"sha256:1"})
    assert {name for name in old.references if ":v" in name} == {f"{REPO}:v{n}" for n in (2, 3, 4)}


def test_the_previous_release_of_a_moved_tag_has_only_a_digest_and_stays() -> None:
    old = choose([image(2, "latest"), image(1)], REPO, {"sha256:1", "sha256:2"})
    assert old.references == ()


def test_dangling_images_go_unless_a_container_uses_them() -> None:
    dangling = Image("sha256:d", (), (), "2020", 7)
    assert choose([dangling], REPO, ()).references == ("sha256:d",)
    assert choose([dangling], REPO, {"sha256:d"}).references == ()


def test_an_untagged_image_of_another_repository_is_not_dangling() -> None:
    assert choose([image(1, repository="me/other")], REPO, ()).references == ()


def test_a_repository_whose_name_begins_alike_is_another() -> None:
    alike = [image(n, f"v{n}", repository=f"{REPO}-beta") for n in range(5)]
    assert choose(alike, REPO, ()).references == ()


numbers = st.sets(st.integers(0, 59), max_size=12)


@given(numbers, numbers, numbers)
def test_whatever_is_there_the_protected_and_the_others_survive_and_nothing_else(
    own: set[int], other: set[int], protected: set[int]
) -> None:
    images = [image(n, f"v{n}") for n in own] + [image(n + 60, f"v{n}", repository="me/x") for n in other - own]
    old = choose(images, REPO, {f"sha256:{n}" for n in protected})
    gone = {int(name.rpartition(":v")[2]) for name in old.references if ":v" in name}
    assert gone == own - protected
    assert all(name.startswith((f"{REPO}:", f"{REPO}@")) for name in old.references)
    assert set(old.kept) == {f"sha256:{n}" for n in own & protected}


def released(number: int, status: str, *, image_number: int | None = None, previous: int | None = None) -> Release:
    before = "" if previous is None else f"r{previous:02d}"
    identity = f"sha256:{number if image_number is None else image_number}"
    return Release(
        f"r{number:02d}", "web", REPO, f"v{number}", f"sha256:{number:064x}", identity, previous=before, status=status
    )


@pytest.mark.parametrize("refused", [2, 5])
@pytest.mark.parametrize("status", ["failed", "rolled-back", "candidate"])
def test_refused_releases_never_push_out_the_image_that_a_rollback_needs(refused: int, status: str) -> None:
    # v1 and v2 are good, what came after was not; then v2 is started once more (ops.restart).
    bad = range(3, 3 + refused)
    live = replace(LIVE, image_id="sha256:2", labels={"behindy.release": "r02", "behindy.previous": "r01"})
    state = state_of(Goal("restart", "v2", target=released(2, "stands", previous=1)), live=live, image=image(2, "v2"))
    made = [released(1, "stands"), released(2, "stands", previous=1), *(released(n, status, previous=2) for n in bad)]
    there = tuple(image(n, f"v{n}") for n in range(1, 3 + refused))
    state = replace(state, survey=replace(state.survey, images=there, releases=tuple(made)))
    old = to_remove(state)
    assert set(old.kept) == {"sha256:1", "sha256:2"}
    assert old.count == refused


def test_what_a_rollback_leaves_is_not_good_and_the_next_deploy_removes_it() -> None:
    live = replace(LIVE, image_id="sha256:3", labels={"behindy.release": "r03", "behindy.previous": "r02"})
    made = tuple(released(n, "stands", previous=n - 1) for n in (1, 2, 3))
    back = Goal("rollback", "v2", target=made[1])
    state = state_of(back, live=live, image=image(2, "v2"))
    state = replace(state, survey=replace(state.survey, images=(image(1, "v1"), image(2), image(3)), releases=made))
    assert set(to_remove(state).kept) == {"sha256:1", "sha256:2", "sha256:3"}, "it still runs, as the previous one"
    left = (made[1], replace(made[2], status="rolled-back"), released(4, "stands", image_number=2, previous=3))
    live = replace(LIVE, image_id="sha256:2", labels={"behindy.release": "r04", "behindy.previous": "r03"})
    state = state_of(live=live, image=image(5, "v5"))
    state = replace(state, survey=replace(state.survey, images=(image(2), image(3)), releases=left))
    state = replace(state, release=replace(state.release, repository=REPO))
    assert to_remove(state).references == (f"{REPO}@sha256:{3:064x}",)


def deployed(*images: int) -> State:
    """A host on which these were deployed in this order, the last one being tidied after; each image is there still."""
    *before, last = images
    made = tuple(
        released(number, "stands", image_number=each, previous=number - 1 if number else None)
        for number, each in enumerate(before)
    )
    live = replace(LIVE, image_id=made[-1].image_id, labels={"behindy.release": made[-1].id})
    state = state_of(Goal(tag=f"v{last}"), live=live, image=image(last, f"v{last}"))
    there = tuple(image(each, f"v{each}") for each in sorted(set(images)))
    state = replace(state, survey=replace(state.survey, images=there, releases=made))
    return replace(state, release=replace(state.release, repository=REPO, previous=made[-1].id))


@pytest.mark.parametrize(
    ("images", "stay"),
    [
        ((1, 2, 3), {2, 3}),
        ((1, 2, 3, 1), {3, 1}),  # an older one again: what was live before it is the previous one
        ((3, 2, 1), {2, 1}),
        ((1, 2, 2), {1, 2}),  # the same image again: the one before it is the other of the two
        ((2, 2), {2}),
    ],
)
def test_the_live_image_and_the_one_before_it_stay_whichever_was_built_last(
    images: tuple[int, ...], stay: set[int]
) -> None:
    assert set(to_remove(deployed(*images)).kept) == {f"sha256:{n}" for n in stay}


@given(st.lists(st.integers(1, 6), min_size=2, max_size=8))
def test_never_more_than_two_images_stay_and_they_are_the_last_two_that_were_live(images: list[int]) -> None:
    last = images[-1]
    before = next((each for each in reversed(images) if each != last), last)
    assert set(to_remove(deployed(*images)).kept) == {f"sha256:{n}" for n in (last, before)}


def test_what_another_service_of_the_same_repository_needs_stays() -> None:
    state = deployed(4, 5, 6)
    worker = tuple(replace(released(n, "stands", previous=n - 1), service="worker") for n in (1, 2))
    images = (*state.survey.images, *(image(n, f"v{n}") for n in (0, 1, 2)))
    state = replace(state, survey=replace(state.survey, images=images, releases=(*state.survey.releases, *worker)))
    assert set(to_remove(state).kept) == {f"sha256:{n}" for n in (6, 5, 2, 1)}


@given(st.lists(st.sampled_from(["stands", "failed", "rolled-back", "candidate"]), max_size=9), st.booleans())
def test_only_good_releases_are_needed_two_at_most(statuses: list[str], live: bool) -> None:
    releases = [released(n, status) for n, status in enumerate(statuses)][::-1]
    good = [release for release in releases if release.status == "stands"]
    current = released(99, "stands") if live else None
    assert list(needed(current, releases)) == ([current] if current else []) + good[: 1 if current else 2]
