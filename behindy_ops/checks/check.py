"""What the preflight finds: each check is ok, a warning or a refusal, with its figure and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["UNCHANGED", "Check", "Level", "first_refusal", "forced", "ok", "refusal", "warning"]

UNCHANGED = "Nothing was changed; what ran before runs on."


class Level(Enum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    :param name: what was looked at, in one or two words; stable, for programs.
    :param found: what was found, with the figure.
    :param remedy: what to do or type; empty when it is ok.
    :param lines: evidence, such as what a command wrote.
    :param error: what a refusal is raised as.
    :param forcible: ``--force`` makes a warning of the refusal.
    """

    name: str
    level: Level
    found: str
    remedy: str = ""
    lines: tuple[str, ...] = ()
    error: Kind = Kind.HOST_NOT_READY
    forcible: bool = False

    def problem(self) -> BehindyError:
        """Return the error for this finding."""
        return self.error(self.found, state=UNCHANGED, remedy=self.remedy, lines=self.lines)


def ok(name: str, found: str) -> Check:
    return Check(name, Level.OK, found)


def warning(name: str, found: str, remedy: str = "") -> Check:
    return Check(name, Level.WARNING, found, remedy)


def refusal(
    name: str,
    found: str,
    remedy: str,
    *,
    error: Kind = Kind.HOST_NOT_READY,
    lines: Iterable[str] = (),
    forcible: bool = False,
) -> Check:
    return Check(name, Level.REFUSAL, found, remedy, tuple(lines), error, forcible)


def forced(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks as ``--force`` leaves them: refusals about memory and disk are warnings."""
    return tuple(
        replace(check, level=Level.WARNING) if check.forcible and check.level is Level.REFUSAL else check
        for check in checks
    )


def first_refusal(checks: Iterable[Check]) -> BehindyError | None:
    """Return the first refusal's error, or None. The checks are in the order of dependence."""
    return next((check.problem() for check in checks if check.level is Level.REFUSAL), None)
