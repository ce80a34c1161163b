"""How deploys and views grow with what is on the host, and nginx with its requests; in multiples of the smallest case.

Two throwaway hosts of their own, side by side: one stays as small as it is, the other grows. Each task is timed on both
in turns, so what else the machine does hits both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count as numbered
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.bench import answering, ballast, enlarged
from sandbox.bench.counted import MARK
from sandbox.bench.crowd import application_image, ask_while
from sandbox.bench.curve import picture
from sandbox.bench.growth_report import PICTURE, RESULTS, Crowd, Growth, Point, as_markdown, curves, faster
from sandbox.demo.deploys import sandbox_environment
from sandbox.demo.progress import Progress
from sandbox.host import lifecycle, releases
from sandbox.host.checkout import here, meant
from sandbox.host.docker_cli import last_lines
from sandbox.host.project import copy_project
from sandbox.pages.files import GROWTH, written
from sandbox.pages.grown import growth_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.host.info import SandboxInfo

__all__ = ["AXES", "PLAN", "Axis", "Plan", "narrowed", "remote_commands", "run_growth"]

_SERVICE = "frontend"
_SERVICES = ("llmserver", "backend", _SERVICE)
_SMALL, _LARGE = "growth-small", "growth-large"
_SETTLE_SECONDS = 3.0
_TASK_SECONDS = 300.0


@dataclass(frozen=True)
class Axis:
    """What there is more and more of; the smallest size is that of every host."""

    name: str
    sizes: tuple[int, ...]


AXES = (
    Axis("lines of history", (100, 1000, 10_000)),
    Axis("services", (3, 10, 30)),
    Axis("containers", (40, 130, 400)),
    Axis("images", (30, 300, 3000)),
)
"""The sizes in between tell a square from a line."""

TASKS: dict[str, tuple[str, ...]] = {
    "deploy": (f"deploy.{_SERVICE}", "--watch", "0", "--json"),
    "deploy.status": ("deploy.status",),
    "ops.ps": ("ops.ps",),
    "ops.mem": ("ops.mem",),
    "ops.disk": ("ops.disk",),
    "deploy.history": ("deploy.history",),
    "ops.doctor": ("ops.doctor",),
    "ops.prune --dry-run": ("ops.prune", "--dry-run"),
}


@dataclass(frozen=True)
class Plan:
    """What is measured: ``rates`` are requests a second to nginx, each during so many ``switches``."""

    axes: tuple[Axis, ...] = AXES
    rates: tuple[float, ...] = (100.0, 1000.0, 5000.0)
    rounds: int = 3
    switches: int = 3


PLAN = Plan()


def narrowed(plan: Plan, only: str) -> Plan:
    """Return the plan with these parts alone: first words of axes, or ``nginx``, with commas between; "" for all.

    Raises:
        Kind.USAGE: there is no such part.
    """
    wanted = [word.strip() for word in only.split(",") if word.strip()]
    parts = {axis.name.split()[0]: axis for axis in plan.axes}
    for word in wanted:
        if word not in parts and word != "nginx":
            raise Kind.USAGE(f"There is no part {word!r}.", remedy=f"Choose of: {', '.join(parts)}, nginx.")
    axes = tuple(axis for word, axis in parts.items() if not wanted or word in wanted)
    rates = plan.rates if not wanted or "nginx" in wanted else ()
    return replace(plan, axes=axes, rates=rates)


@dataclass
class _Place:
    """One host, a project that deploys to it, and how much is on it."""

    name: str
    folder: Path
    info: SandboxInfo
    holds: dict[str, int]
    tags: Iterator[int] = field(default_factory=numbered)


def run_growth(plan: Plan = PLAN, *, write: bool = True) -> Growth:
    """Measure, print the tables, and write ``benchmarks/growth.md``, the picture beside it, and a page.

    Raises:
        Kind.SANDBOX: a task failed, a request was lost, or something grows faster than what it looks at.
    """
    with Progress() as progress, tempfile.TemporaryDirectory(prefix="behindy-growth-") as folder:
        points: list[Point] = []
        crowds: list[Crowd] = []
        with _host(progress, _SMALL, Path(folder, _SMALL)) as small:
            for axis in plan.axes:
                with _host(progress, _LARGE, Path(folder, _LARGE)) as large:
                    for size in axis.sizes[1:]:
                        progress.say(f"{axis.name}: from {large.holds[axis.name]} to {size}")
                        _grow(large, axis.name, size)
                        points += _measured(progress, small, large, axis.name, size, plan.rounds)
            if plan.rates:
                crowds += _crowds(progress, small, plan)
        growth = Growth(
            tuple((axis.name, axis.sizes[0]) for axis in plan.axes), tuple(points), tuple(crowds), plan.rounds
        )
        for line in ("", *as_markdown(growth).splitlines()):
            progress.show(line)
        if write:
            (here().root / RESULTS).write_text(as_markdown(growth), encoding="utf-8")
            (here().root / PICTURE).write_text(picture(curves(growth)), encoding="utf-8")
            page = written(growth_page(growth), GROWTH)
            progress.show(f"\nWritten to {RESULTS} and {PICTURE}; as a page to look at: {page}")
    over = [f"{curve.task} with {curve.axis}" for curve in curves(growth) if faster(curve)]
    lost = sum(crowd.losses for crowd in crowds)
    if over or lost:
        told = [
            *(f"{each} grows faster than what it looks at" for each in over),
            *([f"{lost} requests were lost"] if lost else []),
        ]
        raise Kind.SANDBOX(f"{'; '.join(told)}.", remedy="Measure again on a machine that does nothing else.")
    return growth


@contextmanager
def _host(progress: Progress, name: str, folder: Path) -> Iterator[_Place]:
    """Make a host of the smallest size, with the three services deployed; remove it in the end."""
    with meant(name):
        lifecycle.remove()  # what an earlier run left
        progress.say(f"Bringing up the host {name}")
        try:
            info = lifecycle.up(lambda _: None)
            folder.mkdir()
            copy_project(here().root, folder, here().environment_file)
            place = _Place(name, folder, info, {axis.name: axis.sizes[0] for axis in AXES})
            for service in _SERVICES:
                for tag in ("a", "b") if service == _SERVICE else ("a",):
                    releases.release(service, tag)
                _run(place, f"deploy.{service}", "--tag", "a", "--watch", "0")
            next(place.tags)
            holds = place.holds
            ballast.containers(range(1, holds["containers"] + 1), application_image(info))
            ballast.images(_image_names(0, holds["images"], info.image_prefix))
            ballast.history(holds["lines of history"], _SERVICES)
            yield place
        finally:
            lifecycle.remove()
            shutil.rmtree(folder, ignore_errors=True)


def _image_names(begin: int, end: int, prefix: str) -> list[str]:
    """Every other one is an old release of the backend, which no deploy of the frontend removes; the rest is others."""
    return [
        f"{prefix}/behindy-backend:old-{number:05d}"
        if number % 2
        else f"registry.example/app-{number % 7}:{number:05d}"
        for number in range(begin, end)
    ]


def _grow(place: _Place, axis: str, size: int) -> None:
    held = place.holds[axis]
    with meant(place.name):
        if axis == "services":
            _more_services(place, held, size)
        elif axis == "containers":
            ballast.containers(range(held + 1, size + 1), application_image(place.info))
        elif axis == "images":
            ballast.images(_image_names(held, size, place.info.image_prefix))
        else:
            ballast.history(size, _SERVICES)
    place.holds[axis] = size
    time.sleep(_SETTLE_SECONDS)


def _more_services(place: _Place, held: int, size: int) -> None:
    """Declare and deploy them, as anybody would."""
    names = enlarged.more_services(size - len(_SERVICES))
    enlarged.declare(here().root, place.folder, names)
    _run(place, "host.sync", "--yes")
    for name in names[held - len(_SERVICES) :]:
        answering.push(place.info, name, "a", enlarged.PORT)
        _run(place, f"deploy.{name}", "--tag", "a", "--watch", "0")


def _measured(progress: Progress, small: _Place, large: _Place, axis: str, size: int, rounds: int) -> list[Point]:
    """Time every task on both hosts in turns; which of the two begins alternates."""
    times: dict[tuple[str, str], list[float]] = {}
    commands: dict[tuple[str, str], int] = {}
    for number in range(rounds):
        pair = (small, large) if number % 2 else (large, small)
        for task, words in TASKS.items():
            for place in pair:
                seconds, commands[task, place.name] = _timed(place, task, words)
                times.setdefault((task, place.name), []).append(seconds)
        progress.say(f"{axis}, {size}: round {number + 1} of {rounds}")
    return [
        Point(
            axis,
            size,
            task,
            tuple(times[task, large.name]),
            tuple(times[task, small.name]),
            commands[task, large.name],
            commands[task, small.name],
        )
        for task in TASKS
    ]


def _timed(place: _Place, task: str, words: Sequence[str]) -> tuple[float, int]:
    tag = ("--tag", "ab"[next(place.tags) % 2]) if task == "deploy" else ()
    return _run(place, *words, *tag)


def _run(place: _Place, *words: str) -> tuple[float, int]:
    """Run a task on a place's host; return its seconds from start to exit, and its remote commands.

    Raises:
        Kind.SANDBOX: it failed. The doctor's finding a trouble is none.
    """
    with meant(place.name):
        environ = sandbox_environment(os.environ, PYTHONPATH=str(here().root))
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.bench.counted", *words],
        cwd=place.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TASK_SECONDS,
        check=False,
    )
    seconds = time.monotonic() - begun
    if done.returncode not in (0, Kind.TROUBLE_FOUND.exit_code if words[0] == "ops.doctor" else 0):
        raise Kind.SANDBOX(
            f"{words[0]} failed on {place.name} with exit code {done.returncode}.",
            lines=last_lines(done.stdout + b"\n" + done.stderr),
        )
    return seconds, remote_commands(done.stderr.decode(errors="replace"))


def remote_commands(said: str) -> int:
    """Read what ``sandbox.bench.counted`` wrote: the commands of every session together."""
    return sum(int(line.removeprefix(MARK)) for line in said.splitlines() if line.startswith(MARK))


def _crowds(progress: Progress, place: _Place, plan: Plan) -> list[Crowd]:
    tags = [f"alone-{number}" for number in range(plan.switches + 1)]
    for tag in tags:
        answering.push(place.info, _SERVICE, tag, enlarged.PORT)
    found = []
    for rate in plan.rates:
        _run(place, f"deploy.{_SERVICE}", "--tag", tags[-1], "--watch", "0")

        def switch(number: int) -> None:
            _run(place, f"deploy.{_SERVICE}", "--tag", tags[number], "--watch", "0")

        with meant(place.name):
            crowd = ask_while(place.info, rate, plan.switches, switch)
        progress.say(
            f"nginx, {rate:g} requests a second: {crowd.reached:.0f} reached, {crowd.losses} of {crowd.sent} lost"
        )
        found.append(crowd)
    return found
