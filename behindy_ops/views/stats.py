"""``ops.stats``, and ``--watch``: processor, memory, network and disk of each container, from pairs of readings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from behindy_ops.facts.figures import size
from behindy_ops.facts.readings import Reading, parse_readings
from behindy_ops.facts.replies import Reply, read
from behindy_ops.host.command import Command, script
from behindy_ops.host.host import new_mark
from behindy_ops.host.session import Session
from behindy_ops.report.layout import Column, clip, figures, spark, table
from behindy_ops.report.text import WIDTH, Line, Tone
from behindy_ops.views.container import LONGEST
from behindy_ops.views.mem import HostMemory, host_lines, host_memory
from behindy_ops.views.tasks import unseen
from behindy_ops.views.view import Shown, as_json, as_survey, require_docker

APART = 0.5
"""Seconds between the two readings that processor time is told from."""

BUSY = 90.0
"""Percent of one processor from which a container is shown as busy."""

KEPT = 120
"""Values of each container that are kept while it is watched."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment: names and readings by container id."""

    at: float
    host: HostMemory
    names: Mapping[str, str]
    readings: Mapping[str, Reading]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """One running container: memory as ``docker stats`` counts it, traffic in bytes since it started."""

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
    """All containers, the busiest first; ``at`` is the host's clock, seconds since the epoch.

    Attributes:
        other_nodes: those of a swarm whose load only they know.
    """

    at: float
    seconds: float
    host: HostMemory
    containers: tuple[ContainerStats, ...]
    other_nodes: tuple[str, ...] = ()


def frame(reply: Reply) -> Frame:
    """Read one moment that ``ops/frames.sh`` printed.

    Raises:
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    require_docker(as_survey(reply.problems.get("containers", "")))
    names = dict(words.split(" ", 1) for words in reply.every("container", "containers"))
    readings, others = parse_readings(reply.lines("containers")), tuple(sorted(reply.lines("others")))
    return Frame(float(reply.text("moment") or 0), host_memory(reply), names, readings, others)


def describe(before: Frame, now: Frame) -> StatsView:
    """Make figures of two moments; a container that started in between has no processor time yet."""
    containers = [
        _stats(name, before.readings.get(identity, now.readings[identity]), now.readings[identity], now.host.total)
        for identity, name in now.names.items()
        if identity in now.readings
    ]
    containers.sort(key=lambda container: (-container.cpu, -container.memory))
    return StatsView(now.at, round(now.at - before.at, 3), now.host, tuple(containers), now.others)


def _stats(name: str, before: Reading, now: Reading, total: int) -> ContainerStats:
    """Figures of one container; docker tells one without a limit to be limited by the machine's memory."""
    limit = now.limit if 0 < now.limit < total else 0
    system = now.system - before.system
    cpu = (now.cpu - before.cpu) / system * now.processors * 100 if system > 0 else 0.0
    return ContainerStats(
        name, round(max(cpu, 0.0), 1), now.memory, limit, now.received, now.sent, now.read, now.written, now.processes
    )


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes a second of one container between two moments."""

    received: float = 0.0
    sent: float = 0.0
    read: float = 0.0
    written: float = 0.0


def traffic(before: Frame, now: Frame) -> dict[str, Traffic]:
    """Return what went through each container, by its name; nothing for one that started in between."""
    seconds = now.at - before.at
    found = {}
    for identity, name in now.names.items():
        last, reading = before.readings.get(identity), now.readings.get(identity)
        if last is not None and reading is not None and seconds > 0:
            rates = (max(0, getattr(reading, each) - getattr(last, each)) / seconds for each in Traffic.__slots__)
            found[name] = Traffic(*rates)
    return found


class Watcher:
    """Makes a view of each moment and the one before it, and remembers the last values of each container.

    Args:
        what: ``cpu`` or ``memory``.
        tell: gets each view, and the same as lines.
        width: says how many cells a line has.
        hint: what stands beside the time.
    """

    def __init__(
        self,
        what: str,
        tell: Callable[[StatsView, list[Line]], None],
        width: Callable[[], int] = lambda: WIDTH,
        hint: str = "",
    ) -> None:
        self._what, self._tell, self._width, self._hint = what, tell, width, hint
        self._before: Frame | None = None
        self._history: dict[str, list[float]] = {}

    def __call__(self, now: Frame) -> None:
        before, self._before = self._before, now
        if before is None:
            return
        view = describe(before, now)
        values = {container.name: float(getattr(container, self._what)) for container in view.containers}
        # A container that is gone is forgotten.
        self._history = {name: [*self._history.get(name, []), value][-KEPT:] for name, value in values.items()}
        moment = Line(f"{time.strftime('%H:%M:%S', time.localtime(view.at))}{self._hint}", Tone.FAINT)
        lines = watched(view, self._history, traffic(before, now), what=self._what, width=self._width())
        self._tell(view, [*lines, moment, Line("")])


def show(session: Session) -> Shown:
    """Look twice, a moment apart.

    Raises:
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    frames: list[Frame] = []
    _run(session, frames.append, count=2, interval=APART)
    view = describe(*frames)
    return Shown(lines(view), as_json("stats", view))


