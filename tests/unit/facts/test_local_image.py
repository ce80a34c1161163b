"""What an archive of ``docker save`` holds, and the archive of what a host lacks of it."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from behindy_ops.facts.local_image import Layer, LocalImage, Parcel, contents, held
from tests.archives import classic, configured, diff_id, image_of, oci

BASE, MIDDLE, TOP, EMPTY = b"base" * 500, b"middle" * 300, b"top", bytes(1024)
ELSEWHERE = "sha256:" + 64 * "0"


def arrived(image: LocalImage, known: int, *, names: Sequence[str] = ("me/web:v2",)) -> dict[str, bytes]:
    """What is in the archive that is sent."""
    packed = b"".join(Parcel(image, names, known, lambda _: None))
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def file_of(blob: bytes) -> str:
    return f"blobs/sha256/{diff_id(blob)[7:]}"


@pytest.mark.parametrize("form", [oci, classic])
def test_an_archive_of_either_form_is_read_also_where_a_layer_occurs_twice(
    form: Callable[[bytes, Sequence[bytes]], bytes],
) -> None:
    layers = [BASE, EMPTY, TOP, EMPTY]
    config = configured(layers)
    archive = form(config, layers)
    found, places = contents(io.BytesIO(archive))
    assert found == config
    assert [place.diff_id for place in places] == [diff_id(layer) for layer in layers]
    assert [archive[place.offset : place.offset + place.size] for place in places] == layers


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"no tar at all",
        oci(configured([BASE]), [BASE])[:700],
        oci(b"[]", [BASE]),
        oci(configured([BASE, TOP]), [BASE]),
        classic(b'{"rootfs": {}}', [BASE]),
    ],
    ids=["empty", "no tar", "cut", "odd", "a layer too few", "no layers"],
)
def test_what_is_no_archive_of_an_image_is_refused(archive: bytes) -> None:
    with pytest.raises(ValueError, match="no image that can be read"):
        contents(io.BytesIO(archive))


def test_an_image_is_known_by_the_digest_of_its_configuration() -> None:
    image = image_of(BASE, architecture="arm64")
    assert (image.id, image.architecture) == (diff_id(image.config), "arm64")
    assert image.names("r.example:5000/web:v2") == (
        "r.example:5000/web:v2",
        f"r.example:5000/web:local-{image.id[7:19]}",
    )


@pytest.mark.parametrize(
    ("images", "known"),
    [
        ([], 0),
        ([[ELSEWHERE]], 0),
        ([[diff_id(BASE)], [diff_id(BASE), diff_id(MIDDLE), ELSEWHERE], []], 2),
        ([[diff_id(BASE), diff_id(MIDDLE), diff_id(TOP), ELSEWHERE]], 3),
        ([[ELSEWHERE, diff_id(MIDDLE), diff_id(TOP)], [diff_id(BASE), ELSEWHERE, diff_id(TOP)]], 1),
    ],
)
def test_only_layers_that_an_image_of_the_host_has_from_the_bottom_on_are_known_there(
    images: list[list[str]], known: int
) -> None:
    assert held(image_of(BASE, MIDDLE, TOP).layers, images) == known


def test_what_is_sent_names_all_layers_and_holds_those_that_lack() -> None:
    image = image_of(BASE, MIDDLE, TOP)
    names = ("me/web:v2", "me/web:local-1")
    files = arrived(image, 2, names=names)
    config, manifest = file_of(image.config), file_of(image.manifest)
    always = {"oci-layout", "index.json", "manifest.json", manifest, config}
    assert files.keys() == {*always, file_of(TOP)}
    assert (files[config], files[file_of(TOP)]) == (image.config, TOP)
    (dockers,) = json.loads(files["manifest.json"])
    layers = [file_of(layer) for layer in (BASE, MIDDLE, TOP)]
    assert dockers == {"Config": config, "RepoTags": list(names), "Layers": layers}
    assert arrived(image, 3).keys() == always
    index, whole = json.loads(files["index.json"]), json.loads(files[manifest])
    assert {each["digest"] for each in index["manifests"]} == {diff_id(files[manifest])} == {image.manifest_digest}
    assert [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]] == [
        "docker.io/me/web:v2",
        "docker.io/me/web:local-1",
    ]
    assert (whole["config"]["digest"], [each["digest"] for each in whole["layers"]]) == (
        image.id, [diff_id(layer) for layer in (BASE, MIDDLE, TOP)]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("web:v2", "docker.io/library/web:v2"),
        ("localhost/web:v2", "localhost/web:v2"),
        ("localhost:5000/web:v2", "localhost:5000/web:v2"),
        ("ghcr.io/me/web:v2", "ghcr.io/me/web:v2"),
    ],
)
def test_containerd_is_told_the_name_with_its_registry(name: str, whole: str) -> None:
    (named,) = json.loads(arrived(image_of(TOP), 1, names=(name,))["index.json"])["manifests"]
    assert named["annotations"]["io.containerd.image.name"] == whole


def test_a_layer_that_this_machine_keeps_packed_is_sent_as_it_is_under_its_own_digest() -> None:
    packed = gzip.compress(TOP)
    config = configured([BASE, TOP])
    archive = oci(config, [BASE, packed])
    _, layers = contents(io.BytesIO(archive))
    assert [(layer.diff_id, layer.digest, layer.packed) for layer in layers] == [
        (diff_id(BASE), diff_id(BASE), ""),
        (diff_id(TOP), diff_id(packed), "+gzip"),
    ]
    image = LocalImage("me/web:v2", config, layers, lambda offset, count: archive[offset : offset + count])
    assert arrived(image, 1)[file_of(packed)] == packed
    assert [layer["mediaType"].rpartition(".")[2] for layer in json.loads(image.manifest)["layers"]] == [
        "tar",
        "tar+gzip",
    ]
    assert image.names("me/web:v2")[1] == f"me/web:local-{image.id[7:19]}-packed"


def test_a_layer_that_occurs_twice_is_sent_once_and_one_that_is_known_below_is_sent_where_it_lacks_above() -> None:
    image = image_of(EMPTY, BASE, EMPTY, TOP, EMPTY)
    assert [*arrived(image, 2)][5:] == [file_of(EMPTY), file_of(TOP)]
    assert arrived(image, 0)[file_of(EMPTY)] == EMPTY


def test_what_was_sent_is_counted_and_told_by_the_megabyte_and_never_held_as_a_whole() -> None:
    noise, told, largest = os.urandom(3_500_000), list[str](), 0

    def read(offset: int, count: int) -> bytes:
        nonlocal largest
        largest = max(largest, count)
        return noise[offset : offset + count]

    image = replace(image_of(TOP), layers=(Layer(diff_id(noise), 0, len(noise), diff_id(noise)),), read=read)
    parcel = Parcel(image, ("me/web:v2",), 0, told.append)
    assert sum(map(len, parcel)) == parcel.sent > len(noise)
    assert largest <= 2**18
    assert [words.partition(";")[0] for words in told] == [
        "layer 1 of 1: 1.0 MB of 3.3 MB",
        "layer 1 of 1: 2.0 MB of 3.3 MB",
        "layer 1 of 1: 3.0 MB of 3.3 MB",
        "layer 1 of 1: 3.3 MB of 3.3 MB",
        "3.3 MB sent",
    ]


def test_an_archive_that_became_shorter_is_no_whole_layer() -> None:
    image = replace(image_of(TOP), read=lambda *_: b"")
    with pytest.raises(ValueError, match="cut short"):
        arrived(image, 0)


def test_it_is_said_how_much_is_sent() -> None:
    image = image_of(BASE, MIDDLE, TOP)
    assert image.described(1) == "2 of 3 layers, 2 kB before compression"
    assert image.described(3) == "none of 3 layers, since the host has them"
