"""The main job, for real, in the sandbox: three services replaced under traffic, and a broken release refused."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind
from sandbox.demo.deploys import Run, deploy_argv, run_task
from sandbox.demo.memory import MemoryWatch
from sandbox.demo.place import REPLICAS, SEVERAL, Place, fresh, meant_for
from sandbox.demo.power import lose_power
from sandbox.demo.progress import Progress
from sandbox.demo.report import Expected, Measured, PowerCut, Stage, problems, render
from sandbox.host import nodes as all_nodes
from sandbox.host import releases
from sandbox.pages.demo import page
from sandbox.pages.files import DEMO, written
from sandbox.traffic.generator import Traffic, demo, websocket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from sandbox.traffic.generator import TrafficResult

__all__ = ["run_demo"]

# Watching for a relapse is cut from 10 s to what shows the idea; the sample releases are known to be good.
_WATCH_SECONDS = 2.0
_TRAFFIC_SECONDS = 600.0
_TRAFFIC_REQUESTS = 90_000

_FAULT = "outside-only"
_PLAN = (
    Expected("llmserver", "v2", 0, "v2"),
    Expected("backend", "v2", 0, "v2"),
    Expected("frontend", "v2", 0, "v2"),
    Expected("frontend", "v3", 50, "v2"),
)
_NEXT = """
The sandbox is still up, with an ordinary host inside. Some things to try:
  BEHINDY_ENV=sandbox ./inv deploy.status
  ./inv sandbox.release frontend v4 --fault dies-later
  BEHINDY_ENV=sandbox ./inv deploy.frontend --tag v4     (it goes bad after the switch and is taken back)
  BEHINDY_ENV=sandbox ./inv deploy.backend --tag v1 --dry-run
  ./inv sandbox.ssh
To remove it and all it keeps: ./inv sandbox.down
"""
_NEXT_OF_SEVERAL = """
The sandbox is still up, with {nodes} hosts that are a swarm. Some things to try, after
  export BEHINDY_SANDBOX_HOST={host} {named}
  ./inv deploy.status
  ./inv sandbox.release frontend v4 --fault dies-later
  ./inv deploy.frontend --tag v4     (it goes bad after the switch and is taken back)
  ./inv sandbox.ssh --node 2
