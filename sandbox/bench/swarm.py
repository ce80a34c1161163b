"""How a deploy to a swarm grows: 1, 3 and 5 hosts with 2, 4 and 10 replicas, under traffic.

A throwaway sandbox of its own has as many hosts as the largest case from the start, and ever more of them join.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.bench.swarm_report import RESULTS, Cell, Swarm, as_markdown, too_fast
from sandbox.demo.deploys import deploy_argv, run_task, sandbox_environment
from sandbox.demo.progress import Progress
from sandbox.host import lifecycle, releases, swarm
from sandbox.host import shell as host
from sandbox.host.checkout import here, meant
from sandbox.host.project import copy_project, declare_replicas
from sandbox.pages.files import SWARM, written
from sandbox.pages.grown import swarm_page
from sandbox.traffic.generator import Traffic, for_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.demo.deploys import Run
    from sandbox.host.info import SandboxInfo

__all__ = ["HOSTS", "REPLICAS", "run_swarm"]

HOSTS = (1, 3, 5)
REPLICAS = (2, 4, 10)
"""Ten is the most a service may have."""

_NAME = "bench-swarm"
_SERVICE = "frontend"
_STREAMS = for_service(_SERVICE)[:4]  # all but the WebSocket, which is another service's
_DRAIN_SECONDS = 90.0
_TRAFFIC_SECONDS = 600.0


@dataclass(frozen=True)
class _Place:
    info: SandboxInfo
    folder: Path
    tags: Iterator[str] = field(default_factory=lambda: cycle(("a", "b")))

    def deploy(self) -> Run:
        """Deploy the other release, and return when nothing of the one before is left.

        Raises:
            Kind.SANDBOX: that failed.
        """
        run = run_task(
            deploy_argv(_SERVICE, next(self.tags), watch=0),
            checkout=self.folder,
            environ=sandbox_environment(os.environ, PYTHONPATH=str(here().root), **swarm.ENGINE),
        )
        if run.exit_code:
            raise Kind.SANDBOX(f"A deploy failed: {run.error}", lines=run.evidence)
        swarm.wait_until(lambda: set(swarm.units()) == {_SERVICE}, _DRAIN_SECONDS, "the release before was gone")
        return run


def run_swarm(rounds: int = 3) -> Swarm:
    """Measure, print the tables, and write ``benchmarks/swarm.md`` and a page.

    Args:
        rounds: how many deploys each figure is the median of.

    Raises:
        Kind.SANDBOX: a deploy failed, a request was lost, or something grows faster than replicas or hosts.
    """
    with Progress() as progress, meant(_NAME), tempfile.TemporaryDirectory(prefix="behindy-swarm-") as folder:
        lifecycle.remove()  # what an earlier run left
        try:
            progress.say(f"Bringing up {max(HOSTS)} hosts")
            place = _Place(lifecycle.up(lambda _: None, max(HOSTS)), Path(folder))
            copy_project(here().root, place.folder, here().environment_file)
            for tag in ("a", "b"):
                releases.release(_SERVICE, tag)
            measured = _measured(progress, place, rounds)
        finally:
            lifecycle.remove()
        for line in ("", *as_markdown(measured).splitlines()):
            progress.show(line)
        (here().root / RESULTS).write_text(as_markdown(measured), encoding="utf-8")
        page = written(swarm_page(measured), SWARM)
        progress.show(f"\nWritten to {RESULTS}; as a page to look at: {page}")
    lost = sum(cell.lost for cell in measured.cells)
    told = [*too_fast(measured), *([f"{lost} requests were lost"] if lost else [])]
    if told:
        raise Kind.SANDBOX(
            f"Not as it should be: {'; '.join(told)}.", remedy="Measure again on a machine that does nothing else."
        )
    return measured


def _measured(progress: Progress, place: _Place, rounds: int) -> Swarm:
    cells: list[Cell] = []
    loads: list[float] = []
    for hosts in HOSTS:
        progress.say(f"A swarm of {hosts}")
        swarm.form(place.info.nodes[:hosts])
        for replicas in REPLICAS:
            declare_replicas(here().root, place.folder, {_SERVICE: replicas})
            place.deploy()  # the number changes with this one, which is not measured
            cells.append(_cell(place, hosts, replicas, rounds))
            loads.append(os.getloadavg()[0])
            times = ", ".join(f"{seconds:.1f}" for seconds in cells[-1].times)
            progress.say(f"Hosts: {hosts}, replicas: {replicas}: {times} s; {cells[-1].lost} of {cells[-1].sent} lost")
    docker = host.run(["docker", "version", "--format", "{{.Server.Version}}"]).stdout.decode().strip()
    return Swarm(tuple(cells), rounds, os.cpu_count() or 1, fmean(loads), docker)


def _cell(place: _Place, hosts: int, replicas: int, rounds: int) -> Cell:
    with Traffic(place.info, _STREAMS, max_seconds=_TRAFFIC_SECONDS) as traffic:
        traffic.wait_until_flowing()
        runs = [place.deploy() for _ in range(rounds)]
        result = traffic.stop()
    told = [run.deploys[0] for run in runs]
    return Cell(
        hosts,
        replicas,
        tuple(run.seconds for run in runs),
        int(told[-1].facts["remote_commands"]),
        result.sent,
        result.lost,
        tuple(
            (step.name, median(each.seconds for deploy in told for each in deploy.steps if each.name == step.name))
            for step in told[0].steps
        ),
    )
