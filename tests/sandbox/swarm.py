"""A swarm of three nodes for a test, and what runs on it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.host import swarm as nodes_swarm
from sandbox.host.checkout import here
from sandbox.host.project import copy_project, declare_replicas
from tests.sandbox.several import several_nodes
from tests.sandbox.support import ROOT, SERVICES, Ran, all_drained, environment, inv, on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.info import SandboxInfo

__all__ = ["Project", "linked", "made", "settled", "swarm"]

_NAMES = "/home/ubuntu/behindy-ops/assets/.names"


@dataclass(frozen=True)
class Project:
    """A checkout whose services have two replicas each, and whose engine is the swarm."""

    root: Path

    def env(self, **changes: str) -> dict[str, str]:
        return {**environment(), "PYTHONPATH": str(ROOT), **nodes_swarm.ENGINE, **changes}

    def inv(self, *words: str, timeout: float = 180, **changes: Any) -> Ran:
        """Run it there, with these variables changed."""
        return inv(*words, cwd=self.root, env=self.env(**changes), timeout=timeout)

    def words(self, service: str, tag: str, watch: str = "1") -> tuple[str, ...]:
        return (f"deploy.{service}", "--tag", tag, "--watch", watch, "--json")

    def deploy(self, service: str, tag: str, *words: str, watch: str = "1") -> Ran:
        ran = self.inv(*self.words(service, tag, watch), *words)
        all_drained()
        return ran


@contextlib.contextmanager
def swarm(folder: Path) -> Iterator[tuple[SandboxInfo, Project]]:
    """Three nodes that are a swarm, of which the first has nginx, the database and the cache; no application yet."""
    with several_nodes("swarm") as sandbox:
        nodes_swarm.form(sandbox.nodes)
        yield sandbox, made(folder)


def made(folder: Path) -> Project:
    """Return a copy of this project in which each service has two replicas."""
    copy_project(ROOT, folder, here().environment_file)
    declare_replicas(ROOT, folder, dict.fromkeys(SERVICES, 2))
    return Project(folder)


def settled(project: Project) -> Project:
    """All services live on all three nodes, and nothing left over, whatever an earlier test has done."""
    wait_for(lambda: nodes_swarm.nodes_ready() == 3, 60, "that all nodes are Ready")
    if set(nodes_swarm.units()) != set(SERVICES):
        project.inv("deploy.recover", "--wait", "1m").ok()
    for service in SERVICES:
        there = f"that {service} has its replicas"
        wait_for(lambda name=service: nodes_swarm.running(name) == 2, 60, there)  # type: ignore[misc]
    return project


def linked(node: int = 1) -> dict[str, str]:
    """Each name that nginx finds on a node, and where it leads."""
    lines = on_host("find", _NAMES, "-maxdepth", "1", "-type", "l", "-printf", "%f %l\\n", node=node).splitlines()
    return dict(line.split() for line in lines)
