"""``ops.mem`` for people: 80 columns. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.facts.figures import MB, size
from behindy_ops.report.layout import Column, bar, heading, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.mem import NEAR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behindy_ops.views.mem import ContainerMemory, HostMemory, MemoryView

__all__ = ["TONES", "host_lines", "lines"]

TONES = {"ok": Tone.GOOD, "warning": Tone.CAREFUL, "refusal": Tone.BAD}
SMALL = 5 * MB
"""Bytes below which a process outside of containers is not listed."""


def lines(view: MemoryView) -> list[Line]:
    """The whole view."""
    return [
        *host_lines(view.host),
        Line(""),
        *_containers(view.containers),
        *_processes(view),
        *_kills(view),
        *_fits(view),
    ]


def host_lines(host: HostMemory) -> list[Line]:
    """Memory and swap, one line each."""
    used = host.used / host.total if host.total else 0.0
    swapped = host.swap_used / host.swap_total if host.swap_total else 0.0
    memory = f"{bar(used, 20)}  {size(host.used)} of {size(host.total)} used, {size(host.available)} available"
    swap = f"{bar(swapped, 20)}  {size(host.swap_used)} of {size(host.swap_total)} used"
    return [
        Line(f"memory  {memory}", Tone.CAREFUL if used > NEAR else Tone.PLAIN),
        Line(f"swap    {swap}" if host.swap_total else "swap    none", Tone.PLAIN if host.swap_total else Tone.CAREFUL),
    ]


def _containers(containers: Iterable[ContainerMemory]) -> list[Line]:
    columns = (
        Column("container", 28),
        Column("used", right=True),
        Column("limit", right=True),
        Column("", 22),
        Column("%", right=True),
        Column("OOM kills", right=True),
    )
    rows, tones = [], []
    for one in containers:
        limit = size(one.limit) if one.limit else "none"
        kills = "?" if one.oom_kills < 0 else str(one.oom_kills or "")
        rows.append((one.name, size(one.used), limit, bar(one.share, 16), f"{one.share * 100:.0f}", kills))
        near = bool(one.limit) and one.share >= NEAR
        tones.append(Tone.BAD if one.oom_kills > 0 else Tone.CAREFUL if near else Tone.PLAIN)
    return [*table(columns, rows, tones), Line("")] if rows else []


def _processes(view: MemoryView) -> list[Line]:
    shown = [one for one in view.processes if one.used >= SMALL]
    if not shown:
        return []
    columns = (Column("outside of containers", 40), Column("resident", right=True), Column("processes", right=True))
    rows = [(one.name, size(one.used), str(one.count)) for one in shown]
    return [*table(columns, rows), Line("")]


def _kills(view: MemoryView) -> list[Line]:
    told = [heading("OOM kills since boot")]
    for kill in view.oom_kills:
        where, when = kill.container or "the host itself", kill.at[:19] or "time not known"
        told += sentence(f"{when}  {where} ({kill.source})", Tone.BAD, "  ")
    if not view.oom_kills:
        told.append(Line("  none known", Tone.GOOD if view.oom_kills_counted == 0 else Tone.PLAIN))
    for text in view.unknown:
        told += sentence(text, Tone.FAINT, "  ")
    return [*told, Line("")]


def _fits(view: MemoryView) -> list[Line]:
    told = [heading("what still fits")] if view.services else []
    for one in view.services:
        told += sentence(one.found, TONES[one.level], "  ")
        if one.remedy:
            told += sentence(one.remedy, Tone.STRONG, "    ")
    return told
