"""What releases of earlier versions of this tool left on the host beside images: anonymous volumes, networks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from behindy_ops.facts.release import Labels

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_OF_A_RELEASE = re.compile(r"behindy-([a-z][a-z0-9_-]*)-([0-9]{8}-[0-9]{6}-[0-9a-f]+)")
"""The Compose project of one release."""

_WITHIN = 5
"""Seconds after its files in which a release's container, and so its anonymous volumes, was made."""


@dataclass(frozen=True, slots=True)
class Leavings:
    """What is left, by name.

    Attributes:
        volumes: anonymous ones that were a release's, with their bytes.
        networks: those that Compose made for one release that is gone.
        named: volumes that Compose made for one release; they may hold data, so only a person removes them.
    """

    volumes: Mapping[str, int]
    networks: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def find(usage: Mapping[str, Any], made: Iterable[Sequence[str]], networks: Iterable[Sequence[str]]) -> Leavings:
    """Judge what no container uses.

    An anonymous volume does not say whose it was. It counts as a release's if it was made in the seconds in which an
    earlier version of this tool made a release of a service, whose live release has anonymous volumes, and if no more
    of them were made then than that one has.

    Args:
        usage: what the engine says of its disk.
        made: seconds since the epoch, service and id of each release that an earlier version made.
        networks: name and Compose project of each network that Compose made.
    """
    volumes = [volume for volume in usage.get("Volumes") or () if "Name" in volume]
    unused = [volume for volume in volumes if (volume.get("UsageData") or {}).get("RefCount") == 0]
    times = {
        volume["Name"]: datetime.fromisoformat(volume["CreatedAt"]).timestamp()
        for volume in unused
        if _ANONYMOUS.fullmatch(volume["Name"])
        and not set(volume.get("Labels") or ()) - {"com.docker.volume.anonymous"}
    }
    sizes = {volume["Name"]: max(volume["UsageData"].get("Size", 0), 0) for volume in unused}
    counts, alive = _containers(usage)
    proven: dict[str, int] = {}
    for when, service, _ in made:
        then = [name for name, created in times.items() if 0 <= created - int(when) <= _WITHIN]
        if len(then) <= counts.get(service, 0):
            proven |= {name: sizes[name] for name in then}
    return Leavings(
        proven,
        tuple(name for name, project in networks if _of_a_release(name, project, alive)),
        tuple(
            volume["Name"]
            for volume in unused
            if _of_a_release(volume["Name"], (volume.get("Labels") or {}).get("com.docker.compose.project", ""), alive)
        ),
    )


def _containers(usage: Mapping[str, Any]) -> tuple[dict[str, int], set[str]]:
    """Return each service to the anonymous volumes its live container has, and the releases that have containers."""
    counts, alive = {}, set()
    for container in usage.get("Containers") or ():
        labels = container.get("Labels") or {}
        alive.add(labels.get(Labels.release, ""))
        service = labels.get(Labels.service, "")
        if f"/{service}" in (container.get("Names") or ()):
            mounts = container.get("Mounts") or ()
            counts[service] = sum(bool(_ANONYMOUS.fullmatch(mount.get("Name") or "")) for mount in mounts)
    return counts, alive


def _of_a_release(name: str, project: str, alive: set[str]) -> bool:
    matched = _OF_A_RELEASE.fullmatch(project)
    return matched is not None and name.startswith(f"{project}_") and matched[2] not in alive
