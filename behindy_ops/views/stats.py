"""``ops.stats``: processor, memory, network and disk of each container, from two readings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import size
from behindy_ops.facts.readings import parse_readings
from behindy_ops.report.layout import Column, clip, spark, table
from behindy_ops.report.text import WIDTH, Line, Tone
from behindy_ops.views.mem import HostMemory, host_memory
from behindy_ops.views.memory_view import host_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from behindy_ops.facts.readings import Reading
    from behindy_ops.views.look import Seen

__all__ = ["ContainerStats", "Frame", "StatsView", "describe", "frame", "lines", "watched"]

BUSY = 90.0
"""Percent of one processor from which a container is shown as busy."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment: names and readings by container id."""

    at: float
    host: HostMemory
    names: dict[str, str]
    readings: dict[str, Reading]


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """One running container.

    :param cpu: percent of one processor; 200 is two at full load.
    :param memory: bytes, as ``docker stats`` counts; ``limit`` is 0 for none.
    :param received: bytes over all networks since it started; ``sent`` likewise.
    :param read: bytes from disk since it started; ``written`` likewise.
    """

    name: str
    cpu: float
    memory: int
    limit: int
    received: int
    sent: int
    read: int
    written: int
    processes: int


@dataclass(frozen=True, slots=True)
class StatsView:
    """All containers, the busiest first.

    :param at: the host's clock, seconds since the epoch.
    :param seconds: between the two readings.
    """

    at: float
    seconds: float
    host: HostMemory
    containers: tuple[ContainerStats, ...]


def frame(seen: Seen) -> Frame:
    """Read one moment that ``ops/frames.sh`` printed."""
    lines = seen.lines("containers")
    listed = (line.split(" ", 2) for line in lines if line.startswith("container "))
    names = {identity: name for _, identity, name in listed}
    at = float((seen.lines("moment") or ["0"])[0])
    return Frame(at, host_memory(seen.lines("meminfo")), names, parse_readings(lines))


def describe(before: Frame, now: Frame) -> StatsView:
    """Make figures of two moments; a container that started in between has no processor time yet."""
    found = [
        _stats(name, before.readings.get(identity, now.readings[identity]), now.readings[identity], now.host.total)
        for identity, name in now.names.items()
        if identity in now.readings
    ]
    found.sort(key=lambda one: (-one.cpu, -one.memory))
    return StatsView(now.at, round(now.at - before.at, 3), now.host, tuple(found))


def _stats(name: str, before: Reading, now: Reading, total: int) -> ContainerStats:
    """Figures of one container; docker tells one without a limit to be limited by the machine's memory."""
    limit = now.limit if 0 < now.limit < total else 0
    system = now.system - before.system
    cpu = (now.cpu - before.cpu) / system * now.processors * 100 if system > 0 else 0.0
    return ContainerStats(
        name, round(max(cpu, 0.0), 1), now.memory, limit, now.received, now.sent, now.read, now.written, now.processes
    )


_COLUMNS = (
    Column("container", 22),
    Column("CPU %", right=True),
    Column("memory", right=True),
    Column("limit", right=True),
    Column("net in/out", right=True),
    Column("disk r/w", right=True),
    Column("procs", right=True),
)


def lines(view: StatsView) -> list[Line]:
    """The view in 80 columns."""
    if not view.containers:
        return [Line("No container is running.", Tone.CAREFUL)]
    rows = [
        (
            one.name,
            f"{one.cpu:.1f}",
            size(one.memory),
            size(one.limit) if one.limit else "none",
            f"{_short(one.received)}/{_short(one.sent)}",
            f"{_short(one.read)}/{_short(one.written)}",
            str(one.processes),
        )
        for one in view.containers
    ]
    return table(_COLUMNS, rows, [Tone.CAREFUL if one.cpu > BUSY else Tone.PLAIN for one in view.containers])


def watched(view: StatsView, history: Mapping[str, Sequence[float]], *, what: str) -> list[Line]:
    """The view as it is watched: each container with its last values as small bars.

    :param history: by container name, the values of ``what``, oldest first.
    :param what: ``cpu`` (percent) or ``memory`` (bytes, against the limit).
    """
    told = [*host_lines(view.host), Line("")]
    titles = ("container", "CPU %", "memory", "limit")
    told.append(
        Line(f"{titles[0]:<20} {titles[1]:>6} {titles[2]:>8} {titles[3]:>8}  {what}, oldest first", Tone.STRONG)
    )
    for one in sorted(view.containers, key=lambda one: getattr(one, what), reverse=True):
        name = clip(one.name, 20)
        figures = f"{one.cpu:>6.1f} {size(one.memory):>8} {size(one.limit) if one.limit else 'none':>8}"
        top = float(one.limit or view.host.total) if what == "memory" else 100.0
        text = f"{name:<20} {figures}  {spark(history.get(one.name, ()), top, 32)}"
        told.append(Line(clip(text, WIDTH)))
    return told


def _short(count: float) -> str:
    """Bytes in at most four characters: ``0``, ``13k``, ``2.4M``, ``18G``."""
    for unit in ("", "k", "M", "G"):
        if count < 1000:
            return f"{count:.0f}{unit}" if count >= 10 or not unit else f"{count:.1f}{unit}"
        count /= 1024
    return f"{count:.0f}T"
