"""``deploy.history --html``: the host's history as a page, a timeline and what each deploy took. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from behindy_ops.deploy.history import MAINTENANCE
from behindy_ops.facts.figures import took
from behindy_ops.report.page import (
    SERIES,
    Bar,
    Look,
    Page,
    Row,
    Section,
    Table,
    Tile,
    Timeline,
    date,
    dates_axis,
    looks,
    seconds_axis,
)

_DRAWN = 40
"""Deploys whose steps are drawn, the newest; the table has all."""

UNENDED = "no end recorded"

LONGEST = 1e9
"""Seconds that a step may have taken; what the host's history has beyond that is none."""

_LOOKS = {
    "live": Look.GOOD,
    "refused": Look.CAREFUL,
    "switched back": Look.BAD,
    "failed": Look.BAD,
    UNENDED: Look.FAINT,
}


@dataclass(frozen=True, slots=True)
class Deed:
    """One deploy, rollback or the like.

    ``began`` and ``ended`` are in seconds since the epoch, and ``steps`` says how many each took, by name.
    """

    service: str
    kind: str
    tag: str
    who: str
    began: float
    ended: float
    outcome: str
    reason: str = ""
    environment: str = ""
    steps: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())

    @property
    def look(self) -> Look:
        return _LOOKS.get(self.outcome, Look.ONE)

    @property
    def title(self) -> str:
        return f"{self.kind} of {self.service}{f':{self.tag}' if self.tag else ''}"


def deeds(entries: Sequence[Mapping[str, Any]]) -> list[Deed]:
    """Return what was done, oldest first; what was begun and never ended is one of them.

    What the host drained by itself later is a step of the deploy it belongs to. An entry without a time is left out.
    """
    begun: dict[str, Mapping[str, Any]] = {}
    drains: dict[str, float] = {}
    told: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    for entry in entries:
        release = str(entry.get("release", ""))
        match entry.get("event"):
            case "begun":
                begun[release] = entry
            case "drained":
                drains[release] = sum(steps(entry).values())
            case _:
                told.append((begun.pop(release, entry), entry))
    told += [(entry, {**entry, "outcome": UNENDED}) for entry in begun.values()]
    made = [_deed(first, last, drains.get(str(last.get("release", "")), 0.0)) for first, last in told]
    return sorted((deed for deed in made if deed.began), key=lambda deed: deed.began)


def _deed(first: Mapping[str, Any], last: Mapping[str, Any], drained: float) -> Deed:
    about = {name: str(last.get(name, "")) for name in ("service", "kind", "who", "outcome", "reason", "environment")}
    took_each = steps(last) | ({"drain by the host": drained} if drained else {})
    tag = "" if last.get("event") == MAINTENANCE else str(last.get("tag", ""))
    return Deed(**about, tag=tag, began=_moment(first), ended=_moment(last), steps=took_each)


def steps(entry: Mapping[str, Any]) -> dict[str, float]:
    """Return how long each step of an entry took; what a later version may write there instead counts for nothing."""
    found = entry.get("seconds")
    pairs = found.items() if isinstance(found, dict) else ()
    return {str(name): float(value) for name, value in pairs if isinstance(value, int | float) and 0 <= value < LONGEST}


def _moment(entry: Mapping[str, Any]) -> float:
    try:
        moment = datetime.fromisoformat(str(entry.get("at", "")))
        return moment.timestamp() if moment.tzinfo else 0.0
    except (ValueError, OverflowError):
        return 0.0


def page(entries: Sequence[Mapping[str, Any]], target: str, service: str = "") -> Page:
    """Lay a history out.

    Args:
        entries: those of the host's file, oldest first.
        target: where it was read, for people.
        service: the only one it is about; empty for all.
    """
    found = deeds(entries)
    about = f"History of {service}" if service else "History of deploys"
    end = "Written by inv deploy.history --html. Times are UTC."
    if not found:
        return Page(
            about, f"Of {target}.", (), (Section("Nothing is recorded", ("No deploy has been made yet.",)),), end
        )
    timed = [deed for deed in found if deed.steps][-_DRAWN:]
    durations = (Section("What took how long", (_durations(timed),)),) if timed else ()
    return Page(
        about,
        f"Of {target}: {len(found)} entries, from {_date(found[0].began)} to {_date(found[-1].began)} UTC.",
        tuple(_tiles(found)),
        (
            Section("What happened when", (_timeline(found),)),
            *durations,
            Section("Everything, the newest first", (_everything(found),)),
        ),
        end,
    )


