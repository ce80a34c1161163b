"""The services that can be deployed: read and checked from the ``x-deploy`` stanzas of ``compose/docker-compose.yml``.

A service is a stanza there and no code here. Everything that is wrong in the file is reported at once, by its path.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HealthPolicy", "Service", "load", "names", "repository", "seconds", "validate_tag"]

IMAGE_PREFIX = "BEHINDY_IMAGE_PREFIX"

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = _UNITS["h"] * 24
"""Seconds; a longer wait in a deploy is a slip of the pen."""


@dataclass(frozen=True)
class HealthPolicy:
    """How long a release may take to become healthy: ``attempts`` of ``interval`` s each, a look every ``look`` s."""

    attempts: int = 15
    interval: float = 3.0
    look: float = 0.2


@dataclass(frozen=True)
class Service:
    """One service, as its stanza declares it. All times are in seconds.

    :param repository_template: the ``image`` field; :func:`repository` makes a repository of it.
    :param port: where it listens inside the network.
    :param internal: path asked inside the network, straight at the container.
    :param external: path below ``https://<domain>`` that proves it to users.
    :param rehearsal: path below ``https://<domain>`` that reaches the candidate itself, or None for no rehearsal.
    :param drain: at most to wait for open connections of the outgoing container.
    :param linger: at least to keep the outgoing container, for callers that cache its address.
    :param stop: between SIGTERM and SIGKILL.
    :param watch: to look for a relapse after the switch.
    :param through: another service that ``external`` passes through, so that it says nothing while that one is missing.
    :param env_names: names (never values) of the environment the stanza gives the container.
    :param required_env: names the stanza cannot be filled in without.
    """

    name: str
    repository_template: str
    port: int
    internal: str
    external: str
    rehearsal: str | None
    drain: float = 30.0
    linger: float = 0.0
    stop: float = 10.0
    watch: float = 10.0
    health: HealthPolicy = field(default_factory=HealthPolicy)
    through: str = ""
    env_names: tuple[str, ...] = ()
    required_env: tuple[str, ...] = ()


def load(path: Path) -> dict[str, Service]:
    """All services with an ``x-deploy``, by name, in the order of the file.

    :raises Kind.COMPOSE_INVALID: the file cannot be read, or something in it is wrong; with one line for each mistake.
    """
    from behindy_ops.project.compose import read_services

    services, mistakes = read_services(_read(path))
    if not services and not mistakes:
        mistakes = ["services: none has an x-deploy, so there is nothing to deploy"]
    if mistakes:
        raise Kind.COMPOSE_INVALID(
            f"{path.name} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}.",
            remedy=f"Correct it in {path}.",
            lines=tuple(mistakes),
        )
    return services


def names(path: Path) -> list[str]:
    """The names of the services with an ``x-deploy``, in the order of the file; nothing else in it is checked.

    The task list waits for it: so a file in block style is read by its indentation, 10 ms cheaper than the first YAML
    document of a process (a tenth of a bare `inv --list`). One that is written otherwise is parsed.

    :raises Kind.COMPOSE_INVALID: the file cannot be read.
    """
    text = _read(path)
    found = _names_by_indentation(text)
    if len(found) == len(re.findall(r"^[^#\n]*x-deploy", text, re.MULTILINE)):
        return found
    from behindy_ops.project.compose import service_names

    return service_names(text)


def repository(service: Service, image_prefix: str = "") -> str:
    """The repository of the service's images: its ``image`` with the prefix filled in, without tag and digest.

    :param image_prefix: the setting ``BEHINDY_IMAGE_PREFIX``; ``""`` leaves the compose file's own default.
    :raises Kind.SETTINGS: there is no prefix, or with this one no valid name comes out.
    """
    from behindy_ops.project.interpolation import fill_in
    from behindy_ops.project.validate import check_repository

    remedy = f"Set {IMAGE_PREFIX} to what stands before /behindy-{service.name} in the image's name."
    try:
        image = fill_in(service.repository_template, {IMAGE_PREFIX: image_prefix})
    except KeyError as error:
        raise Kind.SETTINGS(f"The image of {service.name} needs {error.args[0]}.", remedy=remedy) from None
    name = re.sub(r"(@[^/]*|:[^/:@]*)+\Z", "", image)
    if wrong := check_repository(name):
        raise Kind.SETTINGS(f"The image of {service.name}: {wrong}.", remedy=remedy)
    return name


def seconds(value: object) -> float:
    """Seconds, at most a day, from a number of them or a text such as ``10``, ``30s``, ``15m`` or ``1m30s``.

    :raises ValueError: it is neither; the text says what to write.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        total = float(value)
    elif isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?|([0-9]+(\.[0-9]+)?(ms|s|m|h))+", value):
        parts = re.findall(r"([0-9.]+)(ms|s|m|h|\Z)", value)
        total = math.fsum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    else:
        raise ValueError("not a duration; write seconds, or such as 30s or 15m")
    if not 0 <= total <= _LONGEST:
        raise ValueError("does not fit; write 0 seconds to 24h")
    return total


def validate_tag(tag: str) -> str:
    """The tag itself, if Docker accepts it.

    :raises Kind.USAGE: it does not.
    """
    from behindy_ops.project.validate import check_tag

    if wrong := check_tag(tag):
        raise Kind.USAGE(
            f"--tag: {wrong}.", state="Nothing was done.", remedy="The tag of a CI build is the commit's SHA."
        )
    return tag


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        remedy = "Run this in a checkout of behindy-ops."
        raise Kind.COMPOSE_INVALID(f"{path} cannot be read: {reason}.", remedy=remedy) from None


def _names_by_indentation(text: str) -> list[str]:
    """Services whose block, two levels below ``services:``, has the key ``x-deploy``."""
    found: list[str] = []
    inside, service, service_depth, key_depth = False, "", 0, 0
    for line in text.splitlines():
        body = line.lstrip(" ")
        depth = len(line) - len(body)
        if not body or body.startswith("#"):
            continue
        if depth == 0:
            inside, service_depth = body.split("#")[0].rstrip() == "services:", 0
        elif inside and depth <= (service_depth or depth):
            service, service_depth, key_depth = body.partition(":")[0].strip("\"'"), depth, 0
        elif inside:
            key_depth = key_depth or depth
            if depth == key_depth and body.startswith("x-deploy:"):
                found.append(service)
    return found
