"""``ops.mem``: what uses the host's memory, OOM kills (docs/design.md, "OOM kills"), and what still fits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Facts
from behindy_ops.checks.memory import fits, need
from behindy_ops.facts.container import Container
from behindy_ops.facts.figures import MB, size
from behindy_ops.facts.readings import Reading, parse_readings
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.swarm import Swarm
from behindy_ops.project.services import Service
from behindy_ops.report.layout import Column, bar, figures, heading, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.view import Seen, Verdict, View

SAME_SECONDS = 5.0
"""Seconds within which two sources that report a kill in a container report the same one."""

NEAR = 0.9
"""Share of its limit, or of the host's memory, from which a line is coloured."""

SMALL = 5 * MB
"""Bytes below which a process outside of containers is not listed for people."""


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
    """A running container's memory in bytes, as ``docker stats`` counts it: without file cache nobody uses."""

    name: str
    used: int
    limit: int
    share: float
    oom_kills: int = -1


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Processes outside of containers that have one name, together: resident bytes, shared pages each time."""

    name: str
    used: int
    count: int


@dataclass(frozen=True, slots=True)
class OomKill:
    """A known OOM kill; ``container``: its name, the start of its id if it is gone, or empty for the host."""

    container: str
    at: str
    source: str


@dataclass(frozen=True, slots=True)
class Fits(Verdict):
    """Whether a deploy would fit, by the check that it begins with; ``need``: bytes of a candidate."""

    need: int


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """A node of a swarm: bytes in all, and what the limits of the tasks there make; what is in use, only it knows.

    Attributes:
        unlimited: how many of these tasks have no limit.
        here: it is the host, of which all is known.
    """

    node: str
    status: str
    total: int
    limits: int
    running: int
    unlimited: int = 0
    here: bool = False


@dataclass(frozen=True, slots=True)
class MemoryView:
    """All of it: the biggest containers and processes first, the oldest kill first; ``nodes`` of a swarm."""

    host: HostMemory
    containers: tuple[ContainerMemory, ...] = ()
    processes: tuple[ProcessMemory, ...] = ()
    oom_kills: tuple[OomKill, ...] = ()
    oom_kills_counted: int = -1
    unknown: tuple[str, ...] = ()
    services: tuple[Fits, ...] = ()
    nodes: tuple[NodeMemory, ...] = ()


def describe(seen: Seen) -> MemoryView:
    """Say what holds the memory; without Docker, what of it is the host's own."""
    host = host_memory(seen)
    readings = parse_readings(seen.lines("stats"))
    survey = replace(seen.survey, usage={identity: reading.memory for identity, reading in readings.items()})
    counters = _counters(seen.lines("kills"))
    kills = known_kills(seen, counters)
    counted = int(seen.values("meminfo").get("oom_kill", "-1"))
    problem = preflight.docker_problem(survey)
    return MemoryView(
        host=host,
        containers=tuple(_containers(survey, readings, host.total, counters)),
        processes=tuple(
            ProcessMemory(name, int(kb) * 1024, int(count))
            for kb, count, name in (line.split(" ", 2) for line in seen.lines("processes"))
        ),
        oom_kills=kills,
        oom_kills_counted=counted,
        unknown=tuple(_unknown(seen, problem.what if problem else "", counted, len(kills))),
        services=() if problem else tuple(found for service in seen.services for found in _fits(survey, service)),
        nodes=tuple(_nodes(survey, Swarm.parse(seen))),
    )


def host_memory(reply: Reply) -> HostMemory:
    """Read ``/proc/meminfo``."""
    values = reply.values("meminfo")

    def figure(name: str) -> int:
        return int(values.get(f"{name}:", "0").split()[0]) * 1024

    total, available = figure("MemTotal"), figure("MemAvailable")
    swap, swap_free = figure("SwapTotal"), figure("SwapFree")
    return HostMemory(
        total=total,
        used=max(total - available, 0),
        available=available,
        free=figure("MemFree"),
        cache=figure("Buffers") + figure("Cached") + figure("SReclaimable"),
        swap_total=swap,
        swap_used=max(swap - swap_free, 0),
        swap_free=swap_free,
    )


