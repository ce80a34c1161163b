"""How a deploy to a swarm grows with replicas and with hosts: tables, and a verdict by figures. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from behindy_ops.report.page import Table
from sandbox.bench.growth_report import NOISE, TIMES, Curve, exponent, faster, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "RESULTS",
    "Cell",
    "Swarm",
    "as_markdown",
    "hosts_table",
    "long_steps",
    "machine",
    "on_hosts",
    "replicas_table",
    "shown",
    "steps_table",
    "title",
    "too_fast",
    "verdict",
    "with_hosts",
    "with_replicas",
]

RESULTS = Path("benchmarks", "swarm.md")

SHOWN = 0.1
"""Seconds: a step that takes no longer anywhere is not listed."""


@dataclass(frozen=True)
class Cell:
    """Deploys of one service with so many replicas on so many hosts, under traffic; times in seconds.

    ``steps`` has the median of each step; ``sent`` and ``lost`` are requests during all of these deploys.
    """

    hosts: int
    replicas: int
    times: tuple[float, ...]
    commands: int
    sent: int
    lost: int
    steps: tuple[tuple[str, float], ...] = ()

    @property
    def seconds(self) -> float:
        return median(self.times)


@dataclass(frozen=True)
class Swarm:
    """A whole run. ``load`` is the machine's mean load average meanwhile, and ``processors`` how many it has."""

    cells: tuple[Cell, ...]
    rounds: int
    processors: int
    load: float
    docker: str


def with_replicas(swarm: Swarm) -> dict[int, Curve]:
    """For each number of hosts, how a deploy grows with the replicas."""
    return _curves(swarm.cells, "replicas", lambda cell: (cell.hosts, cell.replicas))


def with_hosts(swarm: Swarm) -> dict[int, Curve]:
    """For each number of replicas, how a deploy grows with the hosts."""
    return _curves(swarm.cells, "hosts", lambda cell: (cell.replicas, cell.hosts))


def _curves(cells: Iterable[Cell], axis: str, of: Callable[[Cell], tuple[int, int]]) -> dict[int, Curve]:
    kept: dict[int, dict[int, Cell]] = {}
    for cell in cells:
        row, size = of(cell)
        kept.setdefault(row, {})[size] = cell
    return {row: _curve(axis, own) for row, own in kept.items()}


def _curve(axis: str, cells: dict[int, Cell]) -> Curve:
    first = next(iter(cells.values()))
    spread = (max(first.times) - min(first.times)) / 2 / first.seconds
    return Curve(
        axis,
        "deploy",
        tuple(cells),
        tuple(cell.seconds / first.seconds for cell in cells.values()),
        tuple(cell.seconds for cell in cells.values()),
        tuple(cell.commands for cell in cells.values()),
        max(NOISE, spread),
    )


def too_fast(swarm: Swarm) -> list[str]:
    """What grows faster than the number of replicas, or of hosts."""
    return [
        *(
            f"a deploy with replicas on {on_hosts(row)}"
            for row, curve in with_replicas(swarm).items()
            if _too_fast(curve)
        ),
        *(f"a deploy of {row} replicas with hosts" for row, curve in with_hosts(swarm).items() if _too_fast(curve)),
    ]


def _too_fast(curve: Curve) -> bool:
    """As of any growth; but how often a step asks depends on how long it waits, so commands may keep pace as well."""
    alike = replace(curve, commands=curve.commands[:1] * len(curve.commands))
    pairs = zip(curve.shares, curve.commands, strict=True)
    return faster(alike) or any(count > share * curve.commands[0] for share, count in pairs)


def verdict(swarm: Swarm) -> list[str]:
    """What grows too fast, or how much the most that was measured takes; and what was lost."""
    lost, sent = sum(cell.lost for cell in swarm.cells), sum(cell.sent for cell in swarm.cells)
    over = too_fast(swarm)
    grows = (
        f"Too fast grows: {', '.join(over)}." if over else f"Nothing grows faster than the number of {_worst(swarm)}."
    )
    return [grows, f"{lost} of {sent} requests were lost."]


def machine(swarm: Swarm) -> list[str]:
    """On what it was measured, and what that says of the figures."""
    place = f"on one machine with {swarm.processors} processors and a load of {swarm.load:.1f} on average"
    return [
        f"All hosts, and what asks them, were {place},",
        f"of which a part was other work; Docker {swarm.docker}. Seconds are upper bounds; compare ratios.",
    ]


