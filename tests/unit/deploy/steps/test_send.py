"""An image of this machine is sent: what is asked for, what is fed, and what the answers come to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.plan import as_lines, steps
from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.send import AskLayers, Send
from behindy_ops.errors import Kind
from behindy_ops.facts.local_image import Parcel
from behindy_ops.facts.survey import EngineKind, Survey
from tests.archives import diff_id, image_of
from tests.unit.deploy.states import LIVE, answer, state_of

BASE, TOP = b"base" * 400, b"top" * 400
IMAGE = image_of(BASE, TOP, reference="shop:v2")
CONTAINERD = frozenset({EngineKind.CONTAINERD})


def state(**survey: object) -> State:
    begun = state_of(Goal(tag="v2", images={"web": IMAGE}), image=None)
    return replace(begun, survey=replace(begun.survey, **survey))  # type: ignore[arg-type]


def loaded(**changes: object) -> str:
    described = {"id": IMAGE.id, "tags": ["me/web:v2"], "digests": [], "created": "c", "size": 1} | changes
    return f"image {json.dumps(described)}\n"


def test_the_host_is_asked_for_what_begins_with_the_same_layer() -> None:
    assert AskLayers().command(state()).argv[-1] == diff_id(BASE)
    read = AskLayers().read(
        state(), answer(f"layers {diff_id(BASE)} {diff_id(b'other')} | a:b \nlayers {diff_id(TOP)} | \n")
    )
    assert (read.state.held, read.detail) == (1, "to send: 1 of 2 layers, 1 kB before compression")
    assert AskLayers().read(state(), answer("")).state.held == 0


@pytest.mark.parametrize(
    ("tags", "held"), [("me/web:v1", 0), ("me/web:v1 me/web:local-1", 2), ("me/web:local-1-packed", 0), ("", 0)]
)
def test_where_containerd_keeps_images_only_what_was_sent_plain_counts(tags: str, held: int) -> None:
    told = answer(f"layers {diff_id(BASE)} {diff_id(TOP)} | {tags} \n")
    assert AskLayers().read(state(), told).state.held == 2
    contained = state(engine=CONTAINERD)
    assert AskLayers().read(contained, told).state.held == held
    packed = replace(IMAGE, layers=tuple(replace(layer, packed="+gzip") for layer in IMAGE.layers))
    contained = replace(contained, goal=Goal(tag="v2", images={"web": packed}))
    assert AskLayers().read(contained, told).state.held == 0


def test_an_image_of_another_architecture_is_refused_by_name_before_it_is_sent_unless_forced() -> None:
    error = AskLayers().read(state(architecture="arm64"), answer("")).error
    assert error is not None
    assert (error.kind, error.what) == (
        Kind.IMAGE_NOT_FOUND, "shop:v2 is built for amd64, and the host is arm64: it could not start there."
    )  # fmt: skip
    forced = replace(state(architecture="arm64"), goal=Goal(tag="v2", force=True, images={"web": IMAGE}))
    assert AskLayers().read(forced, answer("")).error is None


def test_a_host_that_does_not_tell_ends_it() -> None:
    assert AskLayers().read(state(), answer(code=1)).error is not None


def test_what_lacks_is_fed_under_the_lock_and_named_as_the_service_s_own() -> None:
    known = replace(state(), held=1)
    command = Send().command(known)
    assert (command.changes, command.argv[3:6]) == (
        True, ("deploy/load", "behindy-ops/state", f"me/web:local-{IMAGE.id[7:19]}")
    )  # fmt: skip
    told: list[str] = []
    parcel = Send().feed(known, told.append)
    assert isinstance(parcel, Parcel)
    assert 0 < sum(map(len, parcel)) == parcel.sent
    assert told[0].startswith("layer 1 of 1: ")


def test_the_image_is_known_by_its_id_from_here_and_what_was_sent_is_told() -> None:
    parcel = Parcel(IMAGE, ("me/web:v2",), 1, lambda _: None)
    assert b"".join(parcel)
    result = answer(loaded())
    read = Send().read(replace(state(), held=1), replace(result, command=replace(result.command, feed=parcel)))
    release = read.state.release
    assert (release.image_id, release.digest, release.fixed) == (IMAGE.id, "", IMAGE.id)
    assert read.state.pinned == IMAGE.id
    assert read.facts == {"sent_layers": "1", "sent_bytes": str(parcel.sent)}
    assert read.detail.startswith(f"{IMAGE.id[:19]}, 1 of 2 layers, ")


def test_the_image_that_a_registry_has_too_keeps_its_digest() -> None:
    digests = {"digests": [f"{state().release.repository}@sha256:dd"]}
    assert Send().read(state(), answer(loaded(**digests))).state.release.digest == "sha256:dd"
    contained = state(engine=CONTAINERD)  # names it so by itself, in no registry
    assert Send().read(contained, answer(loaded(id=IMAGE.manifest_digest, **digests))).state.release.digest == ""


def test_what_is_live_with_the_same_configuration_ends_it() -> None:
    live = replace(LIVE, image_id=IMAGE.id, labels=LIVE.labels | {"behindy.config": "c1"})
    same = replace(state(), live=live, survey=Survey(config={"web": "c1"}))
    assert Send().read(same, answer(loaded())).outcome == "unchanged"


def test_something_else_than_what_was_sent_is_refused() -> None:
    error = Send().read(state(), answer(loaded(id=IMAGE.manifest_digest))).error
    assert error is not None
    assert "not what was sent" in error.what
    assert Send().read(state(engine=CONTAINERD), answer(loaded())).error is not None


def test_where_containerd_keeps_images_the_id_is_the_manifest_s() -> None:
    read = Send().read(state(engine=CONTAINERD), answer(loaded(id=IMAGE.manifest_digest)))
    assert (read.error, read.state.pinned) == (None, IMAGE.manifest_digest)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", Kind.DISK_FULL),
        ("unexpected EOF", Kind.REMOTE_COMMAND_FAILED),
        ("open /var/lib/docker/tmp/x.tar: no such file or directory", Kind.REMOTE_COMMAND_FAILED),
    ],
)
def test_a_load_that_failed_has_its_kind_and_says_why(said: str, kind: Kind) -> None:
    error = Send().read(state(), answer(code=1, err=said)).error
    assert error is not None
    assert (error.kind, error.lines) == (kind, (said,))


def test_a_plan_without_an_image_to_send_has_no_such_step() -> None:
    sending, pulling = state(), state_of(Goal(tag="v2"), image=None)
    assert [line.split()[0] for line in as_lines(steps(sending), sending)][:2] == ["layers", "send"]
    assert as_lines(steps(pulling), pulling)[0].startswith("pull ")
    with pytest.raises(ValueError, match="no image of this machine"):
        AskLayers().command(pulling)


def test_the_parcel_is_made_only_while_it_is_taken() -> None:
    broken = replace(IMAGE, read=lambda *_: b"")
    given = state_of(Goal(tag="v2", images={"web": broken}), image=None)
    feed = Send().feed(given, lambda _: None)
    with pytest.raises(ValueError, match="cut short"):
        list(feed)
