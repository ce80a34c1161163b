"""Our deploys beside Kamal's, as a table. Pure: measurements in, lines out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["HEADINGS", "RESULTS", "Link", "Peer", "Row", "Turn", "as_markdown", "links", "render", "rows", "verdict"]

RESULTS = Path("benchmarks", "peer.md")
HEADINGS = ("`inv deploy`", "`kamal deploy`", "`kamal redeploy`", "aim", "")


@dataclass(frozen=True)
class Turn:
    """One deploy: times in seconds, and what became of the requests meanwhile."""

    seconds: float
    commands: int
    sent: int
    lost: int
    p99: float


@dataclass(frozen=True)
class Link:
    """The deploys over one link: ours, and those of Kamal's two commands."""

    ours: tuple[Turn, ...]
    deploy: tuple[Turn, ...]
    redeploy: tuple[Turn, ...]

    @property
    def sides(self) -> tuple[tuple[Turn, ...], ...]:
        return self.ours, self.deploy, self.redeploy


@dataclass(frozen=True)
class Peer:
    """One run; ``version`` is Kamal's."""

    version: str
    near: Link
    far: Link


@dataclass(frozen=True)
class Row:
    """One figure of each side, ours first; an aim for ours, and whether it is met, None where there is no aim."""

    title: str
    figures: tuple[str, str, str]
    aim: str = ""
    met: bool | None = None


def links(peer: Peer) -> tuple[tuple[str, Link], ...]:
    """Both, by what they are called."""
    return ("no delay", peer.near), ("85 ms each way", peer.far)


def rows(peer: Peer) -> list[Row]:
    """All figures, near, then far."""
    aims = (0.95, 0.45)
    return [row for (name, link), aim in zip(links(peer), aims, strict=True) for row in _link_rows(name, link, aim=aim)]


def _link_rows(name: str, link: Link, *, aim: float) -> list[Row]:
    """``aim`` is the most that our time may be of that of ``kamal deploy``."""
    ours, *theirs = (median(turn.seconds for turn in turns) for turns in link.sides)
    shares = [ours / seconds for seconds in theirs]
    return [
        Row(f"{name}: whole deploy, median of {len(link.ours)} (least to most)", _each(link, _times)),
        Row(
            f"{name}: ours as a share of theirs",
            ("", f"{shares[0]:.2f}", f"{shares[1]:.2f}"),
            f"at most {aim:g} of `kamal deploy`",
            shares[0] <= aim,
        ),
        Row(f"{name}: remote commands", _each(link, lambda turns: str(max(turn.commands for turn in turns)))),
        Row(f"{name}: requests lost at 100/s", _each(link, _losses), "0", not any(turn.lost for turn in link.ours)),
        Row(f"{name}: latency, p99", _each(link, lambda turns: f"{median(turn.p99 for turn in turns) * 1000:.0f} ms")),
    ]


def _each(link: Link, figure: Callable[[Sequence[Turn]], str]) -> tuple[str, str, str]:
    return figure(link.ours), figure(link.deploy), figure(link.redeploy)


def _times(turns: Sequence[Turn]) -> str:
    times = [turn.seconds for turn in turns]
    return f"{median(times):.1f} s ({min(times):.1f} to {max(times):.1f})"


def _losses(turns: Sequence[Turn]) -> str:
    return f"{sum(turn.lost for turn in turns)} of {sum(turn.sent for turn in turns)}"


def render(peer: Peer) -> list[str]:
    """The figures for a terminal, one paragraph a row: five columns would not fit."""
    lines = []
    for row in rows(peer):
        lines.append(f"{row.title}{f'; {row.aim}: {verdict(row)}' if row.aim else ''}")
        lines += [f"  {name:<16} {figure}" for name, figure in zip(HEADINGS, row.figures, strict=False) if figure]
    return [line.replace("`", "") for line in lines]


def as_markdown(peer: Peer) -> str:
    """The same for ``benchmarks/peer.md``."""
    cells = [(row.title, *row.figures, row.aim, verdict(row)) for row in rows(peer)]
    lines = [
        "# Beside Kamal: results of one run",
        "",
        f"Written by `./inv bench --peer` with Kamal {peer.version}; see [README.md](README.md) for what is compared.",
        "",
        f"| measured | {' | '.join(HEADINGS)} |".replace("|  |", "| |"),
        f"|{'---|' * (1 + len(HEADINGS))}",
        *(f"| {' | '.join(row)} |" for row in cells),
    ]
    return "\n".join(lines) + "\n"


def verdict(row: Row) -> str:
    """Whether its aim is met, in a word; nothing where it has none."""
    return {True: "met", False: "MISSED", None: ""}[row.met]
