"""What a pull's answer comes to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.steps.pull import Pull, registry_login
from behindy_ops.errors import Kind
from behindy_ops.facts.image import Image
from behindy_ops.facts.release import Release
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings
from tests.unit.deploy.states import LIVE, answer, state_of

PULL = Pull("me/web:v2")
IMAGE = {"id": "sha256:2", "tags": ["me/web:v2"], "digests": ["me/web@sha256:dd"], "created": "c", "size": 1}


def pulled(**changes: object) -> str:
    return f"Status: done\nimage {json.dumps(IMAGE | changes)}\n"


def test_the_image_and_its_digest_are_known_from_here() -> None:
    read = PULL.read(state_of(image=None), answer(pulled()))
    assert (read.state.release.digest, read.state.release.image_id) == ("sha256:dd", "sha256:2")
    assert read.state.pinned == "me/web@sha256:dd"
    assert read.detail == "sha256:dd"


def test_an_image_without_a_digest_is_known_by_its_id() -> None:
    read = PULL.read(state_of(image=None), answer(pulled(digests=[])))
    assert read.state.pinned == "sha256:2"


def test_an_image_that_lost_its_last_tag_is_known_by_its_id_where_the_engine_forgets_its_digest() -> None:
    release = replace(state_of().release, repository="me/web", digest="sha256:dd", image_id="sha256:2")
    kept, forgotten = Image("sha256:2", digests=("me/web@sha256:dd",)), Image("sha256:2")
    assert state_of(release=release, image=kept).pinned == "me/web@sha256:dd"
    assert state_of(release=release, image=forgotten).pinned == "sha256:2"


def test_what_is_live_with_the_same_configuration_ends_it() -> None:
    live = replace(LIVE, labels=LIVE.labels | {"behindy.config": "c1"})
    state = state_of(live=live, image=None)
    state = replace(state, survey=replace(state.survey, config={"web": "c1"}))
    read = PULL.read(state, answer(pulled(id="sha256:1")))
    assert read.outcome == "unchanged"
    assert read.facts["release"] == "r1"


def test_the_pull_of_an_earlier_release_keeps_its_digest() -> None:
    target = Release("r0", "web", "me/web", "v0", "sha256:aa", "sha256:0")
    read = Pull("me/web@sha256:aa").read(state_of(Goal(target=target), image=None), answer(pulled()))
    assert (read.state.release.digest, read.state.release.image_id) == ("sha256:aa", "sha256:2")


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (41, "Get https://r.example/v2/: dial tcp: lookup r.example: no such host", Kind.REGISTRY_UNREACHABLE),
        (41, "unauthorized", Kind.REGISTRY_REFUSED),
        (42, "write /var/lib: no space left on device", Kind.DISK_FULL),
        (42, "pull access denied for me/web", Kind.REGISTRY_REFUSED),
        (42, "manifest unknown", Kind.IMAGE_NOT_FOUND),
        (42, "dial tcp: i/o timeout", Kind.REGISTRY_UNREACHABLE),
    ],
)
def test_a_failure_has_its_kind(code: int, said: str, kind: Kind) -> None:
    error = PULL.read(state_of(image=None), answer(code=code, err=said)).error
    assert error is not None
    assert error.kind is kind


def test_an_image_for_another_architecture_is_refused_before_it_is_started_unless_forced() -> None:
    state = state_of(image=None)
    state = replace(state, survey=replace(state.survey, architecture="arm64"))
    error = PULL.read(state, answer(pulled(architecture="amd64"))).error
    assert error is not None
    assert (error.kind, error.what) == (
        Kind.IMAGE_NOT_FOUND, "me/web:v2 is built for amd64, and the host is arm64: it could not start there."
    )  # fmt: skip
    assert PULL.read(state, answer(pulled(architecture="arm"))).error is None
    assert (
        PULL.read(replace(state, goal=Goal(tag="v2", force=True)), answer(pulled(architecture="amd64"))).error is None
    )


def test_a_login_is_made_only_with_a_token_and_the_token_goes_to_stdin_alone() -> None:
    assert registry_login(Settings(registry_user="me"), "me/web") == ("", "", b"")
    state = state_of(settings=Settings(registry="r.example", registry_user="me", registry_token=Secret("t0ken")))
    command = Pull("r.example/me/web:v2").command(state)
    assert command.stdin == b"t0ken"
    assert command.argv[-3:-1] == ("r.example", "me")
    assert not any("t0ken" in word for word in command.argv)
    assert PULL.command(state).stdin == b""


def test_the_image_line_is_no_progress() -> None:
    assert PULL.progress("image {}") == ""
    assert PULL.progress("Pulling fs layer") == "Pulling fs layer"


LAYERS = """\
v2: Pulling from me/web
aaaaaaaaaaaa: Already exists
bbbbbbbbbbbb: Pulling fs layer
cccccccccccc: Pulling fs layer
bbbbbbbbbbbb: Download complete
bbbbbbbbbbbb: Pull complete
cccccccccccc: Pull complete
"""


def test_a_pull_shows_how_many_layers_are_there() -> None:
    follow = PULL.follow()
    told = [follow(line) for line in LAYERS.splitlines()]
    counts = [(1, 1), (1, 2), (1, 3), (1, 3), (2, 3), (3, 3)]
    assert told == ["v2: Pulling from me/web", *(f"{there} of {known} layers" for there, known in counts)]
    assert PULL.follow()("bbbbbbbbbbbb: Pull complete") == "1 of 1 layers"  # each run counts for itself


PROGRESS = """\
bbbbbbbbbbbb: Pulling fs layer
cccccccccccc: Pulling fs layer
progress bbbbbbbbbbbb 163.8kB/20.97MB
progress bbbbbbbbbbbb 10.49MB/20.97MB cccccccccccc 5.243MB/10.49MB
bbbbbbbbbbbb: Download complete
progress bbbbbbbbbbbb 20.97MB/20.97MB cccccccccccc 10.49MB
bbbbbbbbbbbb: Pull complete
progress bbbbbbbbbbbb 20.97MB/20.97MB cccccccccccc what/ever dddddddddddd
"""


def test_a_pull_shows_how_much_has_come_where_docker_tells() -> None:
    follow = PULL.follow()
    assert [follow(line) for line in PROGRESS.splitlines()] == [
        "0 of 1 layers",
        "0 of 2 layers",
        "0 of 2 layers, 160 kB of 20 MB",
        "0 of 2 layers, 15 MB of 30 MB",
        "0 of 2 layers, 25 MB of 30 MB",
        "0 of 2 layers, 30 MB of 30 MB",  # of the second it is not known any more how much there will be
        "1 of 2 layers, 30 MB of 30 MB",
        "1 of 2 layers, 20 MB of 20 MB",
    ]
    read = PULL.read(state_of(image=None), answer(PROGRESS + pulled(size=5 * 2**20)))
    assert read.detail == "sha256:dd, 1 of 2 layers new, 5.0 MB"


def test_what_was_pulled_is_told_with_its_layers_and_size() -> None:
    read = PULL.read(state_of(image=None), answer(LAYERS + pulled(size=245 * 2**20)))
    assert read.detail == "sha256:dd, 2 of 3 layers new, 245 MB"
    there = LAYERS.replace("Pull complete", "Already exists")
    assert PULL.read(state_of(image=None), answer(there + pulled())).detail == "sha256:dd"
