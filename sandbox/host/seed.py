"""The host's image with a filled registry: its engine pulls what it needs, much faster than `docker load`."""

from __future__ import annotations

import json
import tarfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from behindy_ops.errors import Kind
from sandbox.host.docker_cli import docker, try_docker
from sandbox.host.images import HASH_LABEL, Image, Part
from sandbox.host.registry import CONFIG_TYPE, PACKED_LAYER_TYPE, PLAIN_LAYER_TYPE, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["REPOSITORY", "ensure", "tag_of"]

REPOSITORY = "behindy/sandbox"
"""Where the images are in the sandbox's registry. A release is a layer over the sample application's."""
ENTRYPOINT = "/usr/local/sbin/sandbox-entrypoint"
CONTAINER = "behindy-sandbox-seed"
START_SECONDS = 20.0
GZIP_MAGIC = b"\x1f\x8b"


def tag_of(part: Part, image: Image) -> str:
    """The tag of a part in ``REPOSITORY``."""
    return f"{part.value}-{image.assets}"


def ensure(images: Mapping[Part, Image], say: Callable[[str], None]) -> Image:
    """Return the host's image with all the other images in its registry, made from ``images`` where it is missing.

    Raises:
        Kind.SANDBOX: the engine could not save the images, or its registry did not take them.
    """
    digest = sha256(" ".join(images[part].assets for part in Part).encode()).hexdigest()[:12]
    seeded = Image(f"behindy-sandbox:{digest}", digest)
    if try_docker("image", "inspect", seeded.name).returncode != 0:
        say("Filling the registry of the host's image")
        with _registry(images[Part.HOST]) as registry:
            _fill(registry, images)
            docker("kill", CONTAINER)  # as PID 1 it would let a polite request pass
            changes = (f'ENTRYPOINT ["{ENTRYPOINT}"]', "CMD []", f"LABEL {HASH_LABEL}={digest}")
            docker("commit", *(word for change in changes for word in ("--change", change)), CONTAINER, seeded.name)
    return seeded


@contextmanager
def _registry(host: Image) -> Iterator[Registry]:
    """Run the registry of the host's image alone; give its client."""
    # One that a killed run left behind; only one run at a time comes here.
    try_docker("rm", "--force", "--volumes", CONTAINER)
    options = ("--detach", "--name", CONTAINER, "--publish", "127.0.0.1::5000", "--entrypoint", "docker-registry")
    docker("run", *options, host.name, "serve", "/etc/docker/registry/config.yml")
    try:
        address = docker("port", CONTAINER, "5000/tcp").splitlines()[0]
        registry = Registry(address)
        registry.wait(START_SECONDS)
        yield registry
    finally:
        try_docker("rm", "--force", "--volumes", CONTAINER)


def _fill(registry: Registry, images: Mapping[Part, Image]) -> None:
    """Store the images with their layers as they are: packing and unpacking would take most of the time."""
    parts = {image.name: part for part, image in images.items() if part is not Part.HOST}
    with TemporaryDirectory(prefix="behindy-seed-") as folder:
        archive = Path(folder, "images.tar")
        docker("save", "--output", str(archive), *parts, timeout=300)
        with tarfile.open(archive) as tar:
            for saved in json.load(_member(tar, "manifest.json")):
                for name in saved["RepoTags"]:
                    if name in parts:
                        _store(registry, tar, saved, tag_of(parts[name], images[parts[name]]))


def _store(registry: Registry, tar: tarfile.TarFile, saved: Mapping[str, Any], tag: str) -> None:
    config = registry.put_blob(REPOSITORY, _member(tar, saved["Config"]))
    layers = []
    for path in saved["Layers"]:
        layer = _member(tar, path)
        kind = PACKED_LAYER_TYPE if layer.read(2) == GZIP_MAGIC else PLAIN_LAYER_TYPE
        layer.seek(0)
        layers.append({**registry.put_blob(REPOSITORY, layer), "mediaType": kind})
    registry.put_image(REPOSITORY, tag, {**config, "mediaType": CONFIG_TYPE}, layers)


def _member(tar: tarfile.TarFile, path: str) -> BinaryIO:
    file = tar.extractfile(path)
    if file is None:
        raise Kind.SANDBOX(f"`docker save` gave no file {path}.", remedy="Update Docker, then try again.")
    return cast("BinaryIO", file)
