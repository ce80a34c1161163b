"""The report of `inv bench --peer` as a page. Pure."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from behindy_ops.facts.figures import took
from behindy_ops.report.page import Bar, Look, Page, Row, Section, Table, Tile, Timeline, looks, seconds_axis
from sandbox.bench.peer_report import HEADINGS, links, rows, verdict
from sandbox.pages.parts import LOST_NONE, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.bench.peer_report import Link, Peer, Turn

__all__ = ["page"]

_HEADINGS = tuple(heading.replace("`", "") for heading in HEADINGS)
_SIDES = _HEADINGS[:3]


def page(peer: Peer) -> Page:
    """Lay out what `inv bench --peer` measured: our deploys beside those of Kamal's two commands, over each link."""
    figures = rows(peer)
    table = tuple((row.title, *row.figures, row.aim.replace("`", ""), verdict(row)) for row in figures)
    lost = tuple(
        (name, side, f"{number}", f"{turn.sent}", f"{turn.lost}")
        for name, link in links(peer)
        for side, number, turn in _turns(link)
        if turn.lost
    )
    losses = Table(("link", "deploy by", "round", "sent", "lost"), lost, right=(2, 3, 4)) if lost else LOST_NONE
    return Page(
        "Deploys beside Kamal's",
        f"What ./inv bench --peer measured: the same application, deployed in turns by inv deploy and by Kamal"
        f" {peer.version}, without delay and over a long link, each under 100 requests a second.",
        tuple(_tiles(peer, sum(row.met is False for row in figures))),
        (
            Section("Aims", (Table(("measured", *_HEADINGS), table, right=(1, 2, 3)),)),
            *(Section(f"Deploys, {name}", (_deploys(name, link),)) for name, link in links(peer)),
            Section("Losses", (losses,)),
        ),
        "Written by ./inv bench --peer. Times are of this one run on this one machine: compare their shares.",
    )


def _tiles(peer: Peer, missed: int) -> Iterator[Tile]:
    for name, link in links(peer):
        yield Tile(f"inv deploy, {name}", took(_middle(link.ours)))
        yield Tile(f"kamal deploy, {name}", took(_middle(link.deploy)))
    by_side = list(zip(*(link.sides for _, link in links(peer)), strict=True))
    sent = sum(turn.sent for side in by_side for turns in side for turn in turns)
    ours, *theirs = (sum(turn.lost for turns in side for turn in turns) for side in by_side)
    yield Tile("Requests sent", f"{sent:,}")
    yield Tile("Requests we lost", f"{ours:,}", Look.BAD if ours else Look.GOOD)
    yield Tile("Requests Kamal lost", f"{sum(theirs):,}")
    yield Tile("Rounds over each link", f"{len(peer.near.ours)}")
    yield Tile("Aims missed", f"{missed}", Look.BAD if missed else Look.GOOD)


def _middle(turns: tuple[Turn, ...]) -> float:
    return median(turn.seconds for turn in turns)


def _turns(link: Link) -> Iterator[tuple[str, int, Turn]]:
    """Each deploy, with who made it and in which round, in the order of the rounds."""
    for number, turns in enumerate(zip(*link.sides, strict=True), 1):
        for side, turn in zip(_SIDES, turns, strict=True):
            yield side, number, turn


def _deploys(name: str, link: Link) -> Timeline:
    """Every deploy over one link, each from its own start."""
    colours = dict(looks(_SIDES))
    told = ", ".join(f"{side} {took(_middle(turns))}" for side, turns in zip(_SIDES, link.sides, strict=True))
    every = list(_turns(link))
    return Timeline(
        f"All deploys, {name}",
        f"Each begins at 0. Medians of {len(link.ours)}: {told}.",
        seconds_axis(0.0, max(turn.seconds for _, _, turn in every)),
        tuple(
            Row(
                f"{side}, {number}",
                (Bar(0.0, turn.seconds, colours[side], f"{side}, round {number}: {took(turn.seconds)}"),),
                f"{turn.seconds:.1f} s",
            )
            for side, number, turn in every
        ),
        Table(
            ("deploy by", "round", "takes", "remote commands", "sent", "lost", "p99"),
            tuple(
                (
                    side,
                    f"{number}",
                    f"{turn.seconds:.2f} s",
                    f"{turn.commands}",
                    f"{turn.sent}",
                    f"{turn.lost}",
                    milliseconds(turn.p99),
                )
                for side, number, turn in every
            ),
            right=(1, 2, 3, 4, 5, 6),
        ),
        tuple((look, side) for side, look in colours.items()),
    )