def _containers(
    survey: Survey, readings: Mapping[str, Reading], total: int, counters: Mapping[str, int]
) -> list[ContainerMemory]:
    running = [
        ContainerMemory(
            name,
            reading.memory,
            limit,
            round(reading.memory / (limit or total or 1), 4),
            counters.get(identity, -1),
        )
        for identity, (name, limit) in _here(survey).items()
        if (reading := readings.get(identity)) is not None
    ]
    return sorted(running, key=lambda container: container.used, reverse=True)


def _here(survey: Survey) -> dict[str, tuple[str, int]]:
    """Container id to name and limit, of each that may run on this host; a task by its service's name and number."""
    containers = survey.containers.values()
    tasks = ((task, container) for container in containers for task in container.tasks if task.here)
    own = {each.id: (each.name, each.memory) for each in containers if each.replicas is None}
    return own | {task.container: (f"{each.name}.{task.slot}", each.memory) for task, each in tasks if task.container}


def _nodes(survey: Survey, swarm: Swarm) -> Iterator[NodeMemory]:
    """Yield what is known of each node, first the one that was asked."""
    for node in sorted(swarm.nodes, key=lambda node: (node.id != swarm.node, node.name)):
        limits = [
            container.memory
            for container in survey.containers.values()
            for task in container.tasks
            if task.node == node.name and task.wanted == "running"
        ]
        unlimited, here = sum(not limit for limit in limits), node.id == swarm.node
        yield NodeMemory(node.name, node.state, node.memory, sum(limits), len(limits), unlimited=unlimited, here=here)


def _counters(lines: Iterable[str]) -> dict[str, int]:
    """Container id to the ``oom_kill`` of its cgroup, from ``<file>:oom_kill <count>`` lines."""
    matches = (re.search(r"([0-9a-f]{64}).*:oom_kill ([0-9]+)$", line) for line in lines)
    return {match[1]: int(match[2]) for match in matches if match}


def known_kills(seen: Seen, counters: Mapping[str, int]) -> tuple[OomKill, ...]:
    """Return the kills that are known; one that several sources report is listed once, by the best of them.

    The counters are those of cgroups: container id to kills in it.
    """
    containers = seen.survey.containers.values()
    boot = float(seen.values("meminfo").get("btime", "0"))
    told = [
        *_kernel_kills(seen.lines("kernel"), {identity: name for identity, (name, _) in _here(seen.survey).items()}),
        *_event_kills(seen.lines("events")),
        *(_inspected_kill(container, boot) for container in containers if container.oom_killed),
        *(
            OomKill(name, "", "its cgroup's counter")
            for identity, (name, _) in _here(seen.survey).items()
            if counters.get(identity, 0) > 0
        ),
    ]
    kept: list[OomKill] = []
    for kill in told:
        if kill is not None and not any(_same(kill, other) for other in kept):
            kept.append(kill)
    return tuple(sorted(kept, key=lambda kill: _moment(kill) or 0.0))


def _same(kill: OomKill, other: OomKill) -> bool:
    if kill.container != other.container:
        return False
    first, second = _moment(kill), _moment(other)
    return first is None or second is None or abs(first - second) < SAME_SECONDS


def _moment(kill: OomKill) -> float | None:
    return datetime.fromisoformat(kill.at).timestamp() if kill.at else None


def _inspected_kill(container: Container, boot: float) -> OomKill | None:
    """Docker's flag is about the container's last run; while it runs, there is no time to it."""
    if container.running:
        return OomKill(container.name, "", "docker inspect")
    ended = datetime.fromisoformat(container.finished).timestamp()
    return OomKill(container.name, container.finished, "docker inspect") if ended >= boot else None


def _event_kills(lines: Iterable[str]) -> Iterable[OomKill]:
    for line in lines:
        nanoseconds, identity, name = (*line.split(" ", 2), "")[:3]
        yield OomKill(name or identity[:12], _iso(int(nanoseconds) / 1e9), "docker events")


def _kernel_kills(lines: Iterable[str], names: Mapping[str, str]) -> Iterable[OomKill]:
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
            "This user may not read the kernel's log, and Docker remembers only its last 256 events and each "
            "container's last end: older kills may be missing. To see all of them: sudo dmesg -T | grep -i oom"
        )
    if counted > known:
        kills = f"{counted} OOM kill{'s' if counted != 1 else ''}"
        those = f"of {counted - known} of them the container is not known" if known else "the container is not known"
        yield f"The kernel has counted {kills} since boot; {those}."


