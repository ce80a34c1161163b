"""docs/operations.md has every field of every view's JSON."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from behindy_ops.checkout import CHECKOUT
from behindy_ops.ops import certs, containers, disk, env, images, memory, network, nginx, prune, stats

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
    "nginx": (nginx.NginxView, nginx.Upstream, nginx.Answer),
    "env": (env.EnvView, env.EnvName),
    "certs": (certs.CertsView, certs.Certificate),
}


@pytest.mark.parametrize("name", VIEWS)
def test_every_field_of_a_view_is_documented(name: str) -> None:
    text = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"## ops.{name}\n")[2], flags=re.MULTILINE)[0]
    fields = {field.name for kind in VIEWS[name] for field in dataclasses.fields(kind)}
    assert not {field for field in fields if f"`{field}`" not in section}
