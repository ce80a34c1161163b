"""Backups and renewals that the host does by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Risk, ok

LATE = 2
"""Days without a run that went well; backups are made daily, and certificates looked at twice a day."""

NOT_SCHEDULED = Risk(
    "not scheduled",
    "the host's own timer for backups or renewals is missing, switched off, or not as host.setup makes it",
    "Have the host do it by itself: inv host.setup",
    "A backup is missing when it is needed, or a certificate expires.",
)
RUN_FAILED = Risk(
    "scheduled run failed",
    "the host's last backup or renewal by itself failed",
    "Mend what it says. To try it, on the host: {program}",
    "A backup is missing when it is needed, or a certificate expires.",
)
RUN_LATE = Risk(
    "scheduled run late",
    f"the host's last backup or renewal by itself that went well is more than {LATE} days ago",
    "To try it, on the host: {program}",
    "A backup is missing when it is needed, or a certificate expires.",
)

_NAMES = {"backup": "daily backup", "certs": "renewal of certificates"}


def scheduled(facts: Facts) -> Iterable[Check]:
    """Whether all of it is there, as host.check sees it."""
    if facts.unscheduled:
        what = "Backups and renewals do" if facts.names.database else "Renewals of certificates do"
        yield NOT_SCHEDULED.check("timers", f"{what} not run by themselves: {', '.join(facts.unscheduled)}.")
    else:
        what = "backups and renewals" if facts.names.database else "renewals of certificates"
        yield ok("timers", f"{what} run by themselves")


def runs(facts: Facts) -> Iterable[Check]:
    """How the last runs went."""
    for timed in facts.timers:
        if timed.name == "backup" and facts.names.database is None:
            continue
        name, program, now = _NAMES.get(timed.name, timed.name), timed.program, facts.survey.now
        days = (now - (timed.good or timed.placed)) / 86400
        if not timed.on:
            yield NOT_SCHEDULED.check("timers", f"The host's {name} is not scheduled.", evidence=(program,))
        elif not timed.ok:
            last = f"{(now - timed.good) / 86400:.1f} days ago" if timed.good else "never"
            found = f"The host's {name} failed: {timed.said or 'it does not say why'}"
            yield RUN_FAILED.check("timers", found, evidence=(f"last one that went well: {last}",), program=program)
        elif days > LATE:
            since = "never ran" if not timed.good else f"has not run well for {days:.1f} days"
            yield RUN_LATE.check("timers", f"The host's {name} {since}.", program=program)
        else:
            yield ok("timers", f"{name}: {timed.said or 'has not run yet'}")
