"""What docker says of containers and images, as plain data, and the templates that ask for it.

The templates name environment variables, never their values: a value does not leave the host. ``.Id`` makes docker
fill them from the engine's own JSON (its Go type calls it ``ID``), where a container without a health check
has no ``Health``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = [
    "CONTAINER_TEMPLATE",
    "IMAGE_TEMPLATE",
    "Container",
    "Image",
    "parse_container",
    "parse_image",
    "parse_state",
    "parse_time",
]

CONTAINER_TEMPLATE = (
    '{"id":{{json .Id}},"name":{{json .Name}},"created":{{json .Created}},"image_id":{{json .Image}},'
    '"image":{{json .Config.Image}},"labels":{{json .Config.Labels}},"status":{{json .State.Status}},'
    '"running":{{json .State.Running}},"restarting":{{json .State.Restarting}},"oom":{{json .State.OOMKilled}},'
    '"exit":{{json .State.ExitCode}},"error":{{json .State.Error}},"pid":{{json .State.Pid}},'
    '"started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}},"restarts":{{json .RestartCount}},'
    '"health":{{with index .State "Health"}}{{json .Status}}{{else}}""{{end}},'
    '"memory":{{json .HostConfig.Memory}},"restart":{{json .HostConfig.RestartPolicy.Name}},'
    '"ports":{{json .HostConfig.PortBindings}},"networks":{{json .NetworkSettings.Networks}},'
    '"env":[{{range $i, $e := .Config.Env}}{{if $i}},{{end}}{{json (index (split $e "=") 0)}}{{end}}]}'
)

IMAGE_TEMPLATE = (
    '{"id":{{json .Id}},"tags":{{json .RepoTags}},"digests":{{json .RepoDigests}},'
    '"created":{{json .Created}},"size":{{json .Size}}}'
)


@dataclass(frozen=True, slots=True)
class Container:
    """A container as ``docker inspect`` describes it.

    Attributes:
        memory: its memory limit in bytes, 0 for none.
        addresses: network name to IPv4 address (only while it runs).
        aliases: network name to the DNS names it answers to beside its own.
    """

    id: str
    name: str
    image_id: str = ""
    image: str = ""
    status: str = "running"
    running: bool = True
    restarting: bool = False
    oom_killed: bool = False
    exit_code: int = 0
    error: str = ""
    pid: int = 0
    created: str = ""
    started: str = ""
    finished: str = ""
    restarts: int = 0
    health: str = ""
    memory: int = 0
    restart_policy: str = ""
    published: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    env_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """An image on the host. ``created`` is when it was built, ``size`` is in bytes."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    created: str = ""
    size: int = 0

    def references(self, repository: str) -> tuple[str, ...]:
        """Return the names under which this image belongs to ``repository``: ``repo:tag`` and ``repo@digest``."""
        tags = tuple(tag for tag in self.tags if tag.rpartition(":")[0] == repository)
        return tags + tuple(digest for digest in self.digests if digest.partition("@")[0] == repository)

    def digest(self, repository: str) -> str:
        """Return ``sha256:...`` of this image in ``repository``, or an empty string."""
        for digest in self.digests:
            name, _, value = digest.partition("@")
            if name == repository:
                return value
        return ""


def parse_container(line: str) -> Container:
    """Read one line printed with :data:`CONTAINER_TEMPLATE`.

    Raises:
        ValueError: it is not such a line.
    """
    data = json.loads(line)
    networks: dict[str, Any] = data["networks"] or {}
    return Container(
        id=data["id"],
        name=data["name"].lstrip("/"),
        image_id=data["image_id"],
        image=data["image"],
        status=data["status"],
        running=data["running"],
        restarting=data["restarting"],
        oom_killed=data["oom"],
        exit_code=data["exit"],
        error=data["error"],
        pid=data["pid"],
        created=data["created"],
        started=data["started"],
        finished=data["finished"],
        restarts=data["restarts"],
        health=data["health"],
        memory=data["memory"],
        restart_policy=data["restart"],
        published=tuple(sorted(data["ports"] or {})),
        labels=data["labels"] or {},
        addresses={name: value.get("IPAddress", "") for name, value in networks.items()},
        aliases={name: tuple(value.get("Aliases") or ()) for name, value in networks.items()},
        env_names=tuple(data["env"]),
    )


def parse_state(text: str) -> Container | None:
    """Read what a script says after ``state``: a container, or ``none`` (or nothing) for one that is not there."""
    return None if text in ("", "none") else parse_container(text)


def parse_image(line: str) -> Image:
    """Read one line printed with :data:`IMAGE_TEMPLATE`.

    Raises:
        ValueError: it is not such a line.
    """
    data = json.loads(line)
    return Image(
        id=data["id"],
        tags=tuple(data["tags"] or ()),
        digests=tuple(data["digests"] or ()),
        created=data["created"],
        size=data["size"],
    )


def parse_time(text: str) -> datetime:
    """Read docker's RFC 3339 times, whose nanoseconds ``fromisoformat`` refuses."""
    head, dot, tail = text.partition(".")
    if not dot:
        return datetime.fromisoformat(text)
    digits = "".join(character for character in tail.split("+")[0].split("-")[0] if character.isdigit())
    zone = tail[len(digits) :].replace("Z", "+00:00")
    return datetime.fromisoformat(f"{head}.{digits[:6].ljust(6, '0')}{zone}")
