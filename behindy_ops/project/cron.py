"""When a scheduled service runs: cron's five fields, as systemd's calendar has them, and when they last came. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SEARCHED = 366 * 8
"""Days in which whatever comes at all comes: a 29th of February may be eight years away."""


@dataclass(frozen=True, slots=True)
class Cron:
    """What the fields say.

    Attributes:
        text: the five fields, one space apart.
        weekdays: 0 to 6, Sunday first.
        either: a day of the month or of the week is enough, since neither field begins with ``*``.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either: bool

    def calendar(self) -> tuple[str, ...]:
        """Return what systemd's ``OnCalendar`` is to be; two lines where either day is enough."""
        at = f"{_listed(self.hours, 24)}:{_listed(self.minutes, 60)}:00"
        months, days = _listed(self.months, 12), _listed(self.days, 31)
        on = "" if len(self.weekdays) == 7 else f"{','.join(_DAYS[day] for day in self.weekdays)} "
        if self.either:
            return f"*-{months}-{days} {at}", f"{on}*-{months}-* {at}"
        return (f"{on}*-{months}-{days} {at}",)

    def last(self, before: datetime) -> datetime | None:
        """Return the last moment at or before one, in its own time zone, at which it was due."""
        for back in range(_SEARCHED):
            day = before - timedelta(days=back)
            if not self._comes_on(day):
                continue
            for hour in reversed(self.hours):
                for minute in reversed(self.minutes):
                    moment = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
                    if moment <= before:
                        return moment
        return None

    def _comes_on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (of_month or of_week) if self.either else (of_month and of_week)


def parse(text: str) -> Cron:
    """Read ``0 3 * * *``, ``*/15 8-18 * * 1-5`` and the like.

    Raises:
        ValueError: it is not such a text, or a date that never comes.
    """
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError("write cron's five fields: minute, hour, day, month, weekday, such as 0 3 * * *")
    values = [_values(field, *known) for field, known in zip(fields, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = values
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    if not either and min(days) > max(_LONGEST[month - 1] for month in months):
        raise ValueError("that date never comes")
    folded = tuple(sorted({day % 7 for day in weekdays}))
    return Cron(" ".join(fields), minutes, hours, days, months, folded, either)


def _values(field: str, name: str, least: int, most: int) -> tuple[int, ...]:
    values: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([1-9][0-9]?))?", part)
        if match is None:
            raise ValueError(f"{part!r} is no {name}; write a number, a-b, a list of those, or * (with /step)")
        first = int(match[1]) if match[1] else least
        last = int(match[2]) if match[2] else first if match[1] and not match[3] else most
        if not least <= first <= last <= most:
            raise ValueError(f"{part!r} is no {name}: from {least} to {most}")
        values |= set(range(first, last + 1, int(match[3] or 1)))
    return tuple(sorted(values))


def _listed(values: tuple[int, ...], all_of_them: int) -> str:
    return "*" if len(values) == all_of_them else ",".join(map(str, values))
