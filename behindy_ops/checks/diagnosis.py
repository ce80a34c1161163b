"""``ops.doctor``: what is wrong, the worst first, each problem once. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from behindy_ops.checks.check import Check, Facts, Level, examine
from behindy_ops.checks.rules import DOCTOR


def diagnose(facts: Facts, only: Sequence[str] = ()) -> list[Check]:
    """Return every problem, the worst first.

    Args:
        only: services of interest; what is about the host, nginx, the database or the cache is told all the same.
    """
    others = [service.name for service in facts.services if only and service.name not in only]
    left_out = {container for name in others for container in facts.survey.names.trio(name)}
    kept: list[Check] = []
    for check in examine(DOCTOR, facts):
        skipped = check.level is Level.OK or check.subject in left_out or any(_tells(other, check) for other in kept)
        if not skipped:
            kept.append(check)
    return sorted(kept, key=lambda check: check.level is Level.WARNING)


def _tells(first: Check, check: Check) -> bool:
    """Whether a check that came first tells all: it found the same problem of the same subject, or has the same fix."""
    same_fix = check.fix is not None and check.fix == first.fix
    return check.subject == first.subject and (check.problem == first.problem or same_fix)
