"""A stand-in for certbot and Let's Encrypt in one image: a throwaway CA behind the same options and volumes."""

from __future__ import annotations

import copy
import io
import json
import tarfile
from hashlib import sha256
from typing import TYPE_CHECKING

from sandbox.host import seed
from sandbox.host.images import ASSETS, Image, Part
from sandbox.host.registry import CONFIG_TYPE, PLAIN_LAYER_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.host.registry import Registry

__all__ = ["put"]


def put(registry: Registry, built: Mapping[Part, Image], name: str, ca: bytes, key: bytes, *, days: int = 90) -> None:
    """Give a registry that has the sandbox's images the one that is called ``name`` (``repository:tag``).

    Args:
        days: how long its certificates hold.
    """
    repository, _, tag = name.partition(":")
    manifest = registry.manifest(seed.REPOSITORY, seed.tag_of(Part.NGINX, built[Part.NGINX]))
    config = copy.deepcopy(json.loads(registry.blob(seed.REPOSITORY, manifest["config"]["digest"])))
    for below in manifest["layers"]:
        registry.mount(repository, below["digest"], seed.REPOSITORY)
    layer = _layer({"usr/local/bin/certbot": (ASSETS / "certbot" / "certbot.sh").read_bytes(), "opt/ca.pem": ca}, key)
    config["config"] |= {"Entrypoint": ["certbot"], "Cmd": []}
    config["config"]["Env"] = [*(config["config"].get("Env") or []), f"SANDBOX_CERTIFICATE_DAYS={days}"]
    config["rootfs"]["diff_ids"].append(f"sha256:{sha256(layer).hexdigest()}")
    config.setdefault("history", []).append({"created_by": "sandbox certbot"})
    added = registry.put_blob(repository, io.BytesIO(layer))
    changed = registry.put_blob(repository, io.BytesIO(json.dumps(config).encode()))
    layers = [*manifest["layers"], {**added, "mediaType": PLAIN_LAYER_TYPE}]
    registry.put_image(repository, tag, {**changed, "mediaType": CONFIG_TYPE}, layers)


def _layer(files: Mapping[str, bytes], key: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content, mode in (
            *((path, content, 0o755) for path, content in files.items()),
            ("opt/ca.key", key, 0o600),
        ):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