def watch(session: Session, watcher: Watcher, *, interval: float) -> None:
    """Show each container every ``interval`` seconds, until a signal ends it.

    Raises:
        Interrupted: how it usually ends.
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    _run(session, watcher, count=0, interval=interval)


def _run(session: Session, take: Callable[[Frame], None], *, count: int, interval: float) -> None:
    """Pass on each moment once it is whole; a count of 0 has no end."""
    mark = new_mark()
    command = Command(
        script("ops/frames", mark, str(count), f"{interval:g}"),
        title="watch the host",
        timeout=LONGEST if count == 0 else 60,
        follow=count == 0,
        on_line=frames_of(mark, take),
    )
    session.host.run(command).require()


def frames_of(mark: str, take: Callable[[Frame], None]) -> Callable[[str], None]:
    """Return a taker of lines that passes each moment on once it is whole."""
    held: list[str] = []

    def line(text: str) -> None:
        held.append(text)
        if text == f"{mark} end":
            moment = read("\n".join(held), mark)
            held.clear()
            take(frame(moment))

    return line


def lines(view: StatsView) -> list[Line]:
    """Lay the view out in 80 columns."""
    elsewhere = unseen("The load of tasks", view.other_nodes)
    if not view.containers:
        return [Line("No container is running.", Tone.CAREFUL), *elsewhere]
    columns = [Column("container", 22), *figures("CPU %", "memory", "limit", "net in/out", "disk r/w", "procs")]
    rows = [
        (
            each.name,
            f"{each.cpu:.1f}",
            size(each.memory),
            size(each.limit) if each.limit else "none",
            f"{_short(each.received)}/{_short(each.sent)}",
            f"{_short(each.read)}/{_short(each.written)}",
            str(each.processes),
        )
        for each in view.containers
    ]
    told = table(columns, rows, [Tone.CAREFUL if each.cpu > BUSY else Tone.PLAIN for each in view.containers])
    return [*told, *elsewhere]


_WIDE = 120
"""Cells from which a container's name has more room."""

_BARS = 50
"""Cells from which there is room for a history beside the figures that matter most."""

_LEFT_OUT = {"cpu": ("limit", "disk r/w", "net in/out", "memory"), "memory": ("CPU %", "limit")}
"""What there is no room for on a narrow terminal, the least important first."""


def watched(
    view: StatsView,
    history: Mapping[str, Sequence[float]],
    rates: Mapping[str, Traffic] | None = None,
    *,
    what: str,
    width: int = WIDTH,
) -> list[Line]:
    """Return the view as it is watched: each container with its last values of ``what`` as small bars.

    That is ``cpu``, in percent, or ``memory``, in bytes and against the limit; the oldest value stands first. With
    ``cpu`` there is what goes through network and disk, a second.
    """
    title = f"{what}, oldest first"
    cells = {"container": 28 if width >= _WIDE else 18, "CPU %": 6, "memory": 8, "limit": 8}  # as wide in every moment
    cells |= {"net in/out": 10, "disk r/w": 10} if what == "cpu" else {}
    for least in _LEFT_OUT[what]:
        if _taken(cells) + (len(title) if width >= _BARS else 0) > width:
            del cells[least]
    room = width - _taken(cells)
    figured = list(cells.items())[1:]
    columns = [Column("container", cells["container"]), *figures(*(f"{each:>{most}}" for each, most in figured))]
    bars = [Column(title, room)] if room >= len(title) else []
    rows = []
    for each in sorted(view.containers, key=lambda container: getattr(container, what), reverse=True):
        top = float(each.limit or view.host.total) if what == "memory" else 100.0
        rate = (rates or {}).get(each.name, Traffic())
        texts = {
            "container": each.name,
            "CPU %": f"{each.cpu:.1f}",
            "memory": size(each.memory),
            "limit": size(each.limit) if each.limit else "none",
            "net in/out": f"{_short(rate.received)}/{_short(rate.sent)}",
            "disk r/w": f"{_short(rate.read)}/{_short(rate.written)}",
        }
        drawn = (spark(history.get(each.name, ()), top, min(room, KEPT)),) if bars else ()
        rows.append((*(texts[column] for column in cells), *drawn))
    shown = [*host_lines(view.host), Line(""), *table([*columns, *bars], rows, width=width)]
    shown += unseen("The load of tasks", view.other_nodes)
    return [Line(clip(line.text, width), line.tone) for line in shown]


def _taken(cells: Mapping[str, int]) -> int:
    return sum(cells.values()) + 2 * len(cells)


def _short(count: float) -> str:
    """Bytes in at most four characters: ``0``, ``13k``, ``2.4M``, ``18G``."""
    for unit in ("", "k", "M", "G"):
        if count < 1000:
            return f"{count:.0f}{unit}" if count >= 10 or not unit else f"{count:.1f}{unit}"
        count /= 1024
    return f"{count:.0f}T"
