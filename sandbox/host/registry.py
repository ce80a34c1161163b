"""A small client of the registry's HTTP API: enough to make a release out of another image without an engine.

https://distribution.github.io/distribution/spec/api/
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from behindy_ops.errors import BehindyError, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from http.client import HTTPResponse

__all__ = ["CONFIG_TYPE", "PACKED_LAYER_TYPE", "PLAIN_LAYER_TYPE", "Registry"]

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
PLAIN_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
PACKED_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LIMIT_SECONDS = 20.0
CHUNK_BYTES = 1024 * 1024
# The registry is on this machine: a proxy that the environment names is not for it.
_DIRECT = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Registry:
    """The registry at ``address`` (host:port, without TLS). Every method raises ``Kind.SANDBOX`` when it refuses."""

    address: str

    def wait(self, seconds: float) -> None:
        """Return when the registry answers; raise when it has not after so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._ask("GET", "/v2/")
            except BehindyError:
                if time.monotonic() > deadline:
                    raise
            else:
                return
            time.sleep(0.05)

    def manifest(self, repository: str, tag: str) -> dict[str, Any]:
        """Return the manifest of an image."""
        accept = {"Accept": MANIFEST_TYPE}
        content = self._ask("GET", f"/v2/{repository}/manifests/{tag}", headers=accept).read()
        manifest: dict[str, Any] = json.loads(content)
        return manifest

    def blob(self, repository: str, digest: str) -> bytes:
        """Return a blob's content."""
        return bytes(self._ask("GET", f"/v2/{repository}/blobs/{digest}").read())

    def mount(self, repository: str, digest: str, source: str) -> None:
        """Make a blob of the repository ``source`` one of ``repository`` too, without sending it."""
        self._ask("POST", f"/v2/{repository}/blobs/uploads/?mount={digest}&from={source}", data=b"")

    def put_blob(self, repository: str, content: BinaryIO) -> dict[str, Any]:
        """Store a blob, read from the start of an open file; return its digest and size in bytes."""
        hashed = hashlib.sha256()
        for chunk in iter(lambda: content.read(CHUNK_BYTES), b""):
            hashed.update(chunk)
        digest = f"sha256:{hashed.hexdigest()}"
        size = content.tell()
        if self._has(repository, digest):
            return {"digest": digest, "size": size}
        content.seek(0)
        place = self._ask("POST", f"/v2/{repository}/blobs/uploads/", data=b"").headers["Location"]
        parts = urlsplit(place)
        query = f"{parts.query}&" if parts.query else ""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._ask("PUT", f"{parts.path}?{query}digest={digest}", data=content, headers=headers)
        return {"digest": digest, "size": size}

    def put_image(
        self, repository: str, tag: str, config: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]
    ) -> None:
        """Give the repository an image under a tag; its configuration and layers are blobs that are there already."""
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers}
        kind = {"Content-Type": MANIFEST_TYPE}
        content = json.dumps(manifest).encode()
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", data=content, headers=kind)

    def _has(self, repository: str, digest: str) -> bool:
        request = Request(f"http://{self.address}/v2/{repository}/blobs/{digest}", method="HEAD")
        try:
            with _DIRECT.open(request, timeout=LIMIT_SECONDS):
                return True
        except (HTTPError, URLError, OSError):
            return False

    def _ask(
        self, method: str, path: str, *, data: bytes | BinaryIO | None = None, headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        request = Request(f"http://{self.address}{path}", data=data, method=method, headers=dict(headers or {}))
        try:
            answer: HTTPResponse = _DIRECT.open(request, timeout=LIMIT_SECONDS)
        except HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            raise Kind.SANDBOX(
                f"The sandbox's registry refused {method} {path} with {error.code}.",
                remedy="./inv sandbox.up repairs it.",
                lines=(said,),
            ) from error
        except (URLError, OSError) as error:
            raise Kind.SANDBOX(
                f"The sandbox's registry at {self.address} does not answer ({error}).",
                remedy="Start it: ./inv sandbox.up",
            ) from error
        return answer
