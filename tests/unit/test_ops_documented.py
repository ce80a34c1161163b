"""docs/operations.md has every field of every view's JSON."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from behindy_ops.facts import certificate, upstream
from behindy_ops.views import certs, disk, env, mem, network, nginx, prune, ps, stats, view
from sandbox.tasks.quality import CHECKOUT

VIEWS: dict[str, tuple[Any, ...]] = {
    "mem": (
        mem.MemoryView,
        mem.HostMemory,
        mem.ContainerMemory,
        mem.ProcessMemory,
        mem.OomKill,
        mem.Fits,
    ),
    "stats": (stats.StatsView, stats.ContainerStats),
    "ps": (ps.PsView, ps.ContainerState),
    "disk": (
        disk.DiskView,
        disk.FileSystem,
        disk.DockerShare,
        disk.Repository,
        disk.KeptImage,
        disk.Others,
        disk.Prune,
        view.Verdict,
    ),
    "prune": (prune.PruneView, prune.Plan, prune.Pruned),
    "network": (network.NetworkView, network.Member, network.Absent),
    "nginx": (nginx.NginxView, upstream.Upstream, upstream.Answer),
    "env": (env.EnvView, env.EnvName),
    "certs": (certs.CertsView, certificate.Certificate),
}


def section(task: str) -> str:
    text = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## {task}\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", VIEWS)
def test_every_field_of_a_view_is_documented(name: str) -> None:
    fields = {field.name for kind in VIEWS[name] for field in dataclasses.fields(kind)}
    assert not {field for field in fields if f"`{field}`" not in section(f"ops.{name}")}
