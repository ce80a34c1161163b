"""An image of this machine's own Docker: what its archive holds, and the archive of what a host lacks of it. Pure."""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO

from behindy_ops.facts.figures import MB, size

PIECE = 2**18
"""Bytes that are read from an archive at once."""

_LEVEL = 6
"""Of gzip, which every ``docker load`` takes apart by itself: 30 MB/s or more, which few uplinks carry."""


_TYPE = "application/vnd.oci.image"

_PACKED = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}
"""How the bytes of a packed layer begin, to what its type ends with."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, and where the archive has it, in bytes.

    Attributes:
        diff_id: the digest of what it unpacks to.
        digest: of itself. The same, but where this machine's engine keeps layers packed.
        packed: ``+gzip`` or ``+zstd`` if it is.
    """

    diff_id: str
    offset: int
    size: int
    digest: str
    packed: str = ""


@dataclass(frozen=True)
class LocalImage:
    """An image that is sent to the host instead of being pulled there.

    Attributes:
        reference: what it is called on this machine.
        config: its configuration as it stands in the archive; its digest is the image's id.
        layers: from the bottom.
        read: gives so many bytes of the archive from an offset on.
    """

    reference: str
    config: bytes = field(repr=False)
    layers: tuple[Layer, ...]
    read: Callable[[int, int], bytes] = field(compare=False, repr=False)

    @cached_property
    def id(self) -> str:
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"

    @cached_property
    def manifest(self) -> bytes:
        """The manifest it is sent with."""
        config = {"mediaType": f"{_TYPE}.config.v1+json", "digest": self.id, "size": len(self.config)}
        layers = [
            {"mediaType": f"{_TYPE}.layer.v1.tar{layer.packed}", "digest": layer.digest, "size": layer.size}
            for layer in self.layers
        ]
        whole = {"schemaVersion": 2, "mediaType": f"{_TYPE}.manifest.v1+json", "config": config, "layers": layers}
        return json.dumps(whole).encode()

    @cached_property
    def manifest_digest(self) -> str:
        """Its id in an engine whose images containerd keeps."""
        return f"sha256:{hashlib.sha256(self.manifest).hexdigest()}"

    @cached_property
    def architecture(self) -> str:
        """As Docker names it."""
        return str(json.loads(self.config).get("architecture", ""))

    def names(self, reference: str) -> tuple[str, str]:
        """Return what the host calls it: ``reference``, which may move on, and a tag made of its id, which does not.

        A pulled image that has lost its tag still has the digest by which it was pulled. This one would have no name
        left, and anything that clears a host of dangling images would take what a rollback needs.
        """
        own = f"{OWN_TAG}{self.id.removeprefix('sha256:')[:12]}"
        packed = PACKED_TAG if any(layer.packed for layer in self.layers) else ""
        return reference, f"{reference.rpartition(':')[0]}:{own}{packed}"

    def missing(self, held: int) -> tuple[Layer, ...]:
        """Return the layers to send, each once, to a host that has so many from the bottom."""
        return tuple({layer.diff_id: layer for layer in self.layers[held:]}.values())

    def described(self, held: int) -> str:
        """Say how much that is: ``2 of 7 layers, 12 MB before compression``."""
        missing = self.missing(held)
        if not missing:
            return f"none of {len(self.layers)} layers, since the host has them"
        room = size(sum(layer.size for layer in missing))
        return f"{len(missing)} of {len(self.layers)} layers, {room} before compression"


OWN_TAG, PACKED_TAG = "local-", "-packed"
"""How the tag begins that is made of the id of an image that was sent, and how it ends if layers of it were packed."""


def contents(archive: IO[bytes]) -> tuple[bytes, tuple[Layer, ...]]:
    """Read what ``docker save`` has written of one image, of any version: its configuration and where its layers are.

    Raises:
        ValueError: it is not such an archive, or cut short.
    """
    try:
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            entry = json.loads(_file(tar, "manifest.json"))[0]
            config = _file(tar, entry["Config"])
            diff_ids = json.loads(config)["rootfs"]["diff_ids"] or ()
            layers = zip(diff_ids, entry["Layers"], strict=True)
            return config, tuple(_layer(archive, tar, diff_id, name) for diff_id, name in layers)
    except (tarfile.TarError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"docker save gave no image that can be read: {error}") from error