def as_markdown(swarm: Swarm) -> str:
    """The whole of ``benchmarks/swarm.md``."""
    lines = [
        "# How a swarm grows",
        "",
        "Written by `./inv bench --swarm`; see [README.md](README.md) for what is measured.",
        "",
        *verdict(swarm),
        "",
        *machine(swarm),
        "",
        "## With more replicas",
        "",
        *lines_of(replicas_table(swarm)),
        "",
        "## With more hosts",
        "",
        *lines_of(hosts_table(swarm)),
        "",
        "## Where the time goes",
        "",
        *lines_of(steps_table(swarm)),
        "",
        f"Medians of {swarm.rounds}.",
    ]
    return "\n".join(lines) + "\n"


def _worst(swarm: Swarm) -> str:
    curves = with_replicas(swarm).values()
    worst = max(curves, key=lambda curve: curve.ratios[-1])
    return f"replicas: {worst.shares[-1]:g} times as many take {worst.ratios[-1]:.2f} times as long at most"


def on_hosts(count: int) -> str:
    """So many hosts, in words."""
    return "1 host" if count == 1 else f"{count} hosts"


def replicas_table(swarm: Swarm) -> Table:
    """A row for each number of hosts, with its verdict."""
    return _table("hosts", "replicas", with_replicas(swarm), swarm.cells, lambda cell: cell.hosts)


def hosts_table(swarm: Swarm) -> Table:
    """A row for each number of replicas, with its verdict."""
    return _table("replicas", "hosts", with_hosts(swarm), swarm.cells, lambda cell: cell.replicas)


def _table(
    row_name: str, axis: str, curves: dict[int, Curve], cells: Iterable[Cell], row_of: Callable[[Cell], int]
) -> Table:
    kept = list(cells)
    sizes = next(iter(curves.values())).sizes
    heads = [f"{row_name}", *(f"{size} {axis if size > 1 else axis[:-1]}" for size in sizes)]
    heads += [f"{axis} {TIMES}", f"time {TIMES}", "noise", "exponent", "remote commands", "lost", ""]
    rows = []
    for row, curve in curves.items():
        own = [cell for cell in kept if row_of(cell) == row]
        cells_of_row = (
            str(row),
            *(f"{seconds:.2f} s" for seconds in curve.seconds),
            f"{curve.shares[-1]:g}",
            f"{curve.ratios[-1]:.2f}",
            f"{curve.noise * 100:.0f} %",
            f"{exponent(curve):.2f}",
            " to ".join(map(str, sorted(set(curve.commands)))),
            f"{sum(cell.lost for cell in own)} of {sum(cell.sent for cell in own)}",
            "FASTER" if _too_fast(curve) else "met",
        )
        rows.append(cells_of_row)
    return Table(tuple(heads), tuple(rows), right=tuple(range(len(heads) - 1)))


def shown(swarm: Swarm) -> list[Cell]:
    """Those whose steps are told: of the fewest hosts and replicas, the most replicas there, and the most of both."""
    cells = swarm.cells
    hosts, replicas = {cell.hosts for cell in cells}, {cell.replicas for cell in cells}
    wanted = [(min(hosts), min(replicas)), (min(hosts), max(replicas)), (max(hosts), max(replicas))]
    return [next(cell for cell in cells if (cell.hosts, cell.replicas) == each) for each in wanted]


def long_steps(cells: list[Cell]) -> dict[str, list[float]]:
    """Of each step that is told, how long it took in each of these cells."""
    times = {name: [dict(cell.steps).get(name, 0.0) for cell in cells] for name, _ in cells[0].steps}
    return {name: each for name, each in times.items() if max(each) > SHOWN}


def steps_table(swarm: Swarm) -> Table:
    """How long each step took in the cells that are told."""
    cells = shown(swarm)
    rows = [(name, *(f"{took:.2f} s" for took in times)) for name, times in long_steps(cells).items()]
    return Table(("step", *map(title, cells)), tuple(rows), right=tuple(range(1, len(cells) + 1)))


def title(cell: Cell) -> str:
    """So many replicas on so many hosts, in words."""
    return f"{cell.replicas} replicas on {on_hosts(cell.hosts)}"
