"""``env.check``: is the host's ``.env`` complete? By names only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from behindy_ops.checks.check import HOST, Check, Level, Problem
from behindy_ops.checks.environment import DOLLAR, NO_VALUE, PLACEHOLDER, READABLE, UNKNOWN, Values, judge
from behindy_ops.env import probe
from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.environment import Comparison
from behindy_ops.host.session import Session
from behindy_ops.project.project import Wanted
from behindy_ops.report.text import LEVEL_TONES, Line, Tone


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a ``.env``."""

    values: Values
    checks: tuple[Check, ...]

    @property
    def complete(self) -> bool:
        """Whether every service can be started with it as it is meant; an unknown name does no harm."""
        return all(check.problem is UNKNOWN or check.level is Level.OK for check in self.checks)

    def subjects(self, problem: Problem) -> list[str]:
        return [check.subject for check in self.checks if check.problem is problem]


def where(session: Session) -> str:
    """Return what the host's file is called."""
    return f"{session.settings.host_dir}/.env on {session.settings.host}"


def check(session: Session) -> Verdict:
    """Judge the host's file.

    Raises:
        Kind.HOST_NOT_READY: there is no docker compose to read it with.
        Kind.ENVIRONMENT_INVALID: docker compose cannot read it.
    """
    comparison = probe.compare(session)
    if (problem := comparison.problems.get("old")) is not None:
        require_compose(session, problem)
        raise Kind.ENVIRONMENT_INVALID(
            f"docker compose cannot read {where(session)} ({problem or 'no line given'}).",
            state=UNCHANGED,
            remedy="Fix it: inv env.edit, or push a whole one: inv env.push FILE",
        )
    values = values_of(comparison, session.project.wanted, candidate=False)
    return Verdict(values, tuple(judge(values, where(session))))


def values_of(comparison: Comparison, wanted: Wanted, *, candidate: bool) -> Values:
    """Return the host's file, or the candidate, as it is to be judged."""
    states = {name.name: name.candidate if candidate else name.host for name in comparison.names}
    return Values(
        {name: state for name, state in states.items() if state != "absent"},
        wanted.required,
        comparison.placeholders[candidate],
        wanted.known,
        mode=comparison.mode,
        present=candidate or comparison.present,
        dollars={} if candidate else comparison.dollars,
    )


def require_compose(session: Session, problem: str | None) -> None:
    """Check that docker compose is there, if it seems that it could not read a file.

    Args:
        problem: where it could not read it; with a line's number, it was there.

    Raises:
        Kind.HOST_NOT_READY: it is missing.
    """
    if problem is None or problem.startswith("line") or session.look().compose:
        return
    raise Kind.HOST_NOT_READY(
        "Docker Compose v2 does not respond on the host, and it is what reads the file.",
        state=UNCHANGED,
        remedy="Set the host up: inv host.setup",
    )


def lines(verdict: Verdict, name: str) -> list[Line]:
    """Return the verdict for people.

    Args:
        name: what the file is called.
    """
    told = [
        Line(
            check.found if check.subject == HOST else f"{check.subject}: {check.found}", LEVEL_TONES[check.level.value]
        )
        for check in verdict.checks
    ]
    remedies = [check.remedy for check in verdict.checks if check.subject == HOST]
    if verdict.subjects(NO_VALUE) or verdict.subjects(PLACEHOLDER) or verdict.subjects(DOLLAR):
        remedies.append("Set a value: inv env.set NAME")
    told += [Line(remedy, Tone.STRONG) for remedy in remedies]
    return [*told, Line(f"{name} has everything the services need.", Tone.GOOD)] if verdict.complete else told


def problem(verdict: Verdict, name: str) -> BehindyError | None:
    """Return what keeps a service from being started as it is meant, or None.

    Args:
        name: what the file is called.
    """
    if verdict.complete:
        return None
    wrong = [check for check in verdict.checks if check.level is not Level.OK and check.problem is not UNKNOWN]
    names = dict.fromkeys(check.problem.name for check in wrong if check.problem)
    return Kind.ENVIRONMENT_INVALID(f"{name}: {', '.join(names)}.", state=UNCHANGED, remedy=wrong[0].remedy)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the names by what is wrong with each, ``mode``, ``present``, ``complete``, and ``needed_by``."""
    values, lacking = verdict.values, verdict.subjects(NO_VALUE)
    empty = [name for name in lacking if name in values.states]
    missing = [name for name in lacking if name not in values.states]
    return {
        "missing": missing,
        "empty": empty,
        "placeholder": verdict.subjects(PLACEHOLDER),
        "dollar": verdict.subjects(DOLLAR),
        "unknown": verdict.subjects(UNKNOWN),
        "mode": values.mode if verdict.subjects(READABLE) else "",
        "present": values.present,
        "complete": verdict.complete,
        "needed_by": {name: list(values.required[name]) for name in (*missing, *empty)},
    }
