"""A swarm of the sandbox's nodes, and what runs in it.

The first node is the manager, and has nginx, the database and the cache as a host alone has.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.host import shell as host
from sandbox.host.seed import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.host.info import NodeInfo

__all__ = [
    "ENGINE",
    "Task",
    "clear",
    "form",
    "have_nginx",
    "nodes_ready",
    "promote",
    "running",
    "tasks",
    "units",
    "wait_until",
]

ENGINE = {"BEHINDY_ENGINE": "swarm"}
"""The setting of a project that deploys to it."""

_NETWORK = "behindy-ops_internal-swarm"
_ON_IT = {"nginx": ("nginx",), "postgres": ("db", "postgres"), "redis": ("redis",)}
_POOL = ("--default-addr-pool", "10.220.0.0/16", "--default-addr-pool-mask-length", "24")
_HEARTBEAT = ("--dispatcher-heartbeat", "1s")
"""A node is Down after three of these, not after 15 s."""

# A node of a swarm cannot have live-restore; the engine reads this without a restart.
_ENTER = """
[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" != active ] || exit 0
sed -i 's/"live-restore": true/"live-restore": false/' /etc/docker/daemon.json
kill -HUP "$(cat /run/docker.pid)"
until [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = false ]; do sleep 0.1; done
docker swarm "$@"
"""
_ATTACH = """
network=$1 container=$2
shift 2
docker network inspect "$network" >/dev/null 2>&1 || docker network create --driver overlay --attachable "$network"
if ! docker inspect --format '{{json .NetworkSettings.Networks}}' "$container" | grep -qF "\\"$network\\""; then
  docker network connect "$@" "$network" "$container"
fi
"""
_CLEAR = """
docker service ls --quiet --filter label=behindy.name | xargs -r docker service rm
until [ -z "$(docker ps --quiet --filter label=com.docker.swarm.service.id)" ]; do sleep 0.1; done
"""
_NGINX = """
tag=$(curl -fsS "http://${1%%/*}/v2/${1#*/}/tags/list" | grep -oE 'nginx-[0-9a-f]+' | head -n 1)
docker image inspect nginx:1.28 >/dev/null 2>&1 || { docker pull --quiet "$1:$tag" && docker tag "$1:$tag" nginx:1.28; }
"""
# One may be gone between the two; the others are told all the same.
_UNITS = """
ids=$(docker service ls --quiet --filter label=behindy.name) || exit
[ -z "$ids" ] || docker service inspect $ids || true
"""
_TASKS = """
ids=$(for name; do docker service ls --quiet --filter "label=behindy.name=$name" || exit; done) || exit
[ -z "$ids" ] || docker service ps --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' $ids || true
"""


@dataclass(frozen=True)
class Task:
    """One container of a service, as the manager knows it."""

    node: str
    state: str


def form(nodes: Sequence[NodeInfo]) -> None:
    """Have these nodes be a swarm, the first its manager; nodes that are in it already stay.

    Raises:
        Kind.SANDBOX: an engine refused.
    """
    manager, *workers = nodes
    _on(1, _ENTER, "init", "--advertise-addr", manager.address, *_POOL, *_HEARTBEAT)
    token = _on(1, 'docker swarm join-token --quiet "$1"', "worker").strip()
    for number, worker in enumerate(workers, 2):
        joining = ("join", "--advertise-addr", worker.address, "--token", token, f"{manager.address}:2377")
        _on(number, _ENTER, *joining)
    _on(1, "docker node ls --quiet | xargs -n 1 docker node update --label-add behindy.apps=true")
    for container, aliases in _ON_IT.items():
        _on(1, _ATTACH, _NETWORK, container, *(word for alias in aliases for word in ("--alias", alias)))


def promote(nodes: Sequence[NodeInfo]) -> None:
    """Have these be managers too."""
    _on(1, 'docker node promote "$@"', *(node.name for node in nodes))


def have_nginx(number: int, first: NodeInfo) -> None:
    """Put nginx's image on a further node, as a registry of the world would: from that of the first."""
    _on(number, _NGINX, f"{first.address}:5000/{REPOSITORY}")


def clear() -> None:
    """Remove every release from the swarm."""
    _on(1, _CLEAR)


def units() -> dict[str, dict[str, str]]:
    """What has a name in the swarm, and the labels of its service."""
    found = json.loads(_on(1, _UNITS) or "[]")
    return {each["Spec"]["Labels"]["behindy.name"]: each["Spec"]["Labels"] for each in found}


def tasks(*names: str) -> list[Task]:
    """The tasks that are to run of what has one of these names."""
    return [Task(*line.split()[:2]) for line in _on(1, _TASKS, *names).splitlines()]


def running(*names: str) -> int:
    """How many of these run, as far as the manager knows."""
    return sum(task.state == "Running" for task in tasks(*names))


def nodes_ready() -> int:
    """How many nodes the manager calls Ready."""
    return _on(1, "docker node ls --format '{{.Status}}'").split().count("Ready")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until a condition holds, and return after how many seconds it did.

    Raises:
        Kind.SANDBOX: it did not.
    """
    begun = time.monotonic()
    while not condition():
        if time.monotonic() > begun + seconds:
            raise Kind.SANDBOX(f"Within {seconds:g} s it did not come about that {what}.")
        time.sleep(0.1)
    return time.monotonic() - begun


def _on(number: int, script: str, *words: str) -> str:
    return host.run(["bash", "-c", script, "swarm", *words], node=number).stdout.decode("utf-8", "replace")
