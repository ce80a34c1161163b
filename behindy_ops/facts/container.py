"""What docker says of containers, as plain data, and the template that asks for it.

The template names environment variables, never their values: a value does not leave the host. ``.Id`` makes docker
fill it from the engine's own JSON (its Go type calls it ``ID``), where a container without a health check
has no ``Health``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "unknown"
"""What a script says after ``state`` when the engine did not answer for a minute: no verdict about the container."""

CONTAINER_TEMPLATE = (
    '{"id":{{json .Id}},"name":{{json .Name}},"created":{{json .Created}},"image_id":{{json .Image}},'
    '"image":{{json .Config.Image}},"labels":{{json .Config.Labels}},"status":{{json .State.Status}},'
    '"running":{{json .State.Running}},"restarting":{{json .State.Restarting}},"oom":{{json .State.OOMKilled}},'
    '"exit":{{json .State.ExitCode}},'
    '"started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}},"restarts":{{json .RestartCount}},'
    '"health":{{with index .State "Health"}}{{json .Status}}{{else}}""{{end}},'
    '"memory":{{json .HostConfig.Memory}},"restart":{{json .HostConfig.RestartPolicy.Name}},'
    '"ports":{{json .HostConfig.PortBindings}},"networks":{{json .NetworkSettings.Networks}},'
    '"env":[{{range $i, $e := .Config.Env}}{{if $i}},{{end}}{{json (index (split $e "=") 0)}}{{end}}]}'
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


_AS_IT_IS = (
    *("id", "image_id", "image", "status", "running", "restarting"),
    *("created", "started", "finished", "restarts", "health", "memory"),
)
"""What the template calls as :class:`Container` does."""


def parse_container(line: str) -> Container:
    """Read one line printed with :data:`CONTAINER_TEMPLATE`.

    Raises:
        ValueError: it is not such a line; KeyError, if it lacks something.
    """
    data = json.loads(line)
    networks: dict[str, Any] = data["networks"] or {}
    return Container(
        **{name: data[name] for name in _AS_IT_IS},
        name=data["name"].lstrip("/"),
        oom_killed=data["oom"],
        exit_code=data["exit"],
        restart_policy=data["restart"],
        published=tuple(sorted(data["ports"] or {})),
        labels=data["labels"] or {},
        addresses={name: value.get("IPAddress", "") for name, value in networks.items()},
        aliases={name: tuple(value.get("Aliases") or ()) for name, value in networks.items()},
        env_names=tuple(data["env"]),
    )


def parse_state(text: str) -> Container | None:
    """Read what a script says after ``state``; None for one that is not there, or of which nothing is known."""
    return None if text in ("", "none", UNKNOWN) else parse_container(text)
