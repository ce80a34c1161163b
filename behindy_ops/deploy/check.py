"""``deploy.check``: the preflight alone, for people and programs. It only reads, and takes no lock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Check, Level, first_refusal
from behindy_ops.checks.rules import BEFORE_DEPLOY
from behindy_ops.deploy.readiness import ask_registry
from behindy_ops.errors import BehindyError
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service, repository
from behindy_ops.report.text import Line, Tone, entry


@dataclass(frozen=True, slots=True)
class ServiceChecks:
    """The checks of one service."""

    service: str
    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return first_refusal(self.checks) is None


def check_services(session: Session, tag: str) -> list[ServiceChecks]:
    """Return what a deploy of the session's services would meet."""
    survey = session.look()
    return [ServiceChecks(service.name, _examine(session, service, survey, tag)) for service in session.services]


def _examine(session: Session, service: Service, survey: Survey, tag: str) -> tuple[Check, ...]:
    if preflight.docker_problem(survey) is not None:
        return preflight.examine(survey, service, session.settings)
    image = f"{repository(service, session.settings.image_prefix)}:{tag}"
    manifests = ask_registry(session, service, survey, image)
    checks = preflight.examine(
        survey, service, session.settings, chosen=BEFORE_DEPLOY, image=image, manifests=manifests
    )
    return tuple(_recovered_first(check) for check in checks)


def _recovered_first(check: Check) -> Check:
    """What an interrupted run left hurts users, but is no obstacle: a deploy begins with recovering it."""
    return replace(check, level=Level.WARNING) if check.name == "leftovers" and check.problem else check


def problem(found: Sequence[ServiceChecks]) -> BehindyError | None:
    """Return the first refusal, for the exit code."""
    return first_refusal([check for service in found for check in service.checks])


def as_json(found: Sequence[ServiceChecks]) -> str:
    """Return ``{"services": [{"service", "ready", "checks": [{"name", "level", "problem", ...}]}]}``."""
    services = [
        {"service": one.service, "ready": one.ready, "checks": [check.data() for check in one.checks]} for one in found
    ]
    return json.dumps({"services": services}, ensure_ascii=False, indent=2) + "\n"


_LOOKS = {Level.OK: ("ok", Tone.PLAIN), Level.WARNING: ("!", Tone.CAREFUL), Level.REFUSAL: ("NO", Tone.BAD)}


def as_lines(found: Sequence[ServiceChecks], host: str) -> list[Line]:
    """Return the view for people; 80 columns. What is the same for all services is said once."""
    shared = [check for check in found[0].checks if all(check in one.checks for one in found)] if len(found) > 1 else []
    lines = [Line(f"Is {host} ready for a deploy?", Tone.STRONG), *_lines(shared)]
    for one in found:
        lines += [Line(""), Line(f"{one.service}: {'ready' if one.ready else 'not ready'}", Tone.STRONG)]
        lines += _lines([check for check in one.checks if check not in shared])
    return lines


def _lines(checks: Sequence[Check]) -> list[Line]:
    lines = []
    for check in checks:
        mark, tone = _LOOKS[check.level]
        lines += entry(f"  {mark:<3}{check.name:<20} ", check.found, tone, remedy=check.remedy, evidence=check.evidence)
    return lines
