"""What the registry says of an image before it is pulled: is it there, and how much of it is new to the host. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from behindy_ops.facts.pull import runs_on

UNPACKED_TWICE = 2
"""How much disk a layer takes that is loaded from an archive: Docker unpacks that first, and the layer out of it."""

UNPACKED = 3
"""How many times larger a compressed layer is on disk: docs/design.md, "Disk reserve"."""


@dataclass(frozen=True, slots=True)
class Manifests:
    """What came back.

    Attributes:
        layers: reference to its layers: digest to bytes on disk, estimated where the registry keeps them compressed.
        refused: reference to what the registry said instead.
        foreign: reference to the architectures it is built for, where none is the host's.
        architecture: the host's.
        configs: reference to the digest of its configuration, which is the same for the same image alone.
        source: who told, in words.
    """

    layers: dict[str, dict[str, int]]
    refused: dict[str, str]
    foreign: dict[str, tuple[str, ...]] = field(default_factory=dict)
    architecture: str = ""
    configs: dict[str, str] = field(default_factory=dict)
    source: str = "the registry"


def parse(text: str) -> Manifests:
    """Read what ``manifests.sh`` printed; what cannot be read counts as not told."""
    arch = next((line.removeprefix("arch ") for line in text.splitlines() if line.startswith("arch ")), "")
    layers: dict[str, dict[str, int]] = {}
    refused: dict[str, str] = {}
    foreign: dict[str, tuple[str, ...]] = {}
    configs: dict[str, str] = {}
    reference = ""
    body: list[str] = []
    for line in text.splitlines():
        if line.startswith("manifest "):
            reference, body = line.removeprefix("manifest "), []
        elif line.startswith("ended ") and reference:
            _, code, said = line.split(" ", 2)
            built_for = _architectures("\n".join(body)) if code == "0" else ()
            if built_for and not any(runs_on(each, arch) for each in built_for):
                foreign[reference] = built_for
            found = _own("\n".join(body), arch) if code == "0" else None
            if found is None:
                refused[reference] = said.strip() or "it cannot be read"
            else:
                layers[reference], configs[reference] = found
        else:
            body.append(line)
    return Manifests(layers, refused, foreign, arch, configs)


def _architectures(text: str) -> tuple[str, ...]:
    """Return what it is built for; what is ``unknown`` is an attestation, no image."""
    try:
        data = json.loads(text)
        platforms = [each["Descriptor"]["platform"] for each in (data if isinstance(data, list) else [data])]
        return tuple(sorted({each["architecture"] for each in platforms} - {"unknown", ""}))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _own(text: str, arch: str) -> tuple[dict[str, int], str] | None:
    """Return the layers of the host's own image, and the digest of its configuration."""
    try:
        data = json.loads(text)
        one = _of_platform(data if isinstance(data, list) else [data], arch)
        manifest = one.get("SchemaV2Manifest") or one.get("OCIManifest") or {}
        layers = {
            layer["digest"]: int(layer["size"]) * (1 if str(layer.get("mediaType", "")).endswith("tar") else UNPACKED)
            for layer in manifest["layers"]
        }
        return layers, str(manifest.get("config", {}).get("digest", ""))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None


def _of_platform(manifests: list[dict[str, Any]], arch: str) -> dict[str, Any]:
    """An image for several platforms is a list; the host pulls its own."""
    if len(manifests) == 1:
        return manifests[0]
    platforms = ((each, each.get("Descriptor", {}).get("platform", {})) for each in manifests)
    return next(each for each, at in platforms if (at.get("os"), at.get("architecture")) == ("linux", arch))


def same(manifests: Manifests, image: str, other: str) -> bool:
    """Return whether two references are known to be one image."""
    return manifests.configs.get(image, "") == manifests.configs.get(other) != ""


def new_bytes(manifests: Manifests, image: str) -> int | None:
    """Return about how many bytes a pull of ``image`` adds to the disk, or None if the registry does not tell.

    The other references are images the host has; a layer of theirs is not pulled again.
    """
    wanted = manifests.layers.get(image)
    if wanted is None:
        return None
    held = {digest for reference, layers in manifests.layers.items() if reference != image for digest in layers}
    return sum(size for digest, size in wanted.items() if digest not in held)