def _fits(survey: Survey, service: Service) -> Iterable[Fits]:
    """Whether one fits here; of a service whose tasks may start on any node, nobody can say so."""
    for check in fits(Facts(survey=survey, services=(service,))):
        yield Fits(service.name, check.level.value, check.found, check.remedy, need(survey, service))


def lines(view: MemoryView) -> list[Line]:
    """Lay the view out in 80 columns."""
    return [
        *host_lines(view.host),
        Line(""),
        *_container_lines(view.containers),
        *_node_lines(view.nodes),
        *_process_lines(view),
        *_kill_lines(view),
        *([heading("what still fits")] if view.services else []),
        *(line for fits in view.services for line in fits.lines("  ")),
    ]


def host_lines(host: HostMemory) -> list[Line]:
    """Return memory and swap, a line each."""
    used = host.used / host.total if host.total else 0.0
    swapped = host.swap_used / host.swap_total if host.swap_total else 0.0
    memory = f"{bar(used, 20)}  {size(host.used)} of {size(host.total)} used, {size(host.available)} available"
    swap = f"{bar(swapped, 20)}  {size(host.swap_used)} of {size(host.swap_total)} used"
    return [
        Line(f"memory  {memory}", Tone.CAREFUL if used > NEAR else Tone.PLAIN),
        Line(f"swap    {swap}" if host.swap_total else "swap    none", Tone.PLAIN if host.swap_total else Tone.CAREFUL),
    ]


def _container_lines(containers: Iterable[ContainerMemory]) -> list[Line]:
    columns = [Column("container", 28), *figures("used", "limit"), Column("", 22), *figures("%", "OOM kills")]
    rows, tones = [], []
    for container in containers:
        limit = size(container.limit) if container.limit else "none"
        kills = "?" if container.oom_kills < 0 else str(container.oom_kills or "")
        share = f"{container.share * 100:.0f}"
        rows.append((container.name, size(container.used), limit, bar(container.share, 16), share, kills))
        near = container.limit and container.share >= NEAR
        tones.append(Tone.BAD if container.oom_kills > 0 else Tone.CAREFUL if near else Tone.PLAIN)
    return [*table(columns, rows, tones), Line("")] if rows else []


def _node_lines(nodes: Sequence[NodeMemory]) -> list[Line]:
    if not nodes:
        return []
    columns = [Column("node", 26), *figures("memory", "limits", "tasks"), Column("", 12)]
    rows, tones = [], []
    for node in nodes:
        limits = f"{size(node.limits)}{' +?' if node.unlimited else ''}"
        said = "this host" if node.here else node.status if node.status != "ready" else ""
        rows.append((node.node, size(node.total), limits, str(node.running), said))
        tones.append(Tone.CAREFUL if node.status != "ready" or node.limits > node.total else Tone.PLAIN)
    told = [
        *table(columns, rows, tones),
        *sentence("What is in use on the others, and who was killed there, only they know.", Tone.FAINT),
    ]
    return [*told, Line("")]


def _process_lines(view: MemoryView) -> list[Line]:
    columns = [Column("outside of containers", 40), *figures("resident", "processes")]
    rows = [
        (process.name, size(process.used), str(process.count)) for process in view.processes if process.used >= SMALL
    ]
    return [*table(columns, rows), Line("")] if rows else []


def _kill_lines(view: MemoryView) -> list[Line]:
    told = [heading("OOM kills since boot")]
    for kill in view.oom_kills:
        where, when = kill.container or "the host itself", kill.at[:19] or "time not known"
        told += sentence(f"{when}  {where} ({kill.source})", Tone.BAD, "  ")
    if not view.oom_kills and view.oom_kills_counted <= 0:
        told.append(Line("  none known", Tone.GOOD if view.oom_kills_counted == 0 else Tone.PLAIN))
    for text in view.unknown:
        told += sentence(text, Tone.FAINT, "  ")
    return [*told, Line("")]


VIEW = View("mem", describe, lines, survey="containers stanzas machine", script="ops/mem", needs_docker=False)
