"""Where the demo happens: a host alone, or a swarm of several, which is a sandbox beside the usual one."""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.demo.deploys import sandbox_environment
from sandbox.host import lifecycle, swarm
from sandbox.host.checkout import here, meant
from sandbox.host.project import copy_project, declare_replicas
from sandbox.host.releases import application_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

__all__ = ["REPLICAS", "SEVERAL", "Place", "fresh", "meant_for"]

SEVERAL = "swarm"
"""The name of the sandbox with several hosts."""
REPLICAS = 2
"""Of each service in a swarm."""


@dataclass(frozen=True)
class Place:
    """A sandbox, and a project that deploys to it.

    ``changes`` are what its tasks are told besides by the environment, and ``named`` is the same as a person types it.
    """

    info: SandboxInfo
    project: Path
    named: str
    changes: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a task there."""
        return sandbox_environment(os.environ, **self.changes)


def meant_for(nodes: int) -> AbstractContextManager[None]:
    """Have everything about a sandbox be about that for so many hosts."""
    return meant(SEVERAL) if nodes > 1 else nullcontext()


def fresh(nodes: int, say: Callable[[str], None]) -> Place:
    """Bring up a sandbox without any release.

    Raises:
        Kind.USAGE: there cannot be so many nodes.
        Kind.SANDBOX: it could not be started.
    """
    info = lifecycle.up(say, nodes)
    if nodes > 1:
        swarm.form(info.nodes)
        swarm.clear()
    lifecycle.reset(say)
    checkout = here()
    named = f"BEHINDY_ENV={checkout.settings_name}"
    if nodes == 1:
        return Place(info, checkout.root, named)
    folder = checkout.host_state / "project"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    copy_project(checkout.root, folder, checkout.environment_file)
    declare_replicas(checkout.root, folder, dict.fromkeys(application_ports(checkout.compose_file), REPLICAS))
    told = {"BEHINDY_PROJECT": str(folder.relative_to(checkout.root)), **swarm.ENGINE}
    named = " ".join([named, *(f"{name}={value}" for name, value in told.items())])
    return Place(info, checkout.root, named, told)
