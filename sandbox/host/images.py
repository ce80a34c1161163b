"""The images the sandbox is made of, built once and kept; a name changes when what it is built from does."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.host import base_image
from sandbox.host.docker_cli import docker, failure, try_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ASSETS", "HASH_LABEL", "Image", "Part", "builder", "ensure", "fingerprint", "named"]

ASSETS = Path(__file__).parents[1] / "assets"
HASH_LABEL = "behindy-ops.assets"
BUILD_SECONDS = 600.0


class Part(Enum):
    """What is built; the values are folders of assets."""

    HOST = "host"
    NGINX = "nginx"
    POSTGRES = "postgres"
    REDIS = "redis"
    APP = "app"


@dataclass(frozen=True)
class Image:
    """A built image: its name in this machine's engine, and the hash of what it was built from."""

    name: str
    assets: str


def fingerprint(part: Part, folder: Path = ASSETS) -> str:
    """Twelve hexadecimal digits over the names and contents of the part's files and of those all parts share."""
    digest = hashlib.sha256()
    for shared in ("common", part.value):
        for file in sorted((folder / shared).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def named(part: Part) -> Image:
    """The image of a part as its assets are now, built or not."""
    assets = fingerprint(part)
    return Image(f"behindy-sandbox-{part.value}:{assets}", assets)


def ensure(say: Callable[[str], None]) -> Mapping[Part, Image]:
    """Return all images, building the missing ones side by side.

    Raises:
        Kind.SANDBOX: one could not be built; the lines are the last of its build.
    """
    images = {part: named(part) for part in Part}
    present = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"label={HASH_LABEL}")
    missing = [part for part, image in images.items() if image.name not in present.split()]
    if missing:
        base = base_image.ensure(say)
        names = ", ".join(part.value for part in missing)
        say(f"Building images from Debian packages, kept for the next time: {names}")
        environment = builder()
        with ThreadPoolExecutor(len(missing)) as pool:
            builds = [pool.submit(_build, part, images[part], base, environment) for part in missing]
            for build in as_completed(builds):
                say(f"Built {build.result().value}")
    return images


def builder() -> Mapping[str, str]:
    """What the environment of ``docker build`` needs on this machine."""
    # Without its plugin the client may refuse to build unless it is told to use the old builder. Attestations would
    # turn an image into a list of images.
    if try_docker("buildx", "version").returncode == 0:
        return {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    return {"DOCKER_BUILDKIT": "0"}


def _build(part: Part, image: Image, base: str, environment: Mapping[str, str]) -> Part:
    argv = (
        *("build", "--file", str(ASSETS / part.value / "Dockerfile"), "--tag", image.name),
        *("--build-arg", f"BASE={base}", "--label", f"{HASH_LABEL}={image.assets}", str(ASSETS)),
    )
    done = try_docker(*argv, timeout=BUILD_SECONDS, environment=environment)
    if done.returncode != 0:
        error = failure(argv, done)
        raise Kind.SANDBOX(
            f"The sandbox's image {part.value} could not be built.",
            remedy="The lines below say why; the packages come over the network.",
            lines=error.lines,
        )
    return part
