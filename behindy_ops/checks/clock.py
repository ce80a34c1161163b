"""The host's clock. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Risk, ok

SKEW = 5.0
"""Seconds a host's clock may differ from ours. Certificates and tokens tolerate some 30 s (docs/design.md, "Clock
skew"), but times in logs and in the history should not need that: a clock that is set by NTP is never 5 s off."""

_SYMPTOM = "Logins and certificates fail now and then."

CLOCK_WRONG = Risk(
    "clock",
    f"more than {SKEW:.0f} s apart from ours",
    "On the machine whose clock is wrong: timedatectl; sudo timedatectl set-ntp true",
    _SYMPTOM,
)
CLOCK_ALONE = Risk(
    "clock not synchronized",
    "the host says that nothing sets its clock by NTP",
    "On the host: sudo timedatectl set-ntp true",
    _SYMPTOM,
)


def clock(facts: Facts) -> Iterable[Check]:
    """Compare the host's clock with ours, where that was done."""
    skew = facts.survey.skew
    if skew is None:
        return
    if abs(skew) > SKEW:
        found = f"The host's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours."
        yield CLOCK_WRONG.check("clock", found, evidence=(f"difference: {skew:+.0f} s",))
    elif facts.machine.synchronized is False:
        yield CLOCK_ALONE.check("clock", "The host's clock is not synchronized by NTP.")
    else:
        yield ok("clock", f"the host's differs from ours by {abs(skew):.0f} s")
