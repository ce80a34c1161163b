"""Static files that outlive their release: the scripts that keep, count and remove them, on a host of fakes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.unit.host.scripts.fake_host import MARK, Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.host.scripts.fake_host import FakeHost, Ran

STATIC = "/_next/static"
STATS = '{"memory_stats":{"usage":9,"stats":{"inactive_file":4}}}'


def image(host: FakeHost, release: str, **files: str) -> Path:
    """An image with static files, and its container, which is called as its release; ``__`` in a name is a slash."""
    for name, text in files.items():
        host.file(f"images/{release}/{name.replace('__', '/')}", text)
    root = host.root / "images" / release
    root.mkdir(parents=True, exist_ok=True)
    host.on("docker", f"cp {release}:/app/static/. -", Answer(run=f'tar -C "{root}" -c .'))
    return root


def keep(host: FakeHost, *releases: str, most: int = 2**20) -> Ran:
    pairs = [word for release in releases for word in (release, release)]
    return host.run("deploy/assets", "home", "web", "/app/static", STATIC, str(most), *pairs)


def served(host: FakeHost) -> dict[str, str]:
    """What nginx would serve, by the path below ``STATIC``."""
    root = host.home / f"assets/web{STATIC}"
    return {str(file.relative_to(root)): file.read_text() for file in sorted(root.rglob("*")) if file.is_file()}


def stands(host: FakeHost, *releases: str, status: str = "stands") -> None:
    for release in releases:
        host.file(f"home/state/releases/web/{release}/status", status)


def verify(host: FakeHost, release: str, *, most: str = "1000000", previous: str = "", replaced: str = "") -> Ran:
    host.on("docker", "container inspect *", "{}\n")
    host.on("curl", "*", STATS)
    host.on("docker", "logs *")
    place = f"home/state/releases/web/{release}"
    stands(host, release)
    return host.run(
        "deploy/verify", "web", "", place, "home/history", "99", "", previous, release, most, replaced, stdin="x\n"
    )


def test_those_of_both_releases_are_there_and_the_live_ones_are_copied_only_once(host: FakeHost) -> None:
    image(host, "r1", a="one", chunks__shared="same")
    image(host, "r2", b="two", chunks__shared="same")
    ran = keep(host, "r2", "r1")
    assert ran.reply_short.every("kept") == ["r2 2 7", "r1 2 7"]
    assert served(host) == {"a": "one", "b": "two", "chunks/shared": "same"}
    assert keep(host, "r2").calls == []
    assert sorted(path.name for path in (host.home / "assets").iterdir()) == ["web"]


def test_a_link_leads_nowhere_and_no_special_file_is_kept(host: FakeHost) -> None:
    key = host.file("etc/letsencrypt/privkey.pem", "s3cret")
    root = image(host, "r1", good="fine", chunks__deep="fine")
    (root / "key.js").symlink_to(key)
    (root / "up.js").symlink_to("../../../etc/letsencrypt/privkey.pem")
    (root / "folder").symlink_to(key.parent)
    (root / "chunks/within.js").symlink_to("deep")
    os.mkfifo(root / "pipe.js")
    os.link(root / "good", root / "hard.js")
    assert keep(host, "r1").code == 0
    assert served(host) == {"good": "fine", "hard.js": "fine", "chunks/deep": "fine"}
    assert not [path for path in (host.home / "assets").rglob("*") if path.is_symlink() or path.is_fifo()]


def test_whatever_their_modes_in_the_image_nginx_can_read_them_and_they_can_be_removed(host: FakeHost) -> None:
    root = image(host, "r1", chunks__a="one")
    (root / "chunks/a").chmod(0o4600)
    (root / "chunks").chmod(0o500)
    assert keep(host, "r1").reply_short.every("kept") == ["r1 1 3"]
    for path in (host.home / "assets", *(host.home / "assets").rglob("*")):
        assert path.stat().st_mode & 0o7777 == (0o644 if path.is_file() else 0o755), path


def test_what_a_run_that_was_killed_has_left_is_not_taken_for_a_releases(host: FakeHost) -> None:
    host.file("home/assets/.new/_next/static/locked/stale", "half")
    (host.home / "assets/.new/_next/static/locked").chmod(0o500)
    image(host, "r1", a="one")
    assert keep(host, "r1").code == 0
    assert served(host) == {"a": "one"}


def test_a_newer_release_has_the_last_word_on_a_name_that_both_have(host: FakeHost) -> None:
    image(host, "r1", plain="old")
    image(host, "r2", plain="new")
    keep(host, "r1")
    keep(host, "r2")
    assert served(host) == {"plain": "new"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(err="Could not find the file /app/static in container r2\n", code=1), "missing r2 Could not find"),
        (Answer("half a tar"), "missing r2 tar"),
    ],
)
def test_without_a_whole_copy_nothing_of_it_is_served_and_the_reason_is_told(
    host: FakeHost, answer: Answer, said: str
) -> None:
    image(host, "r1", a="one")
    keep(host, "r1")
    host.on("docker", "cp r2:*", answer)
    ran = keep(host, "r2")
    assert (ran.code, served(host)) == (0, {"a": "one"})
    assert said in ran.out
    assert not (host.home / "assets/.new").exists()


def test_more_than_may_be_is_not_kept_and_a_full_disk_leaves_nothing(host: FakeHost) -> None:
    image(host, "r1", a="x" * 50_000)
    ran = keep(host, "r1", most=20_000)
    assert (ran.out, list((host.home / "assets/web").rglob("a"))) == ("large r1\n", [])
    host.on("sync", "*", Answer(err="sync: No space left on device\n", code=1))
    ran = keep(host, "r1")
    assert ran.out == "missing r1 sync: No space left on device\n"
    assert (served(host), (host.home / "state/assets/web/r1").exists()) == ({}, False)


def test_a_candidate_that_no_user_has_met_takes_its_files_along_and_one_that_was_live_leaves_them(
    host: FakeHost,
) -> None:
    for call in ("container inspect *", "image inspect *", "logs *", "rm *"):
        host.on("docker", call)
    image(host, "r1", a="one", shared="same")
    for seen, left in (("no", {"a", "shared"}), ("yes", {"a", "b", "shared"})):
        image(host, "r2", b="two", shared="same")
        keep(host, "r1", "r2")
        assert host.run("deploy/discard", "g", "", "1", "home/state/releases/web/r2", seen).code == 0
        assert served(host).keys() == left


def test_static_files_go_with_the_last_release_that_is_kept_and_has_them(host: FakeHost) -> None:
    for number in (1, 2, 3):
        image(host, f"r{number}", **{f"own{number}": "x", "chunks__all": "y", f"deep{number}__er__a": "z"})
        keep(host, f"r{number}")
    stands(host, "r2", status="failed")
    stands(host, "r3")
    mine = [host.file(f"home/assets/{name}", "mine") for name in ("mine", "web/mine", f"web{STATIC}/chunks/mine.js")]
    assert verify(host, "r3").code == 0
    assert served(host).keys() == {
        "own2", "own3", "chunks/all", "chunks/mine.js", "deep2/er/a", "deep3/er/a"
    }  # fmt: skip
    assert not (host.home / f"assets/web{STATIC}/deep1").exists()
    assert [file.read_text() for file in mine] == ["mine"] * 3


def test_a_candidate_of_a_run_that_died_is_forgotten_and_what_a_deploy_has_just_replaced_is_not(host: FakeHost) -> None:
    for name in ("0-c0ffee", "r1", "r2"):
        image(host, name, **{f"of_{name.replace('-', '_')}": "x"})
        keep(host, name)
    stands(host, "r1", status="candidate")
    verify(host, "r2", replaced="0-c0ffee")
    assert served(host).keys() == {"of_0_c0ffee", "of_r2"}
    verify(host, "r2", previous="r1")
    assert served(host).keys() == {"of_r2"}


def test_over_the_limit_the_oldest_go_first_then_the_previous_ones_and_never_those_of_the_live_release(
    host: FakeHost,
) -> None:
    for number in range(1, 5):
        image(host, f"r{number}", **{f"own{number}": "x" * 1000})
        keep(host, f"r{number}")
        stands(host, f"r{number}")
    ran = verify(host, "r4", most="2500", previous="r1", replaced="r1")
    assert (ran.reply_short.every("dropped"), set(served(host))) == (["r2", "r3"], {"own1", "own4"})
    ran = verify(host, "r4", most="500", previous="r1", replaced="r1")
    assert (ran.reply_short.every("dropped"), set(served(host))) == (["r1"], {"own4"})


def test_a_service_without_any_has_none_to_remove(host: FakeHost) -> None:
    assert verify(host, "r1", most="").code == 0
    assert verify(host, "r1", most="5").code == 0
    assert not (host.home / "assets").exists()


def test_the_disk_is_told_what_they_take_and_prune_removes_what_it_named(host: FakeHost) -> None:
    for number in range(1, 5):
        image(host, f"r{number}", **{f"own{number}": "x" * 100 * number, "all": "y" * 7})
        keep(host, f"r{number}")
    stands(host, "r2")
    host.on("docker", "*")
    host.on("docker", "ps -a *", "r4 r3 0-abc\n  0-def\n")
    host.on("curl", "*")
    reply = host.run("ops/disk", MARK, "home", "true").reply
    assert reply.lines("assets_") == ["web 1007 100 4 r1"]
    ran = host.run("ops/prune", "home", "no", stdin="assets web r1\n")
    assert "removed static files of web r1" in ran.out
    assert served(host).keys() == {"own2", "own3", "own4", "all"}
    assert host.run("ops/disk", MARK, "home", "true").reply.lines("assets_") == ["web 907 0 3"]
