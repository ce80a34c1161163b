"""``ops.mem``: what holds the host's memory, OOM kills, and what still fits. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Facts
from behindy_ops.checks.memory import fits, need
from behindy_ops.facts.container import parse_time
from behindy_ops.facts.readings import parse_readings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from behindy_ops.facts.container import Container
    from behindy_ops.facts.readings import Reading
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service
    from behindy_ops.views.look import Seen

__all__ = ["ContainerMemory", "Fits", "HostMemory", "MemoryView", "OomKill", "ProcessMemory", "describe", "host_memory"]

SAME_SECONDS = 5.0
"""Seconds within which two sources that tell of a kill in a container tell of the same one."""

NEAR = 0.9
"""Share of its limit from which a container is said to be near it."""


@dataclass(frozen=True, slots=True)
class HostMemory:
    """The host's memory in bytes, as ``free`` counts: used is total less available."""

    total: int = 0
    used: int = 0
    available: int = 0
    free: int = 0
    cache: int = 0
    swap_total: int = 0
    swap_used: int = 0
    swap_free: int = 0


@dataclass(frozen=True, slots=True)
class ContainerMemory:
    """A running container's memory in bytes, as ``docker stats`` counts it: without file cache nobody uses.

    :param limit: 0 for none.
    :param share: used of the limit, 0 to 1; of the host's memory without a limit.
    :param oom_kills: processes in it that the kernel killed since it started; -1 if its counter cannot be read.
    """

    name: str
    used: int
    limit: int
    share: float
    oom_kills: int = -1


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Processes outside of containers that have one name, together.

    :param used: resident bytes; pages they share are counted for each.
    """

    name: str
    used: int
    count: int


@dataclass(frozen=True, slots=True)
class OomKill:
    """A kill for want of memory that is known.

    :param container: its name, or the first digits of the id of one that is gone; empty for the host itself.
    :param at: when (RFC 3339), or empty if that is not known.
    :param source: ``kernel log``, ``docker events``, ``docker inspect`` or ``its cgroup's counter``.
    """

    container: str
    at: str
    source: str


@dataclass(frozen=True, slots=True)
class Fits:
    """Whether a deploy of a service would fit: the preflight's own verdict.

    :param level: ``ok``, ``warning`` or ``refusal``.
    :param need: bytes a candidate is taken to need.
    """

    service: str
    level: str
    found: str
    remedy: str
    need: int


@dataclass(frozen=True, slots=True)
class MemoryView:
    """All of it.

    :param host: the host's own figures.
    :param containers: biggest first.
    :param processes: biggest first, at most 12 names.
    :param oom_kills: kills that are known, oldest first.
    :param oom_kills_counted: how many the kernel has counted since boot, in and outside of containers; -1 if unknown.
    :param unknown: what could not be read, in sentences.
    :param services: whether a deploy would fit, for each service.
    """

    host: HostMemory
    containers: tuple[ContainerMemory, ...] = ()
    processes: tuple[ProcessMemory, ...] = ()
    oom_kills: tuple[OomKill, ...] = ()
    oom_kills_counted: int = -1
    unknown: tuple[str, ...] = ()
    services: tuple[Fits, ...] = ()


def describe(seen: Seen, services: Sequence[Service]) -> MemoryView:
    """Say what holds the memory, from one look."""
    host = host_memory(seen.lines("meminfo"))
    readings = parse_readings(seen.lines("stats"))
    survey = replace(seen.survey, usage={identity: reading.memory for identity, reading in readings.items()})
    counters = _counters(seen.lines("kills"))
    kills = known_kills(seen, counters)
    counted = _counted(seen.lines("meminfo"))
    problem = preflight.docker_problem(survey)
    return MemoryView(
        host=host,
        containers=tuple(_containers(survey, readings, host.total, counters)),
        processes=tuple(_processes(seen.lines("processes"))),
        oom_kills=kills,
        oom_kills_counted=counted,
        unknown=tuple(_unknown(seen, problem.what if problem else "", counted, len(kills))),
        services=() if problem else tuple(_fits(survey, service) for service in services),
    )


def host_memory(lines: Iterable[str]) -> HostMemory:
    """Read ``/proc/meminfo``."""
    found = re.findall(r"^(\w+):\s+([0-9]+) kB$", "\n".join(lines), re.MULTILINE)
    kb = {name: int(value) * 1024 for name, value in found}
    total, available = kb.get("MemTotal", 0), kb.get("MemAvailable", 0)
    swap, swap_free = kb.get("SwapTotal", 0), kb.get("SwapFree", 0)
    return HostMemory(
        total=total,
        used=max(total - available, 0),
        available=available,
        free=kb.get("MemFree", 0),
        cache=kb.get("Buffers", 0) + kb.get("Cached", 0) + kb.get("SReclaimable", 0),
        swap_total=swap,
        swap_used=max(swap - swap_free, 0),
        swap_free=swap_free,
    )


def _containers(
    survey: Survey, readings: Mapping[str, Reading], total: int, counters: Mapping[str, int]
) -> list[ContainerMemory]:
    found = []
    for container in survey.containers.values():
        if (reading := readings.get(container.id)) is None:
            continue
        share = round(reading.memory / (container.memory or total or 1), 4)
        kills = counters.get(container.id, -1)
        found.append(ContainerMemory(container.name, reading.memory, container.memory, share, kills))
    return sorted(found, key=lambda one: one.used, reverse=True)


def _counters(lines: Iterable[str]) -> dict[str, int]:
    """Container id to the ``oom_kill`` of its cgroup, from ``<file>:oom_kill <count>`` lines."""
    found = (re.search(r"([0-9a-f]{64}).*:oom_kill ([0-9]+)$", line) for line in lines)
    return {match[1]: int(match[2]) for match in found if match}


def _processes(lines: Iterable[str]) -> Iterable[ProcessMemory]:
    for line in lines:
        kb, count, name = (*line.split(" ", 2), "")[:3]
        yield ProcessMemory(name, int(kb) * 1024, int(count))


def _counted(lines: Iterable[str]) -> int:
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), -1)


def known_kills(seen: Seen, counters: Mapping[str, int]) -> tuple[OomKill, ...]:
    """What is known, the best source first: a moment told by several is one kill, and so is one without a moment."""
    containers = seen.survey.containers.values()
    boot = float(next((line.split()[1] for line in seen.lines("meminfo") if line.startswith("btime ")), "0"))
    told = [
        *_kernel_kills(seen.lines("kernel"), {container.id: container.name for container in containers}),
        *_event_kills(seen.lines("events")),
        *(_inspected_kill(container, boot) for container in containers if container.oom_killed),
        *(OomKill(one.name, "", "its cgroup's counter") for one in containers if counters.get(one.id, 0) > 0),
    ]
    kept: list[OomKill] = []
    for kill in told:
        if kill is not None and not any(_same(kill, one) for one in kept):
            kept.append(kill)
    return tuple(sorted(kept, key=lambda kill: _moment(kill) or 0.0))


def _same(kill: OomKill, other: OomKill) -> bool:
    if kill.container != other.container:
        return False
    first, second = _moment(kill), _moment(other)
    return first is None or second is None or abs(first - second) < SAME_SECONDS


def _moment(kill: OomKill) -> float | None:
    return parse_time(kill.at).timestamp() if kill.at else None


def _inspected_kill(container: Container, boot: float) -> OomKill | None:
    """Docker's flag is about the container's last run; while it runs, there is no time to it."""
    if container.running:
        return OomKill(container.name, "", "docker inspect")
    ended = parse_time(container.finished).timestamp()
    return OomKill(container.name, container.finished, "docker inspect") if ended >= boot else None


def _event_kills(lines: Iterable[str]) -> Iterable[OomKill]:
    for line in lines:
        nanoseconds, identity, name = (*line.split(" ", 2), "")[:3]
        yield OomKill(name or identity[:12], _iso(int(nanoseconds) / 1e9), "docker events")


def _kernel_kills(lines: Iterable[str], names: dict[str, str]) -> Iterable[OomKill]:
    for line in lines:
        if "oom-kill:" not in line:
            continue
        first = line.split()[0].replace(",", ".")
        at = _iso(float(first)) if re.fullmatch(r"[0-9.]+", first) else first
        identity = re.search(r"task_memcg=\S*?([0-9a-f]{64})", line)
        yield OomKill(names.get(identity[1], identity[1][:12]) if identity else "", at, "kernel log")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _unknown(seen: Seen, problem: str, counted: int, known: int) -> Iterable[str]:
    if problem:
        yield f"{problem} Containers and what fits are not shown."
    if "readable" not in seen.lines("kernel"):
        yield (
            "The kernel's log is closed to this user, and docker remembers only its last 256 events and each "
            "container's last end: older kills may be missing. All of them: sudo dmesg -T | grep -i oom"
        )
    if counted > known:
        yield f"The kernel has counted {counted} OOM kills since boot; of {counted - known} the container is not known."


def _fits(survey: Survey, service: Service) -> Fits:
    (check,) = fits(Facts(survey=survey, services=(service,)))
    return Fits(service.name, check.level.value, check.found, check.remedy, need(survey, service))
