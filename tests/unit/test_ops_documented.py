"""docs/operations.md has every field of every view's JSON."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from behindy_ops.facts import upstream
from behindy_ops.views import certs, disk, env, images, network, nginx, prune, stats
from behindy_ops.views import mem as memory
from behindy_ops.views import ps as containers
from sandbox.tasks.quality import CHECKOUT

VIEWS: dict[str, tuple[Any, ...]] = {
    "mem": (
        memory.MemoryView,
        memory.HostMemory,
        memory.ContainerMemory,
        memory.ProcessMemory,
        memory.OomKill,
        memory.Fits,
    ),
    "stats": (stats.StatsView, stats.ContainerStats),
    "ps": (containers.PsView, containers.ContainerState),
    "disk": (
        disk.DiskView,
        disk.FileSystem,
        disk.DockerShare,
        images.Repository,
        images.KeptImage,
        disk.Others,
        disk.Prune,
        disk.Room,
    ),
    "prune": (prune.PrunePlan, prune.Pruned),
    "network": (network.NetworkView, network.Member, network.Absent),
    "nginx": (nginx.NginxView, upstream.Upstream, upstream.Answer),
    "env": (env.EnvView, env.EnvName),
    "certs": (certs.CertsView, certs.Certificate),
}


def section(task: str) -> str:
    text = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## {task}\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", VIEWS)
def test_every_field_of_a_view_is_documented(name: str) -> None:
    fields = {field.name for kind in VIEWS[name] for field in dataclasses.fields(kind)}
    assert not {field for field in fields if f"`{field}`" not in section(f"ops.{name}")}
