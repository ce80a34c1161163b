"""A swarm of three nodes for a test, and what runs on it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sandbox.several import several_nodes
from tests.sandbox.support import ROOT, SERVICES, Ran, all_drained, environment, inv, on_host, wait_for
from tests.sandbox.test_before import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.info import SandboxInfo

__all__ = ["Project", "Task", "made", "nodes_ready", "swarm", "tasks", "units"]

_POOL = ("--default-addr-pool", "10.220.0.0/16", "--default-addr-pool-mask-length", "24")
_WITHOUT_LIVE_RESTORE = """
sed -i 's/"live-restore": true/"live-restore": false/' /etc/docker/daemon.json
kill -HUP "$(cat /run/docker.pid)"
"""
_NETWORK = "behindy-ops_internal-swarm"
_ON_IT = {"nginx": ("nginx",), "postgres": ("db", "postgres"), "redis": ("redis",)}


@dataclass(frozen=True)
class Project:
    """A checkout whose services have two replicas each, and whose engine is the swarm."""

    root: Path

    def env(self, **changes: str) -> dict[str, str]:
        return {**environment(**changes), "PYTHONPATH": str(ROOT), "BEHINDY_ENGINE": "swarm"}

    def inv(self, *words: str, timeout: float = 180) -> Ran:
        return inv(*words, cwd=self.root, env=self.env(), timeout=timeout)

    def words(self, service: str, tag: str, watch: str = "1") -> tuple[str, ...]:
        return (f"deploy.{service}", "--tag", tag, "--watch", watch, "--json")

    def deploy(self, service: str, tag: str, *words: str, watch: str = "1") -> Ran:
        ran = self.inv(*self.words(service, tag, watch), *words)
        all_drained()
        return ran


@dataclass(frozen=True)
class Task:
    """One container of a service, as the manager knows it."""

    node: str
    state: str


@contextlib.contextmanager
def swarm(folder: Path) -> Iterator[tuple[SandboxInfo, Project]]:
    """Three nodes that are a swarm, of which the first has nginx, the database and the cache; no application yet."""
    with several_nodes("swarm") as sandbox:
        for number in range(1, len(sandbox.nodes) + 1):
            on_host("sh", "-c", _WITHOUT_LIVE_RESTORE, node=number)
            wait_for(lambda at=number: _live_restore(at) == "false", what="that the engine has read")  # type: ignore[misc]
        manager, *workers = sandbox.nodes
        heartbeat = ("--dispatcher-heartbeat", "1s")  # a node is Down after three of these, not after 15 s
        on_host("docker", "swarm", "init", "--advertise-addr", manager.address, *_POOL, *heartbeat)
        token = on_host("docker", "swarm", "join-token", "--quiet", "worker")
        for number, worker in enumerate(workers, 2):
            joining = ("--advertise-addr", worker.address, "--token", token, f"{manager.address}:2377")
            on_host("docker", "swarm", "join", *joining, node=number)
        on_host("docker", "network", "create", "--driver", "overlay", "--attachable", _NETWORK)
        for container, aliases in _ON_IT.items():
            options = [word for alias in aliases for word in ("--alias", alias)]
            on_host("docker", "network", "connect", *options, _NETWORK, container)
        yield sandbox, made(folder)


def made(folder: Path) -> Project:
    """Return a copy of this project in which each service has two replicas."""
    for name in ("compose", "nginx"):
        shutil.copytree(ROOT / name, folder / name)
    settings = f".env.{environment()['BEHINDY_ENV']}"
    shutil.copy(ROOT / settings, folder / settings)
    (folder / "tasks.py").write_text(TASKS)
    file = folder / "compose" / "docker-compose.yml"
    text, found = re.subn(
        r"(    x-deploy:\n      port:)", r"    x-deploy:\n      replicas: 2\n      port:", file.read_text()
    )
    assert found == len(SERVICES)
    file.write_text(text)
    return Project(folder)


def units() -> dict[str, dict[str, str]]:
    """What has a name in the swarm: the labels of its service."""
    ids = on_host("docker", "service", "ls", "--quiet", "--filter", "label=behindy.name").split()
    if not ids:
        return {}
    found = on_host("docker", "service", "inspect", "--format", "{{json .Spec.Labels}}", *ids).splitlines()
    return {labels["behindy.name"]: labels for labels in map(json.loads, found)}


def tasks(name: str) -> list[Task]:
    """The tasks of what has this name that are to run."""
    service = on_host("docker", "service", "ls", "--quiet", "--filter", f"label=behindy.name={name}")
    shape = "{{.Node}} {{.CurrentState}}"
    filters = ("--filter", "desired-state=running")
    lines = on_host("docker", "service", "ps", "--format", shape, *filters, service).splitlines() if service else []
    return [Task(*line.split()[:2]) for line in lines]


def nodes_ready() -> int:
    """How many nodes the manager calls Ready."""
    return on_host("docker", "node", "ls", "--format", "{{.Status}}").split().count("Ready")


def _live_restore(number: int) -> str:
    return on_host("docker", "info", "--format", "{{.LiveRestoreEnabled}}", node=number)