def _tiles(found: Sequence[Deed]) -> Iterator[Tile]:
    live = sum(deed.outcome == "live" for deed in found)
    refused = sum(deed.look in {Look.CAREFUL, Look.BAD} for deed in found)
    yield Tile("Went live", f"{live}", Look.GOOD if live else None)
    yield Tile("Refused or taken back", f"{refused}", Look.CAREFUL if refused else None)
    yield Tile("No end recorded", f"{sum(deed.outcome == UNENDED for deed in found)}")
    seconds = [_own(deed) for deed in found if deed.outcome == "live" and deed.steps]
    if seconds:
        yield Tile("Median time to go live", took(median(seconds)))
    yield Tile("Newest", _date(found[-1].began))


def _own(deed: Deed) -> float:
    """The seconds that somebody waited for: without what the host did by itself afterwards."""
    return sum(seconds for name, seconds in deed.steps.items() if name != "drain by the host")


def _timeline(found: Sequence[Deed]) -> Timeline:
    services = list(dict.fromkeys(deed.service for deed in found))
    rows = tuple(
        Row(
            service,
            tuple(
                Bar(deed.began, deed.ended, deed.look, f"{_date(deed.began)} {deed.title}: {deed.outcome}")
                for deed in found
                if deed.service == service
            ),
            f"{sum(deed.service == service for deed in found)}",
        )
        for service in services
    )
    counts = ", ".join(f"{row.name} {row.value}" for row in rows)
    outcomes = dict.fromkeys((deed.look, deed.outcome) for deed in found)
    table = tuple(
        (service, *(f"{sum(d.service == service and d.outcome == o for d in found)}" for _, o in outcomes))
        for service in services
    )
    return Timeline(
        "Each service over time",
        f"How often something was done to each: {counts}. A bar is as long as it lasted, and at least a mark.",
        dates_axis(found[0].began, max(deed.ended for deed in found)),
        rows,
        Table(("service", *(outcome for _, outcome in outcomes)), table, right=tuple(range(1, len(outcomes) + 1))),
        tuple(outcomes),
    )


def _durations(timed: Sequence[Deed]) -> Timeline:
    """Rows of the steps of each, one behind the other; what takes most in all has a colour of its own."""
    totals: dict[str, float] = {}
    for deed in timed:
        for name, seconds in deed.steps.items():
            if name != "drain by the host":
                totals[name] = totals.get(name, 0.0) + seconds
    most = sorted(totals, key=lambda name: -totals[name])[: len(SERIES)]
    colours = dict(looks(most))
    rows = tuple(
        Row(f"{deed.service}{f':{deed.tag}' if deed.tag else ''}", tuple(_stacked(deed, colours)), took(_own(deed)))
        for deed in reversed(timed)
    )
    longest = max(timed, key=_own)
    return Timeline(
        f"The steps of the newest {len(timed)}, the newest first",
        f"The longest was the {longest.title} on {_date(longest.began)}: {took(_own(longest))}. Steps stand one"
        " behind the other, though some ran at the same time.",
        seconds_axis(0.0, max(_own(longest), 0.1)),
        rows,
        Table(
            ("step", "in all", "in each that has it"),
            tuple(
                (name, took(totals[name]), took(totals[name] / sum(name in deed.steps for deed in timed)))
                for name in sorted(totals, key=lambda name: -totals[name])
            ),
            right=(1, 2),
        ),
        (
            *((look, name) for name, look in colours.items()),
            *(((Look.FAINT, "others"),) if len(totals) > len(most) else ()),
        ),
    )


def _stacked(deed: Deed, colours: Mapping[str, Look]) -> Iterator[Bar]:
    at = 0.0
    for name, seconds in deed.steps.items():
        if name != "drain by the host" and seconds:
            yield Bar(at, at + seconds, colours.get(name, Look.FAINT), f"{name}: {took(seconds)}")
            at += seconds


def _everything(found: Sequence[Deed]) -> Table:
    rows = tuple(
        (
            _date(deed.began, seconds=True),
            deed.title,
            deed.outcome,
            took(_own(deed)) if deed.steps else "",
            deed.who,
            deed.environment,
            deed.reason,
            ", ".join(f"{name} {took(seconds)}" for name, seconds in deed.steps.items() if seconds >= _TOLD),
        )
        for deed in reversed(found)
    )
    head = ("when (UTC)", "what", "ended", "took", "who", "environment", "why", "steps")
    kept = [number for number, _ in enumerate(head) if any(row[number] for row in rows)]
    return Table(
        tuple(head[number] for number in kept),
        tuple(tuple(row[number] for number in kept) for row in rows),
        right=tuple(place for place, number in enumerate(kept) if head[number] == "took"),
    )


_TOLD = 0.05
"""Seconds from which a step is named in the table."""


def _date(at: float, *, seconds: bool = False) -> str:
    return date(at, f"%Y-%m-%d %H:%M{':%S' if seconds else ''}")
