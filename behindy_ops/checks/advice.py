"""The one command that helps most, of all that was found. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from behindy_ops.checks.check import Check, Fix, Level

FIX = "inv ops.doctor --fix"


def helps_most(checks: Sequence[Check], tried: Sequence[Fix] = ()) -> str:
    """Return what to type first; empty if nothing is wrong.

    What hurts users now comes before what is in the way of the next deploy, and both before warnings; among equals the
    first one, since causes stand before what they cause. Where none of the worst has a command, it is the first one's
    remedy in words, and not a command against something that matters less.

    Args:
        tried: what ``ops.doctor --fix`` has applied already.
    """
    wrong = [check for check in checks if check.level is not Level.OK]
    if not wrong:
        return ""
    most = min(map(_harm, wrong))
    worst = [check for check in wrong if _harm(check) == most]
    commands = (_command(check, tried) for check in worst)
    return next((command for command in commands if command), worst[0].remedy)


def _harm(check: Check) -> int:
    """Return how bad it is; 0 is the worst. A warning about users may be wrong, so a refusal about them comes first."""
    hurts = check.problem is not None and check.problem.users
    if check.level is Level.REFUSAL:
        return 0 if hurts else 1
    return 2 if hurts else 3


def _command(check: Check, tried: Sequence[Fix]) -> str:
    if check.fix is not None and check.fix not in tried:
        return FIX
    return check.command


def closing(checks: Sequence[Check], tried: Sequence[Fix] = ()) -> str:
    """Return the sentence that a task ends with; empty if nothing is wrong."""
    command = helps_most(checks, tried)
    return f"What helps most: {command}" if command else ""
