"""``ops.doctor``: what is wrong, the worst first, each problem once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from behindy_ops.checks.check import Check, Facts, Level, examine
from behindy_ops.checks.rules import DOCTOR


def diagnose(facts: Facts, only: Sequence[str] = ()) -> list[Check]:
    """Return every problem, the worst first.

    Args:
        only: services of interest; what is about the host, nginx, the database or the cache is told all the same.
    """
    found = [check for check in examine(DOCTOR, facts) if check.level is not Level.OK]
    names = {service.name for service in facts.services}
    told = [check for check in found if not only or check.subject in only or check.subject.split("-")[0] not in names]
    return sorted(_without_repeats(told), key=lambda check: check.level is Level.WARNING)


def _without_repeats(found: Iterable[Check]) -> list[Check]:
    """Of several checks about one subject that have the same fix, or found the same problem, the first tells all."""
    kept: list[Check] = []
    for check in found:
        twin = any(
            check.subject == other.subject
            and (check.problem == other.problem or (check.fix is not None and check.fix == other.fix))
            for other in kept
        )
        if not twin:
            kept.append(check)
    return kept
