"""What a stanza says that a swarm does not know. Pure.

What it does know, host/scripts/lib/stack.sh hands over; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HANDED_OVER = frozenset(
    (
        *("command", "entrypoint", "environment", "init", "logging", "stop_signal", "user"),
        *("working_dir", "healthcheck", "tmpfs", "volumes", "hostname", "tty", "stdin_open", "sysctls", "ulimits"),
        *("cap_add", "cap_drop", "read_only", "extra_hosts", "dns", "dns_search", "image", "secrets", "configs"),
        *("labels", "mem_limit", "cpus", "pids_limit"),
    )
)
"""The keys that a service of the swarm has too."""

SEEN_TO = frozenset(
    (
        *("annotations", "attach", "build", "container_name", "depends_on", "develop", "env_file", "expose", "extends"),
        *("label_file", "networks", "platform", "profiles", "pull_policy", "restart", "scale", "stop_grace_period"),
    )
)
"""Those that a deploy sees to itself, that Compose has resolved before, or that change nothing on one host either."""

_LIMITS = ("cpus", "memory", "pids")


def unknown_to_a_swarm(stanza: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of a stanza without effect in a swarm, such as ``shm_size`` and ``deploy.placement``."""
    return tuple(dict.fromkeys(_unknown(stanza)))


def _unknown(stanza: Mapping[str, Any]) -> Iterator[str]:
    for key, value in stanza.items():
        if key == "deploy" and isinstance(value, dict):
            yield from _of_deploy(value)
        elif key == "networks":
            if len(value or ()) > 1 or (isinstance(value, dict) and any(value.values())):
                yield key
        elif key not in HANDED_OVER | SEEN_TO and not key.startswith("x-"):
            yield key


def _of_deploy(deploy: Mapping[str, Any]) -> Iterator[str]:
    for key, value in deploy.items():
        if key != "resources" or not isinstance(value, dict):
            yield f"deploy.{key}"
            continue
        for kind, given in value.items():
            names = given if isinstance(given, dict) else ()
            yield from (f"deploy.resources.{kind}.{name}" for name in names if (kind, name) not in _KNOWN)


_KNOWN = frozenset(("limits", name) for name in _LIMITS)
