"""How far a pull is, and why an image could not be had, from what docker says of it. Pure.

The words are those of docker, containerd and the registries, which have no codes for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from behindy_ops.errors import Kind
from behindy_ops.facts.figures import size
from behindy_ops.project.registries import DOCKER_HUB, registry_of


@dataclass(frozen=True, slots=True)
class Cause:
    """What happened, and what to type next."""

    kind: Kind
    what: str
    remedy: str


_LOOK = "See from the host what it says: curl -sSI https://<registry>/v2/"
_CAUSES: tuple[tuple[str, Cause], ...] = (
    (
        r"no space left on device",
        Cause(
            Kind.DISK_FULL,
            "The host's disk is full: {image} could not be stored.",
            "See what takes it: inv ops.disk; remove old images: inv ops.prune",
        ),
    ),
    (
        r"no matching manifest for|no match for platform|does not match the specified platform",
        Cause(
            Kind.IMAGE_NOT_FOUND,
            "There is no {image} for the host's architecture.",
            "Build it for the host's platform too (docker buildx build --platform), and push it.",
        ),
    ),
    (
        r"toomanyrequests|pull rate limit|too many requests",
        Cause(
            Kind.REGISTRY_REFUSED,
            "The registry's limit on pulls is used up, so {image} could not be pulled.",
            "{limit}",
        ),
    ),
    (
        r"error getting credentials|docker-credential-|credential helper",
        Cause(
            Kind.HOST_NOT_READY,
            "The credential helper of Docker on the host failed, so {image} could not be pulled.",
            "Correct credsStore and credHelpers in ~/.docker/config.json there; or set DOCKERHUB_USERNAME and "
            "DOCKERHUB_TOKEN, with which no helper is asked.",
        ),
    ),
    (
        r"server gave http response to https client",
        Cause(
            Kind.REGISTRY_UNREACHABLE,
            "The registry of {image} speaks HTTP without TLS, which Docker refuses.",
            "Give it a certificate; or name it in insecure-registries in the host's /etc/docker/daemon.json.",
        ),
    ),
    (
        r"x509:|certificate signed by unknown|certificate has expired|tls: failed to verify",
        Cause(
            Kind.REGISTRY_UNREACHABLE,
            "Docker on the host does not trust the certificate of the registry of {image}.",
            "Is it expired, or the host's clock wrong (inv ops.doctor)? A certificate authority of your own belongs "
            "into /etc/docker/certs.d/<registry>/ca.crt there.",
        ),
    ),
    (
        r"denied|unauthorized|authentication required|no basic auth|forbidden|incorrect username or password",
        Cause(Kind.REGISTRY_REFUSED, "The registry refused to give {image}.", "Check the name and the tag. {login}"),
    ),
    (
        r"no such host|server misbehaving|name resolution|name or service not known",
        Cause(
            Kind.REGISTRY_UNREACHABLE,
            "The host cannot resolve the name of the registry of {image}.",
            "Check the image's name (BEHINDY_IMAGE_PREFIX), and the host's DNS: getent hosts <registry>",
        ),
    ),
    (
        r"manifest unknown|no such manifest|not found|no such image|repository name not known",
        Cause(
            Kind.IMAGE_NOT_FOUND,
            "There is no image {image}.",
            "Check --tag, the image's name (BEHINDY_IMAGE_PREFIX), and that the build has pushed it.",
        ),
    ),
    (
        r"internal server error|bad gateway|service unavailable|gateway timeout|status:? 5\d\d|\b50[0234]\b",
        Cause(
            Kind.REGISTRY_UNREACHABLE,
            "The registry of {image} is in trouble itself: it answers with an error of its own.",
            f"Try again when it is well. {_LOOK}",
        ),
    ),
    (
        r"connection re(fused|set)|timeout|no route to host|network is unreachable|deadline exceeded|\beof\b",
        Cause(
            Kind.REGISTRY_UNREACHABLE,
            "The registry of {image} does not answer the host.",
            f"Is it down, or a firewall in between? {_LOOK}",
        ),
    ),
)
"""In any case; the first that matches."""


def cause(said: str, image: str, *, logged_in: bool = False) -> Cause | None:
    """Return why ``image`` could not be had; None if what docker said is not known.

    Args:
        logged_in: the settings have a login for the registry.
    """
    registry, private = registry_of(image), "If it is private, set DOCKERHUB_TOKEN."
    if registry != DOCKER_HUB:
        private = (
            f"If it is private, give {registry} a login: in pyproject.toml, [tool.behindy-ops.registries]; or by "
            "BEHINDY_REGISTRY and DOCKERHUB_TOKEN."
        )
    login = "Check that the token may read it." if logged_in else private
    wait = "Docker Hub counts over six hours: wait"
    limit = f"{wait}." if logged_in else f"{wait}, or set DOCKERHUB_USERNAME and DOCKERHUB_TOKEN: a login has its own."
    for pattern, found in _CAUSES:
        if re.search(pattern, said, re.IGNORECASE):
            words = {"image": image, "login": login, "limit": limit}
            return Cause(found.kind, found.what.format(**words), found.remedy.format(**words))
    return None


PULLED, _THERE = "Pull complete", "Already exists"
"""What docker says of a layer that is on the host now, and of one that was there before."""

_FETCHED = frozenset({PULLED, "Verifying Checksum", "Download complete"})
"""What it says of one all of whose bytes have come."""

_UNITS = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
"""Docker's, which are decimal."""


def note_layer(layers: dict[str, str], line: str) -> bool:
    """Note by a layer's id what docker says of it; return whether the line is about one."""
    told = re.fullmatch(r"([0-9a-f]{12}): (.+)", line.strip())
    if told is not None:
        layers[told[1]] = told[2]
    return told is not None


def note_bytes(sizes: dict[str, tuple[float, float]], line: str) -> bool:
    """Note by a layer's id how many bytes of how many have come; return whether the line is about that.

    Args:
        line: ``progress``, then pairs as ``0ee06f3d1c7f 10.8MB/15MB`` (``deploy/pull.sh``). Docker does not always
            know how many there will be.
    """
    word, *pairs = line.split() or [""]
    if word != "progress":
        return False
    for identity, figures in zip(pairs[::2], pairs[1::2], strict=False):
        come, _, all_ = figures.partition("/")
        sizes[identity] = (_bytes(come), _bytes(all_))
    return True


def _bytes(figure: str) -> float:
    told = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kMGT]?B)", figure)
    return float(told[1]) * _UNITS[told[2]] if told is not None else 0.0


def layers_told(layers: Mapping[str, str], sizes: Mapping[str, tuple[float, float]]) -> str:
    """Return how many layers are on the host, and how many bytes have come, of those layers that docker told of."""
    there = sum(state in (PULLED, _THERE) for state in layers.values())
    all_ = sum(max(figures) for figures in sizes.values())
    come = sum(max(figures) if layers.get(layer) in _FETCHED else figures[0] for layer, figures in sizes.items())
    return f"{there} of {len(layers)} layers" + (f", {size(come)} of {size(all_)}" if all_ else "")


def runs_on(built_for: str, host: str) -> bool:
    """Return whether an image built for one architecture runs on a host of another, as Docker names them."""
    return not built_for or not host or built_for == host or (built_for, host) in {("386", "amd64"), ("arm", "arm64")}
