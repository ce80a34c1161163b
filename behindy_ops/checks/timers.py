"""Backups and renewals that the host does by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from behindy_ops.checks.check import Check, Facts, Problem, Risk, ok
from behindy_ops.facts.figures import age
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.timers import PROGRAMS, kept_up
from behindy_ops.project import cron
from behindy_ops.project.services import Service

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

JOB_OFF = Problem(
    "job not scheduled",
    "a scheduled service is deployed, and the host's timer for it is missing or switched off",
    "Put it there again: inv deploy.{subject} --tag TAG --force",
    "The job does not run.",
    users=True,
)
JOB_FAILED = Problem(
    "job failed",
    "the last run of a scheduled service failed, or took longer than its x-deploy.timeout",
    "Its log says why: inv ops.logs {subject}-run. To run it now, on the host: {program}. Go back: inv deploy.rollback "
    "{subject}",
    "What the job does was not done.",
    users=True,
)
JOB_MISSED = Problem(
    "job missed",
    "a scheduled service was due, and has not run since",
    "See that the host's timer works (systemctl list-timers, or that cron runs). To run it now, on the host: {program}",
    "What the job does was not done.",
    users=True,
)

_GRACE = 120
"""Seconds after a moment at which a job is due, in which it has begun, or is not told to be missed."""

_PLURALS = {"backup": "backups", "certs": "renewals of certificates"}
_NAMES = {"backup": "daily backup", "certs": "renewal of certificates"}


def scheduled(facts: Facts) -> Iterable[Check]:
    """Whether all of it is there, as host.check sees it."""
    done = kept_up(facts.names, facts.domain)
    what = " and ".join(_PLURALS[kind] for kind in done)
    if not done:
        return
    if facts.unscheduled:
        missing = f"{what[0].upper()}{what[1:]} do not run by themselves: {', '.join(facts.unscheduled)}."
        yield NOT_SCHEDULED.check("timers", missing)
    else:
        yield ok("timers", f"{what} run by themselves")


def jobs(facts: Facts) -> Iterable[Check]:
    """How the last run of each scheduled service went, and whether there was one when it was due."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if not service.schedule or live is None:
            continue
        timed = facts.survey.jobs.get(service.name)
        program = f"{PROGRAMS}/job-{service.name}"
        if timed is None or not timed.on:
            found = f"The host's timer for {service.name} is missing or off."
            yield JOB_OFF.check("job", found, subject=service.name, evidence=(program,))
            continue
        since = max(timed.placed, datetime.fromisoformat(live.created).timestamp() if live.created else 0.0)
        due = last_due(service, facts.survey, since=since)
        if timed.at and not timed.ok:
            yield JOB_FAILED.check(
                "job",
                f"The last run of {service.name} failed: {timed.said or f'exit code {timed.code}'}",
                subject=service.name,
                evidence=(f"it ended {age(facts.survey.now - timed.at)} ago, after {timed.seconds} s",),
                program=program,
            )
        elif due is not None and facts.survey.now - due > _GRACE + timed_out(facts, service) and timed.at < due:
            found = f"{service.name} was due {age(facts.survey.now - due)} ago, and has not run since."
            yield JOB_MISSED.check("job", found, subject=service.name, program=program)
        else:
            yield ok("job", timed.said or "has not run yet", service.name)


def last_due(service: Service, survey: Survey, *, since: float) -> float | None:
    """Return the last moment at which a job was due since one (seconds since the epoch), by the host's clock."""
    here = timezone(timedelta(seconds=survey.zone))
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=survey.now)
    due = cron.parse(service.schedule).last(now.astimezone(here))
    return due.timestamp() if due is not None and due.timestamp() > since else None


def timed_out(facts: Facts, service: Service) -> float:
    """Return how long a run that is under way may go on: until it has ended nothing is told of it."""
    run = facts.survey.containers.get(f"{service.name}-run")
    return service.timeout if run is not None and run.running else 0.0


def runs(facts: Facts) -> Iterable[Check]:
    """How the last runs went."""
    done = kept_up(facts.names, facts.domain)
    for timed in facts.timers:
        if timed.kind not in done:
            continue
        name, program, now = _NAMES.get(timed.kind, timed.name), timed.program, facts.survey.now
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
