"""How much of an image is new to the host, from what the registry says."""

from __future__ import annotations

import json
from typing import Any

from behindy_ops.facts.manifest import UNPACKED, new_bytes, parse, same

GZIP, TAR = "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar"


def manifest(
    *layers: tuple[str, int], kind: str = GZIP, arch: str = "amd64", key: str = "OCIManifest"
) -> dict[str, Any]:
    return {
        "Descriptor": {"platform": {"os": "linux", "architecture": arch}},
        key: {"layers": [{"digest": digest, "size": size, "mediaType": kind} for digest, size in layers]},
    }


def printed(**images: object) -> str:
    """What manifests.sh prints; an image that is a text could not be had."""
    parts = []
    for name, body in images.items():
        refused = isinstance(body, str)
        parts.append(f"manifest me/x:{name}\n{'' if refused else json.dumps(body, indent=1)}\n")
        parts.append(f"ended {1 if refused else 0} {body if refused else ''}\n")
    return "".join(parts) + "arch amd64\n"


def test_only_layers_that_no_image_on_the_host_has_are_new() -> None:
    told = parse(printed(new=manifest(("base", 100), ("app2", 10)), old=manifest(("base", 100), ("app1", 9))))
    assert new_bytes(told, "me/x:new") == 10 * UNPACKED
    assert new_bytes(told, "me/x:old") == 9 * UNPACKED


def test_a_layer_that_is_not_compressed_counts_as_it_is() -> None:
    told = parse(printed(new=manifest(("base", 100), kind=TAR, key="SchemaV2Manifest")))
    assert new_bytes(told, "me/x:new") == 100


def test_of_an_image_for_several_platforms_the_hosts_own_counts() -> None:
    told = parse(printed(new=[manifest(("arm", 1), arch="arm64"), manifest(("amd", 5))]))
    assert new_bytes(told, "me/x:new") == 5 * UNPACKED


def test_what_the_registry_does_not_tell_is_not_guessed() -> None:
    told = parse(
        printed(
            new="no such manifest: me/x:new",
            other={"unknown": 1},
            none=[manifest(("a", 1), arch=arch) for arch in ("arm64", "riscv64")],
        )
    )
    assert told.refused["me/x:new"] == "no such manifest: me/x:new"
    assert told.foreign == {"me/x:none": ("arm64", "riscv64")}
    assert [new_bytes(told, f"me/x:{name}") for name in ("new", "other", "none", "absent")] == [None] * 4


def test_two_references_are_one_image_if_their_configurations_are_known_to_be() -> None:
    def image(config: str) -> dict[str, Any]:
        own = manifest(("base", 1))
        own["OCIManifest"]["config"] = {"digest": config}
        return own

    told = parse(printed(new=image("c1"), live=[manifest(arch="arm64"), image("c1")], old=image("c2"), none=manifest()))
    assert same(told, "me/x:new", "me/x:live")
    assert not same(told, "me/x:new", "me/x:old")
    assert not same(told, "me/x:none", "me/x:none")
    assert not same(told, "me/x:absent", "me/x:absent")