To remove it and all it keeps, and every other sandbox of this checkout: ./inv sandbox.down
"""


def run_demo(nodes: int = 1, stream: TextIO | None = None) -> None:
    """Bring up the sandbox, deploy under traffic, print the report, and write it as a page.

    Args:
        nodes: how many hosts. More than one are a swarm, of which one loses its power after the deploys.
        stream: where all is printed; this process's standard output by default.

    Raises:
        Kind.USAGE: there cannot be so many nodes.
        Kind.SANDBOX: a request was lost or a deploy did not end as it should; the report is printed all the same.
    """
    all_nodes.check_count(nodes)
    stream = stream or sys.stdout
    with Progress(stream) as progress, meant_for(nodes):
        demo = _Demo(progress, nodes)
        measured = demo.run()
        file = written(page(measured), DEMO)
        shown = render(measured, encoding=stream.encoding or "ascii")
        for line in ("", *shown, "", f"The same as a page to look at: {file}", ""):
            progress.show(line)
        found = problems(measured, _PLAN)
        if found:
            raise Kind.SANDBOX(
                " ".join(found),
                state="The sandbox is still up.",
                remedy=_look(demo.place),
                lines=tuple(line for stage in measured.stages for line in stage.run.evidence),
            )
        progress.show(_all_well(measured))
        text = _NEXT_OF_SEVERAL.format(nodes=nodes, host=SEVERAL, named=demo.place.named) if nodes > 1 else _NEXT
        for line in text.strip("\n").splitlines():
            progress.show(line)


def _all_well(measured: Measured) -> str:
    lost = "none lost" if measured.cut is None else f"none lost by deploys, {measured.lost_with_host} with the host"
    return f"All went well: {measured.sent} requests, {lost}; the broken release never took traffic."


def _look(place: Place) -> str:
    return f"Look at it: {place.named} ./inv deploy.status"


class _Demo:
    def __init__(self, progress: Progress, nodes: int) -> None:
        self._progress = progress
        self._say = progress.say
        self._nodes = nodes

    def run(self) -> Measured:
        self.place = self._fresh_sandbox()
        with MemoryWatch(self.place.info.container) as memory:
            self._first_releases()
            measured = self._under_traffic()
        return replace(measured, memory=memory.peak, looks=tuple(memory.looks))

    def _fresh_sandbox(self) -> Place:
        hosts = "a host of its own in a container"
        if self._nodes > 1:
            hosts = f"{self._nodes} hosts in containers, a swarm with {REPLICAS} replicas of each service"
        self._say(f"Bringing up the sandbox: {hosts} (the first time takes minutes)")
        place = fresh(self._nodes, self._say)
        self._say("Building and pushing v1 and v2 of all three services, and a broken v3 of frontend")
        for expected in _PLAN:
            releases.release(expected.service, "v1")
            releases.release(expected.service, expected.tag, _FAULT if expected.exit_code else None)
        return place

    def _first_releases(self) -> None:
        self._say("First deploy of all three: v1")
        run = self._deploy("all", "v1", watch=0)
        if run.exit_code:
            raise Kind.SANDBOX(
                f"The first deploy failed with exit code {run.exit_code}. {run.error}",
                state="The sandbox is still up.",
                remedy=_look(self.place),
                lines=run.evidence,
            )

    def _under_traffic(self) -> Measured:
        info = self.place.info
        streams = [replace(stream, releases=("v1", "v2")) for stream in demo()]
        rate = sum(stream.rate for stream in streams)
        stages: list[Stage] = []
        sockets: list[TrafficResult] = []
        cut: PowerCut | None = None
        with Traffic(info, streams, max_seconds=_TRAFFIC_SECONDS, max_requests=_TRAFFIC_REQUESTS) as traffic:
            self._say(f"Starting traffic on all three: {rate:.0f} requests a second, and a WebSocket on backend")
            traffic.wait_until_flowing()
            self._progress.alive = lambda: _so_far(traffic.snapshot())
            for service, plan in groupby(_PLAN, key=lambda expected: expected.service):
                with self._socket(service, sockets):
                    stages += [self._stage(expected, traffic) for expected in plan]
                if any(stage.run.exit_code != stage.expected.exit_code for stage in stages):
                    break
            else:
                if info.nodes:
                    cut = lose_power(info, sorted({stream.service for stream in streams}), traffic, rate, self._say)
            time.sleep(1.0)  # what serves after the last deploy must be seen to serve
            self._progress.alive = lambda: ""
            result = traffic.stop()
        return Measured(tuple(stages), result, tuple(sockets), None, cut)

    @contextmanager
    def _socket(self, service: str, results: list[TrafficResult]) -> Iterator[None]:
        """A WebSocket on backend that must outlive the block; only backend's own deploys may end one."""
        if service == "backend":
            yield
            return
        with Traffic(self.place.info, [websocket()], max_seconds=_TRAFFIC_SECONDS) as socket:
            socket.wait_until_flowing()
            yield
            results.append(socket.stop())

    def _stage(self, expected: Expected, traffic: Traffic) -> Stage:
        broken = " (broken, but only as seen from outside: it must be refused)" if expected.exit_code else ""
        self._say(f"Deploying {expected.title}{broken}")
        run = self._deploy(expected.service, expected.tag, watch=_WATCH_SECONDS)
        ended = time.time()
        how = "refused, as it should be" if run.exit_code else "live"
        if run.exit_code != expected.exit_code:
            how = f"exit code {run.exit_code}: {run.error}"
        self._say(f"{expected.title}: {how}, after {run.seconds:.1f} s; {_so_far(traffic.snapshot())}")
        return Stage(expected, run, ended)

    def _deploy(self, service: str, tag: str, *, watch: float) -> Run:
        return run_task(
            deploy_argv(service, tag, watch=watch),
            checkout=self.place.project,
            environ=self.place.environ,
            on_event=self._show,
        )

    def _show(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "step_done":
                self._say(f"    {event['step']:<10} {event['seconds']:5.1f} s  {event['detail']}".rstrip())
            case "step_failed":
                self._say(f"    {event['step']:<10} {event['seconds']:5.1f} s  failed: {event['reason']}")
            case "warning":
                self._say(f"    ! {event['text']}")


def _so_far(now: TrafficResult) -> str:
    return f"{now.sent} requests sent so far, {now.lost} lost"
