"""Archives as ``docker save`` writes them, small: in the form of Docker before 25, and in that of later ones."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from typing import Any

from behindy_ops.facts.local_image import LocalImage, contents

__all__ = ["classic", "configured", "diff_id", "image_of", "oci"]


def diff_id(layer: bytes) -> str:
    return f"sha256:{hashlib.sha256(layer).hexdigest()}"


def configured(layers: Sequence[bytes], **more: Any) -> bytes:
    """An image's configuration."""
    rootfs = {"type": "layers", "diff_ids": [diff_id(layer) for layer in layers]}
    return json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs, **more}).encode()


def oci(config: bytes, layers: Sequence[bytes]) -> bytes:
    """Of Docker 25 and later: blobs by their digests, each once."""
    blobs = {f"blobs/sha256/{diff_id(blob)[7:]}": blob for blob in (*layers, config)}
    names = [f"blobs/sha256/{diff_id(layer)[7:]}" for layer in layers]
    manifest = [{"Config": f"blobs/sha256/{diff_id(config)[7:]}", "RepoTags": None, "Layers": names}]
    return _tar({**blobs, "index.json": b"{}", "manifest.json": json.dumps(manifest).encode()})


def classic(config: bytes, layers: Sequence[bytes]) -> bytes:
    """Of Docker before 25: a directory a layer, and a link where one occurs twice."""
    files: dict[str, bytes | str] = {}
    first: dict[bytes, str] = {}
    for number, layer in enumerate(layers):
        name = f"{number:02}/layer.tar"
        files[name] = f"../{first[layer]}" if layer in first else layer
        first.setdefault(layer, name)
    name = f"{diff_id(config)[7:]}.json"
    manifest = [{"Config": name, "RepoTags": ["a:b"], "Layers": [f"{n:02}/layer.tar" for n in range(len(layers))]}]
    return _tar({**files, name: config, "manifest.json": json.dumps(manifest).encode()})


def _tar(files: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def image_of(*layers: bytes, reference: str = "me/web:v2", **more: Any) -> LocalImage:
    """An image of this machine."""
    archive = oci(configured(layers, **more), layers)
    config, found = contents(io.BytesIO(archive))
    return LocalImage(reference, config, found, lambda offset, count: archive[offset : offset + count])
