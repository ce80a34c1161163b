"""The demo's report: what was measured in, lines out. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import size
from sandbox.bench.plot import plot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.demo.deploys import Run
    from sandbox.demo.memory import Look, Memory
    from sandbox.traffic.generator import TrafficResult

__all__ = ["REFUSED", "Expected", "Measured", "PowerCut", "Stage", "problems", "render"]

REFUSED = 50
"""The exit code of a deploy whose candidate was not good enough."""


@dataclass(frozen=True)
class Expected:
    """How a deploy in the demo is to end: exit code, and the release that serves afterwards."""

    service: str
    tag: str
    exit_code: int
    serves: str

    @property
    def title(self) -> str:
        return f"{self.service} {self.tag}"


@dataclass(frozen=True)
class Stage:
    """One deploy under traffic: what should come of it and what did. ``ended`` is in seconds since the epoch."""

    expected: Expected
    run: Run
    ended: float


@dataclass(frozen=True)
class PowerCut:
    """A host of several lost its power under traffic; times in seconds.

    ``held`` of ``replicas`` ran on it, and it was taken at ``began`` (seconds since the epoch). ``lost_before``
    requests were lost until then; ``allowed`` is how many may be from then on. ``last_lost``, ``missed`` and
    ``repaired`` are from then until the last loss was seen, until the swarm called the host Down, and until all
    replicas ran again (None if that did not come about).
    """

    node: str
    held: int
    replicas: int
    lost_before: int
    allowed: int
    last_lost: float
    missed: float | None
    repaired: float | None
    began: float = 0.0


@dataclass(frozen=True)
class Measured:
    """Everything the demo saw.

    ``sockets`` are the WebSocket's results, one for each time it was open; ``looks`` are at the host's memory, from the
    first deploys on.
    """

    stages: tuple[Stage, ...]
    traffic: TrafficResult
    sockets: tuple[TrafficResult, ...]
    memory: Memory | None
    cut: PowerCut | None = None
    looks: tuple[Look, ...] = ()

    @property
    def results(self) -> tuple[TrafficResult, ...]:
        return (self.traffic, *self.sockets)

    @property
    def sent(self) -> int:
        return sum(result.sent for result in self.results)

    @property
    def lost(self) -> int:
        return sum(result.lost for result in self.results)

    @property
    def lost_with_host(self) -> int:
        """What was lost once a host had lost its power; the WebSockets were closed by then."""
        return self.traffic.lost - self.cut.lost_before if self.cut else 0


def problems(measured: Measured, planned: Sequence[Expected]) -> list[str]:
    """What did not go as it should, one sentence each; empty when all is well."""
    found = []
    if lost := measured.lost - measured.lost_with_host:
        found.append(f"{lost} of {measured.sent} requests were lost.")
    if measured.cut and measured.lost_with_host > measured.cut.allowed:
        found.append(f"{measured.lost_with_host} requests were lost with the host, more than {measured.cut.allowed}.")
    if measured.cut and measured.cut.repaired is None:
        found.append(f"Without {measured.cut.node}, its replicas did not come to run on another host.")
    found += [
        f"Traffic ended by itself ({result.ended_by}) before the deploys did."
        for result in measured.results
        if result.ended_by != "stop"
    ]
    for stage in measured.stages:
        found += _stage_problems(stage, measured.traffic)
    missing = [expected.title for expected in planned[len(measured.stages) :]]
    if missing:
        found.append(f"Not deployed after that: {', '.join(missing)}.")
    return found


def _stage_problems(stage: Stage, traffic: TrafficResult) -> Iterable[str]:
    expected, run = stage.expected, stage.run
    if run.exit_code != expected.exit_code:
        wanted = "be refused (exit code 50)" if expected.exit_code == REFUSED else "go live"
        yield f"{expected.title} should {wanted}, but ended with exit code {run.exit_code}. {run.error}".rstrip()
        return
    last = traffic.last_answer(expected.service, expected.serves)
    if last is None or last < stage.ended:
        yield f"After the deploy of {expected.title}, {expected.service} {expected.serves} did not answer any more."
    if expected.serves != expected.tag and traffic.first_answer(expected.service, expected.tag) is not None:
        yield f"{expected.title} was refused, but it answered users."


def render(measured: Measured, *, encoding: str = "utf-8") -> list[str]:
    """The report, for a terminal of that encoding."""
    return [
        "Deploys, each under traffic; times in seconds",
        *(line for stage in measured.stages for line in _stage_lines(stage)),
        "",
        *(_cut_lines(measured, measured.cut) if measured.cut else ()),
        *_traffic_lines(measured),
        "",
        "Which release answered when",
        *(f"  {line}" for line in _plot(measured, encoding)),
        "",
        _memory_line(measured.memory, "the host" if measured.cut is None else "the first host"),
    ]


def _plot(measured: Measured, encoding: str) -> list[str]:
    deployed = [stage.expected.service for stage in measured.stages]
    traffic = measured.traffic
    return plot(traffic.answers, seconds=traffic.seconds, encoding=encoding, first=deployed)


def _stage_lines(stage: Stage) -> list[str]:
    expected, run = stage.expected, stage.run
    how = "live" if run.exit_code == 0 else f"refused, exit code {run.exit_code}"
    if run.exit_code not in {0, REFUSED}:
        how = f"failed, exit code {run.exit_code}"
    commands = next((deploy.facts.get("remote_commands") for deploy in run.deploys), None)
    count = f", {commands} remote commands" if commands else ""
    lines = [f"  {expected.title}: {how} in {run.seconds:.1f}{count}"]
    steps = [
        f"{step.name} {step.seconds:.1f}{' failed' if step.failed else ''}"
        for deploy in run.deploys
        for step in deploy.steps
    ]
    lines += _wrapped(steps)
    return [*lines, *textwrap.wrap(run.error, 78, initial_indent=" " * 6, subsequent_indent=" " * 6)]


def _cut_lines(measured: Measured, cut: PowerCut) -> list[str]:
    lost = measured.lost_with_host
    until = f", until {cut.last_lost:.1f} after" if lost else ""
    missed = "never called Down" if cut.missed is None else f"called Down after {cut.missed:.1f}"
    again = "its replicas did not run again"
    if cut.repaired is not None:
        again = f"all {cut.replicas} replicas ran again after {cut.repaired:.1f}"
    return [
        "A host lost its power, under traffic; times in seconds",
        f"  {cut.node}, with {cut.held} of {cut.replicas} replicas: {lost} requests lost{until}",
        f"      {missed}, {again}",
        f"      (at most {cut.allowed} may be lost: what it had begun, and what was sent to it",
        "      until another was asked)",
        "",
    ]


def _wrapped(words: Sequence[str], *, width: int = 72) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 2 <= width:
            lines[-1] += f", {word}"
        else:
            lines.append(f"      {word}")
    return lines


def _traffic_lines(measured: Measured) -> list[str]:
    lines = [f"Requests: {measured.sent} sent, {measured.lost} lost"]
    rows = [figures for result in (measured.traffic, *measured.sockets[:1]) for figures in result.streams]
    sockets = [figures for result in measured.sockets for figures in result.streams]
    width = max(len(row.name) for row in rows)
    lines.append(f"  {'':{width}} {'sent':>6} {'lost':>5} {'median':>8} {'p99':>8} {'longest':>8}")
    for row in rows:
        same = [other for other in sockets if other.name == row.name] or [row]
        sent, lost = sum(other.sent for other in same), sum(other.lost for other in same)
        slowest = max(same, key=lambda other: other.p99)
        times = "".join(f"{seconds * 1000:>6.0f} ms" for seconds in (slowest.p50, slowest.p99, slowest.longest))
        lines.append(f"  {row.name:{width}} {sent:>6} {lost:>5}{times}")
    if any("slow" in row.name for row in rows):
        lines.append("  (a slow request asks for 2 s; its times are what came on top)")
    for result in measured.results:
        lines += [f"  lost {loss.at:6.1f} s  {loss.stream}: {loss.reason}" for loss in result.losses]
    return lines


def _memory_line(memory: Memory | None, whose: str) -> str:
    if memory is None:
        return "Memory at the peak: could not be read"
    swap = f", swap {size(memory.swap_used)} of {size(memory.swap_total)}" if memory.swap_total else ""
    return f"Memory of {whose} at the peak: {size(memory.used)} of {size(memory.total)}{swap}"
