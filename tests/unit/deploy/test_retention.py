"""Which images go: never one in use, never the rollback target, never another repository's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.deploy.retention import KEEP, choose
from behindy_ops.facts.image import Image

REPO = "me/behindy-frontend"


def image(number: int, *tags: str, repository: str = REPO, digest: bool = True) -> Image:
    digests = (f"{repository}@sha256:{number:064x}",) if digest else ()
    names = tuple(f"{repository}:{tag}" for tag in tags)
    return Image(f"sha256:{number}", names, digests, f"2026-01-01T00:00:{number:02d}Z", 100)


def test_the_newest_two_by_creation_time_stay_and_older_ones_go_by_every_name() -> None:
    tidy = choose([image(1, "v1"), image(3, "v3", "latest"), image(2, "v2")], REPO, ())
    assert tidy.remove == (f"{REPO}:v1", f"{REPO}@sha256:{1:064x}")
    assert tidy.kept == ("sha256:3", "sha256:2")
    assert (tidy.removed_images, tidy.freed) == (1, 100)


def test_a_protected_image_stays_however_old_it_is() -> None:
    assert choose([image(n, f"v{n}") for n in range(1, 5)], REPO, {"sha256:1"}).remove[0] == f"{REPO}:v2"


def test_the_previous_release_of_a_moved_tag_has_only_a_digest_and_stays() -> None:
    tidy = choose([image(2, "latest"), image(1)], REPO, ())
    assert tidy.remove == ()


def test_dangling_images_go_unless_a_container_uses_them() -> None:
    dangling = Image("sha256:d", (), (), "2020", 7)
    assert choose([dangling], REPO, ()).remove == ("sha256:d",)
    assert choose([dangling], REPO, {"sha256:d"}).remove == ()


def test_an_untagged_image_of_another_repository_is_not_dangling() -> None:
    assert choose([image(1, repository="me/other")], REPO, ()).remove == ()


def test_a_repository_whose_name_begins_alike_is_another() -> None:
    alike = [image(n, f"v{n}", repository=f"{REPO}-beta") for n in range(5)]
    assert choose(alike, REPO, ()).remove == ()


numbers = st.sets(st.integers(0, 59), max_size=12)


@given(numbers, numbers, numbers)
def test_whatever_is_there_the_protected_the_newest_and_the_others_survive(
    own: set[int], other: set[int], protected: set[int]
) -> None:
    images = [image(n, f"v{n}") for n in own] + [image(n + 60, f"v{n}", repository="me/x") for n in other - own]
    tidy = choose(images, REPO, {f"sha256:{n}" for n in protected})
    gone = {name.rpartition(":v")[2] for name in tidy.remove if ":v" in name}
    assert not gone & {str(n) for n in protected}
    assert not gone & {str(n) for n in sorted(own)[-KEEP:]}
    assert all(name.startswith((f"{REPO}:", f"{REPO}@")) for name in tidy.remove)
    assert len(tidy.kept) >= min(KEEP, len(own))
