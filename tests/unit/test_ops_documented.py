"""docs/operations.md has every field of every view's JSON, and every name the doctor and the preflight use."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from types import ModuleType
from typing import Any

import pytest

from behindy_ops.checks import capacity, diagnosis, diagnosis_host, diagnosis_services, hygiene, preflight
from behindy_ops.deploy import check as checkup
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
    "nginx": (nginx.NginxView, nginx.Upstream, nginx.Answer),
    "env": (env.EnvView, env.EnvName),
    "certs": (certs.CertsView, certs.Certificate),
}


def section(task: str) -> str:
    text = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## {task}\n")[2], flags=re.MULTILINE)[0]


def named(modules: tuple[ModuleType, ...], makers: set[str]) -> set[str]:
    """The texts that these functions are given first, anywhere in the modules."""
    trees = [ast.parse(inspect.getsource(module)) for module in modules]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    first = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id in makers]
    ways = [way for node in first for way in ([node.body, node.orelse] if isinstance(node, ast.IfExp) else [node])]
    return {way.value for way in ways if isinstance(way, ast.Constant) and isinstance(way.value, str)}


@pytest.mark.parametrize("name", VIEWS)
def test_every_field_of_a_view_is_documented(name: str) -> None:
    fields = {field.name for kind in VIEWS[name] for field in dataclasses.fields(kind)}
    assert not {field for field in fields if f"`{field}`" not in section(f"ops.{name}")}


def test_every_trouble_of_the_doctor_is_documented() -> None:
    names = named((diagnosis_host, diagnosis_services), {"Finding"})
    fields = {field.name for field in dataclasses.fields(diagnosis.Finding)}
    assert len(names) > 20
    assert not {one for one in names | fields if f"`{one}`" not in section("ops.doctor")}


def test_every_check_of_the_preflight_is_documented() -> None:
    names = named((preflight, hygiene, capacity, checkup), {"ok", "warning", "refusal", "Check"})
    assert len(names) > 15
    assert not {one for one in names if f"`{one}`" not in section("deploy.check")}
