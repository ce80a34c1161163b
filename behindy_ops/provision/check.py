"""``host.check``: is a host fit for deploys, and what gives it what is missing? One round trip; changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence

from behindy_ops.checks import rules
from behindy_ops.checks.check import Check, Facts, Level, examine, first_refusal
from behindy_ops.facts.machine import HostFacts
from behindy_ops.host.session import Session
from behindy_ops.provision import machine
from behindy_ops.provision.recipes import SUPPORTED, recipe
from behindy_ops.report.text import ASCII, Line, Marks, Tone, entry


def check_host(session: Session) -> tuple[Check, ...]:
    """Look at the host and judge it."""
    before = session.now()
    facts = machine.look(session).compared(before, session.now())
    return findings(facts, host_dir=session.settings.host_dir)


def findings(facts: HostFacts, *, host_dir: str) -> tuple[Check, ...]:
    """Return all checks, in the order in which things depend on each other."""
    supported = SUPPORTED if recipe(facts.system, facts.version) is None else ""
    return examine(rules.HOST, Facts(survey=facts, host_dir=host_dir, machine=facts, supported=supported))


def is_ready(checks: Sequence[Check]) -> bool:
    return first_refusal(checks) is None


def as_json(checks: Sequence[Check], host: str) -> str:
    """Return ``{"host", "ready", "checks": [{"name", "level", "problem", "subject", "found", "remedy"}]}``."""
    body = {"host": host, "ready": is_ready(checks), "checks": [check.data() for check in checks]}
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def as_lines(checks: Sequence[Check], host: str, marks: Marks = ASCII) -> list[Line]:
    """Return the checks for a person, each with its remedy below it."""
    signs = {
        Level.OK: (marks.done, Tone.GOOD),
        Level.WARNING: (marks.warning, Tone.CAREFUL),
        Level.REFUSAL: (marks.failed, Tone.BAD),
    }
    column = max(len(check.name) for check in checks) + 2
    lines = []
    for check in checks:
        sign, tone = signs[check.level]
        lines += entry(f"  {sign} {check.name:<{column}}", check.found, tone, remedy=check.remedy)
    missing = sum(check.level is Level.REFUSAL for check in checks)
    careful = sum(check.level is Level.WARNING for check in checks)
    verdict = f"{missing} missing for a deploy" if missing else f"{host} is ready for a deploy"
    lines.append(
        Line(f"{verdict}{f'; {careful} more to look at' if careful else ''}.", Tone.BAD if missing else Tone.GOOD)
    )
    return lines
