"""Many deploys, of one service after the other, under every kind of request: how many of each are lost."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.bench.report import RESULTS, Losses, losses_as_markdown, render_losses, with_losses
from sandbox.demo.deploys import deploy_argv, run_task, sandbox_environment
from sandbox.demo.memory import MemoryWatch
from sandbox.demo.progress import Progress
from sandbox.host import lifecycle, releases
from sandbox.host.checkout import here
from sandbox.pages.bench import losses_page
from sandbox.pages.files import LOSSES, written
from sandbox.traffic.generator import Stream, Traffic, TrafficResult, every_kind
from sandbox.traffic.inside import argv as asking_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.demo.deploys import Run

__all__ = ["by_kind", "run_losses"]

_TAGS = ("a", "b", "c", "d")  # pages of three are open at a time
_MAX_SECONDS_EACH = 70.0
_MAX_REQUESTS_EACH = 7000


def run_losses(count: int) -> None:
    """Make ``count`` deploys, print what was lost of each kind of request, and write it into ``benchmarks/results.md``.

    It is written as a page too, also when something was lost.

    Raises:
        Kind.SANDBOX: a deploy failed or a request was lost; then the results stay as they are.
    """
    services = list(releases.application_ports(here().compose_file))
    streams = every_kind()
    with Progress() as progress:
        progress.say("Bringing up the sandbox")
        info = lifecycle.up(progress.say)
        lifecycle.reset(progress.say)
        for service in services:
            for tag in _TAGS:
                releases.release(service, tag)
            _deploy(service, _TAGS[-1])  # something to replace
        deploys: list[tuple[str, float, Run]] = []
        with (
            MemoryWatch(info.container) as memory,
            Traffic(
                info,
                streams,
                max_seconds=60 + count * _MAX_SECONDS_EACH,
                max_requests=1000 + count * _MAX_REQUESTS_EACH,
                inside=asking_inside(info.container, info.image_prefix),
            ) as traffic,
        ):
            traffic.wait_until_flowing()
            for number in range(count):
                service, tag = services[number % len(services)], _TAGS[number // len(services) % len(_TAGS)]
                run = _deploy(service, tag)
                deploys.append((f"{service} {tag}", time.time(), run))
                now = traffic.snapshot()
                said = f"deploy {number + 1} of {count}, {service}: {run.seconds:.1f} s; {now.lost} of {now.sent} lost"
                progress.say(said)
                for loss in now.losses[-3:]:
                    progress.say(f"  {loss.at:.1f} s {loss.stream}: {loss.reason}")
            result = traffic.stop()
        losses = by_kind(streams, result, count)
        page = written(losses_page(losses, deploys, result, memory.looks), LOSSES)
        for line in ("", *render_losses(losses), "", f"As a page to look at: {page}"):
            progress.show(line)
        if result.lost or result.ended_by != "stop":
            raise Kind.SANDBOX(
                f"{result.lost} requests were lost; the traffic was ended by {result.ended_by}.",
                remedy="The sandbox is still up; look at it.",
                lines=tuple(f"{loss.at:.1f} s {loss.stream}: {loss.reason}" for loss in result.losses),
            )
        path = here().root / RESULTS
        path.write_text(with_losses(path.read_text(encoding="utf-8"), losses_as_markdown(losses)), encoding="utf-8")
        progress.show(f"Written to {RESULTS}")


def by_kind(streams: Sequence[Stream], result: TrafficResult, deploys: int) -> Losses:
    """Add the figures of the streams of each kind."""
    kinds = {stream.name: stream.kind.value for stream in streams}
    sent: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for figures in result.streams:
        sent[kinds[figures.name]] += figures.sent
        lost[kinds[figures.name]] += figures.lost
    return Losses(deploys, result.seconds, tuple((kind, sent[kind], lost[kind]) for kind in sent))


def _deploy(service: str, tag: str) -> Run:
    run = run_task(deploy_argv(service, tag, watch=0), checkout=here().root, environ=sandbox_environment(os.environ))
    if run.exit_code:
        raise Kind.SANDBOX(f"The deploy of {service} {tag} failed: {run.error}", lines=run.evidence)
    return run
