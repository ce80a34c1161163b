"""Measure deploys in the sandbox: how long, how soon, how many remote commands, what users notice; near and far.

Each deploy is followed by one of a plain script, under the same traffic: the ratio of the two depends less on the
machine than seconds do.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.bench.listing import measure_list
from sandbox.bench.plain import plain_deploy
from sandbox.bench.report import (
    PLAIN_WAIT,
    RESULTS,
    Bench,
    Plain,
    Sample,
    Series,
    Watched,
    as_markdown,
    render,
    with_figures,
)
from sandbox.demo.deploys import deploy_argv, run_task, sandbox_environment
from sandbox.demo.memory import MemoryWatch
from sandbox.demo.progress import Progress
from sandbox.host import lifecycle, releases
from sandbox.host import shell as host
from sandbox.host.checkout import here
from sandbox.pages.bench import page as bench_page
from sandbox.pages.files import BENCH, written
from sandbox.traffic.generator import Stream, StreamKind, Traffic, TrafficResult
from sandbox.traffic.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.demo.deploys import Run
    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.generator import Site

__all__ = ["BOOT_SECONDS", "deploy", "far_link", "known_hosts_for", "listening_since", "run_bench", "under_traffic"]

_SERVICE = "frontend"
BOOT_SECONDS = 1.0
_DELAY = 0.085
_STREAMS = (
    Stream("kept-alive", _SERVICE, "/", rate=80, concurrency=8),
    Stream("new connections", _SERVICE, "/", rate=20, concurrency=4, kind=StreamKind.NEW_CONNECTION),
)


def run_bench(count: int = 5) -> None:
    """Measure ``count`` deploys near and far, print the table, write ``benchmarks/results.md`` and a page.

    Raises:
        Kind.SANDBOX: a deploy failed or a request was lost.
    """
    with Progress() as progress:
        progress.say("Bringing up the sandbox")
        info = lifecycle.up(progress.say)
        lifecycle.reset(progress.say)
        progress.say("Measuring inv --list against the one of an empty tasks file")
        listing = measure_list(here().root)
        with MemoryWatch(info.container) as memory:
            near = _series(progress, info, "near", count, {})
            with far_link(info) as environ:
                far = _series(progress, info, "far", count, environ)
        bench = Bench(near, far, listing, tuple(memory.looks))
        path = here().root / RESULTS
        path.write_text(with_figures(path.read_text(encoding="utf-8"), as_markdown(bench)), encoding="utf-8")
        page = written(bench_page(bench), BENCH)
        for line in ("", *render(bench), "", f"Written to {RESULTS}; as a page to look at: {page}"):
            progress.show(line)
        lost = near.lost + far.lost
        if lost:
            raise Kind.SANDBOX(f"{lost} requests were lost.", remedy="The sandbox is still up; look at it.")


@contextmanager
def far_link(info: SandboxInfo) -> Iterator[Mapping[str, str]]:
    """What to change in the environment so that a task reaches the sandbox over a long link."""
    with Relay(info.ssh.host, info.ssh.port, delay=_DELAY) as relay, tempfile.TemporaryDirectory() as folder:
        known = Path(folder, "known_hosts")
        known.write_text(known_hosts_for(Path(info.ssh.known_hosts_file).read_text(encoding="ascii"), relay.port))
        yield {"BEHINDY_PORT": str(relay.port), "BEHINDY_KNOWN_HOSTS_FILE": str(known)}


def known_hosts_for(text: str, port: int) -> str:
    """The host keys of a known_hosts file, pinned for 127.0.0.1 and another port."""
    keys = [line.split(maxsplit=1)[1] for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return "".join(f"[127.0.0.1]:{port} {key}\n" for key in keys)


def _series(progress: Progress, info: SandboxInfo, name: str, count: int, environ: Mapping[str, str]) -> Series:
    port = releases.application_ports(here().compose_file)[_SERVICE]
    tags = [f"{name}-{number}" for number in range(count + 1)]
    progress.say(f"Building {2 * len(tags) - 1} releases of {_SERVICE} that boot in {BOOT_SECONDS:g} s")
    for tag in (*tags, *(_plain(tag) for tag in tags[1:])):
        releases.release(_SERVICE, tag, boot_seconds=BOOT_SECONDS)
    deploy(tags[0], environ)  # something to replace; it is not measured
    samples, plain, watched = [], [], []
    under: list[TrafficResult] = []
    for number, tag in enumerate(tags[1:], 1):
        with under_traffic(info, under, phase(number, count)):
            run = deploy(tag, environ)
            ended = time.time()
            could = listening_since(_logs(), tag)
        samples.append(_sample(run, under[-1].first_answer(_SERVICE, tag), could))
        watched.append(Watched(run, ended, under[-1]))
        image = f"{info.image_prefix}/behindy-{_SERVICE}:{_plain(tag)}"
        unheeded: list[TrafficResult] = []
        with under_traffic(info, unheeded):
            seconds = plain_deploy(info.ssh, _SERVICE, image, port=port, path="/", environ=environ)
        plain.append(Plain(seconds, sent=unheeded[-1].sent, lost=unheeded[-1].lost))
        progress.say(f"{name}, deploy {number} of {count}: {run.seconds:.1f} s; by a plain script {seconds:.1f} s")
    return Series(
        tuple(samples),
        sent=sum(result.sent for result in under),
        lost=sum(result.lost for result in under),
        p50=median(result.p50 for result in under),
        p99=median(result.p99 for result in under),
        plain=tuple(plain),
        watched=tuple(watched),
    )


def phase(number: int, count: int) -> float:
    """Return after how many seconds of traffic a deploy, counted from 1, begins: they are evenly spread over 2 s.

    Under traffic, nginx asks for an address every 2 s. Deploys that all began at the same moment of that would all wait
    equally long for it, and their median would tell nothing of the others.
    """
    return PLAIN_WAIT * (number - 1) / count


def _plain(tag: str) -> str:
    """Return the tag of the release that the plain script deploys after this one."""
    return f"{tag}-plain"


@contextmanager
def under_traffic(site: Site, results: list[TrafficResult], before: float = 0.0) -> Iterator[None]:
    """Send requests meanwhile, so many seconds before, and one after; append what became of them."""
    with Traffic(site, _STREAMS, max_seconds=120, max_requests=18_000) as traffic:
        traffic.wait_until_flowing()
        time.sleep(before)
        yield
        time.sleep(1.0)
        results.append(traffic.stop())


def _sample(run: Run, first: float | None, could: float) -> Sample:
    told = run.deploys[0]
    if first is None:
        raise Kind.SANDBOX(f"Release {told.facts['tag']} never answered, although its deploy succeeded.")
    return Sample(
        command=run.seconds,
        deploy=told.seconds,
        late=first - could,
        remote_commands=int(told.facts["remote_commands"]),
        steps=tuple((step.name, step.seconds) for step in told.steps),
    )


def deploy(tag: str, environ: Mapping[str, str]) -> Run:
    """Deploy a release of the frontend, without the watch afterwards.

    Raises:
        Kind.SANDBOX: that failed.
    """
    run = run_task(
        deploy_argv(_SERVICE, tag, watch=0),
        checkout=here().root,
        environ=sandbox_environment(os.environ, **environ),
    )
    if run.exit_code:
        raise Kind.SANDBOX(f"The deploy of {tag} failed: {run.error}", lines=run.evidence)
    return run


def _logs() -> str:
    return host.run(["docker", "logs", "--timestamps", _SERVICE]).stdout.decode(errors="replace")


def listening_since(logs: str, tag: str) -> float:
    """When the release said that it listens, in seconds since the epoch, from ``docker logs --timestamps``.

    Raises:
        Kind.SANDBOX: it never said so.
    """
    for line in logs.splitlines():
        stamp, _, text = line.partition(" ")
        if text.startswith(f"{_SERVICE} {tag} listens on "):
            # Docker writes nanoseconds; Python reads microseconds.
            return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z$", r"\1+00:00", stamp)).timestamp()
    raise Kind.SANDBOX(f"The log of {_SERVICE} does not say since when {tag} listens.")