def _layer(archive: IO[bytes], tar: tarfile.TarFile, diff_id: str, name: str) -> Layer:
    member = _resolved(tar, name)
    archive.seek(member.offset_data)
    begins = archive.read(4)
    packed = next((kind for magic, kind in _PACKED.items() if begins.startswith(magic)), "")
    digest = f"sha256:{posixpath.basename(name)}" if packed else diff_id  # whoever packs names it by its digest
    return Layer(diff_id, member.offset_data, member.size, digest, packed)


def _file(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(_resolved(tar, name))
    if file is None:
        raise ValueError(f"{name} is no file")
    return file.read()


def _resolved(tar: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    """Return the file; Docker before 25 has a link where a layer occurs twice."""
    member = tar.getmember(name)
    if member.issym():
        member = tar.getmember(posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname)))
    if not member.isreg():
        raise ValueError(f"{name} is no file")
    return member


def held(layers: Sequence[Layer], images: Iterable[Sequence[str]]) -> int:
    """Return how many layers, from the bottom, one of a host's images has too.

    Docker knows a layer by all that is below it, so that one in the middle does not count.

    Args:
        images: the diff ids of each.
    """
    return max((_common([layer.diff_id for layer in layers], image) for image in images), default=0)


def _common(wanted: Sequence[str], image: Sequence[str]) -> int:
    pairs = zip(wanted, image, strict=False)
    return next((number for number, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(wanted), len(image)))


class Parcel:
    """An archive for ``docker load`` with what a host lacks of an image, compressed while it is taken.

    Docker's loader asks for the file of a layer only if it does not know the layer, so those the host has are left out.
    It is an OCI layout, as an engine needs it whose images containerd keeps, with the manifest that others read.

    Args:
        names: what the host is to call it.
        known: how many layers it has, from the bottom.
        tell: is told how far it came.

    Attributes:
        sent: bytes that were taken so far.
    """

    def __init__(self, image: LocalImage, names: Sequence[str], known: int, tell: Callable[[str], None]) -> None:
        self.sent = 0
        self._image = image
        self._names = names
        self._known = known
        self._tell = tell

    def __iter__(self) -> Iterator[bytes]:
        self.sent = 0
        packer = zlib.compressobj(_LEVEL, wbits=31)
        for piece in self._archive():
            yield from self._taken(packer.compress(piece))
        yield from self._taken(packer.flush())
        self._tell(f"{size(self.sent)} sent; the host unpacks it")

    def _taken(self, data: bytes) -> Iterator[bytes]:
        if data:
            self.sent += len(data)
            yield data

    def _archive(self) -> Iterator[bytes]:
        image, missing = self._image, self._image.missing(self._known)
        layers = [_blob(layer.digest) for layer in image.layers]
        docker = [{"Config": _blob(image.id), "RepoTags": list(self._names), "Layers": layers}]
        named = [{"io.containerd.image.name": _whole(name)} for name in self._names]
        listed = {
            "mediaType": f"{_TYPE}.manifest.v1+json",
            "digest": image.manifest_digest,
            "size": len(image.manifest),
        }
        files = {
            "oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode(),
            "index.json": json.dumps(
                {"schemaVersion": 2, "manifests": [listed | {"annotations": name} for name in named]}
            ).encode(),
            "manifest.json": json.dumps(docker).encode(),
            _blob(image.manifest_digest): image.manifest,
            _blob(image.id): image.config,
        }
        for name, data in files.items():
            yield _header(name, len(data)) + data + _padding(len(data))
        for number, layer in enumerate(missing, 1):
            yield _header(_blob(layer.digest), layer.size)
            yield from self._layer(layer, f"layer {number} of {len(missing)}")
            yield _padding(layer.size)
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _layer(self, layer: Layer, which: str) -> Iterator[bytes]:
        done = 0
        while done < layer.size:
            piece = self._image.read(layer.offset + done, min(PIECE, layer.size - done))
            if not piece:
                raise ValueError("the archive is cut short")
            done += len(piece)
            yield piece
            if done // MB > (done - len(piece)) // MB or done == layer.size:
                self._tell(f"{which}: {size(done)} of {size(layer.size)}; {size(self.sent)} sent")


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _whole(name: str) -> str:
    """Return an image's name with its registry, as containerd has it: docker.io where none is named."""
    first, slash, _ = name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def _header(name: str, length: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = length
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(length: int) -> bytes:
    return bytes(-length % tarfile.BLOCKSIZE)
