"""Releases of the sample application, with faults to order: a layer over the cached image, pushed in some 50 ms."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import io
import json
import tarfile
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.validate import check_tag, shown
from sandbox.host.checkout import here
from sandbox.host.images import Part, named
from sandbox.host.info import load
from sandbox.host.registry import CONFIG_TYPE, PLAIN_LAYER_TYPE, Registry
from sandbox.host.seed import REPOSITORY, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Fault", "Release", "application_ports", "configure", "fault_named", "layer", "push", "put_above", "release"]


class Fault(StrEnum):
    """What can be wrong with a release."""

    CRASH = "crash"
    NEVER_READY = "never-ready"
    HTTP_500 = "http-500"
    SLOW_BOOT = "slow-boot"
    OOM = "oom"
    OUTSIDE_ONLY = "outside-only"
    OUTSIDE_LATE = "outside-late"
    MISSING_FILE = "missing-file"
    IGNORES_SIGTERM = "ignores-sigterm"
    DIES_LATER = "dies-later"
    LEAKS = "leaks"


@dataclass(frozen=True)
class Release:
    """What a release is built from; ``built`` (an ISO time) makes each build an image of its own."""

    service: str
    tag: str
    port: int
    fault: str
    boot_seconds: float
    built: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> list[str]:
        """What the sample application reads, as an image's configuration has it."""
        return [
            f"SAMPLE_SERVICE={self.service}",
            f"SAMPLE_RELEASE={self.tag}",
            f"SAMPLE_FAULT={self.fault}",
            f"BOOT_SECONDS={self.boot_seconds}",
            f"PORT={self.port}",
        ]


def release(
    service: str,
    tag: str,
    fault: str | None = None,
    *,
    boot_seconds: float = 0,
    labels: Mapping[str, str] | None = None,
) -> str:
    """Build a release and push it to the sandbox's registry.

    Args:
        service: a service that the compose file declares with ``x-deploy``.
        tag: the image's tag; the answers' ``X-Release`` too. One that exists is replaced.
        fault: the name of a ``Fault``, or None for a good release.
        boot_seconds: how long it sleeps before it listens.
        labels: the image's, besides those of the sample application.

    Returns:
        The image's name as the host pulls it.

    Raises:
        Kind.USAGE: no such service or fault, or a tag that is none.
        Kind.SANDBOX: the sandbox is not up.
    """
    ports = application_ports(here().compose_file)
    if service not in ports:
        raise Kind.USAGE(f"There is no service {shown(service)}.", remedy=f"Name one of: {', '.join(ports)}.")
    if problem := check_tag(tag):
        raise Kind.USAGE(f"--tag: {problem}.")
    chosen = fault_named(fault)
    info = load()
    built = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    content = Release(service, tag, ports[service], chosen, boot_seconds, built, labels or {})
    push(Registry(info.registry), content)
    return f"{info.image_prefix}/behindy-{service}:{tag}"


def fault_named(name: str | None) -> str:
    """Return the fault's name, empty for None.

    Raises:
        Kind.USAGE: there is no such fault.
    """
    if name is None or name in set(Fault):
        return name or ""
    raise Kind.USAGE(f"There is no fault {shown(name)}.", remedy=f"Name one of: {', '.join(Fault)}.")


def application_ports(compose_file: Path) -> dict[str, int]:
    """The services that can be released, and the ports they listen on."""
    return {service.name: service.port for service in ComposeFile.read(compose_file).services().values()}


def layer(content: Release) -> bytes:
    """The release's layer as a tar archive: a file that says what it is, and the frontend's page has a script.

    The script's name differs by build, as Next.js's do.
    """
    text = json.dumps(asdict(content), indent=2).encode()
    files = {"opt/release.json": text}
    if content.service == "frontend":
        name = f"app-{hashlib.sha256(text).hexdigest()[:16]}.js"
        files[f"app/.next/static/chunks/{name}"] = f'globalThis.release = "{content.tag} {content.built}";\n'.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, file in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(file)
            tar.addfile(member, io.BytesIO(file))
    return buffer.getvalue()


def configure(base: dict[str, Any], content: Release, diff_id: str) -> dict[str, Any]:
    """The image configuration of a release, from that of the image below it and the digest of its layer's tar."""
    image = copy.deepcopy(base)
    image["created"] = content.built
    own = content.environment()
    names = {line.partition("=")[0] for line in own}
    kept = [line for line in image["config"].get("Env") or [] if line.partition("=")[0] not in names]
    image["config"]["Env"] = [*kept, *own]
    image["config"]["ExposedPorts"] = {f"{content.port}/tcp": {}}
    image["config"]["Labels"] = {**(image["config"].get("Labels") or {}), **content.labels}
    image["rootfs"]["diff_ids"].append(diff_id)
    image.setdefault("history", []).append({"created": content.built, "created_by": "sandbox.release"})
    return image


def push(registry: Registry, content: Release) -> None:
    """Put a release into a registry that has the sample application."""
    repository = f"behindy/behindy-{content.service}"
    put_above(
        registry, f"{repository}:{content.tag}", layer(content), lambda base, diff: configure(base, content, diff)
    )


def put_above(
    registry: Registry, name: str, tar: bytes, configured: Callable[[dict[str, Any], str], dict[str, Any]]
) -> None:
    """Put an image into a registry: the sample application's with one more layer.

    Args:
        registry: one that has the sample application.
        name: of the image, ``repository:tag``.
        tar: the layer.
        configured: makes the image's configuration of that of the sample application and the layer's digest.
    """
    repository, _, tag = name.partition(":")
    manifest = registry.manifest(REPOSITORY, tag_of(Part.APP, named(Part.APP)))
    config = json.loads(registry.blob(REPOSITORY, manifest["config"]["digest"]))
    for below in manifest["layers"]:
        registry.mount(repository, below["digest"], REPOSITORY)
    added = registry.put_blob(repository, io.BytesIO(tar))
    text = json.dumps(configured(config, added["digest"])).encode()
    changed = registry.put_blob(repository, io.BytesIO(text))
    layers = [*manifest["layers"], {**added, "mediaType": PLAIN_LAYER_TYPE}]
    registry.put_image(repository, tag, {**changed, "mediaType": CONFIG_TYPE}, layers)
