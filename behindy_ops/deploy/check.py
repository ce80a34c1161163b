"""``deploy.check``: the preflight alone, for people and programs. It only reads, and takes no lock."""

from __future__ import annotations

import json as json_
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Check, Level, first_refusal, ok, refusal, warning
from behindy_ops.deploy.readiness import ask_registry
from behindy_ops.errors import Kind
from behindy_ops.facts import manifest as registry
from behindy_ops.facts.leftovers import Recovery, decide
from behindy_ops.project.services import repository
from behindy_ops.report.text import Line, Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.errors import BehindyError
    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service

__all__ = ["ServiceChecks", "as_json", "as_lines", "check_services", "problem"]


@dataclass(frozen=True, slots=True)
class ServiceChecks:
    """What was found for one service."""

    service: str
    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return first_refusal(self.checks) is None


def check_services(session: Session, tag: str) -> list[ServiceChecks]:
    """Return what a deploy of the session's services would meet."""
    survey = session.look()
    return [_examine(session, service, survey, tag) for service in session.services]


def _examine(session: Session, service: Service, survey: Survey, tag: str) -> ServiceChecks:
    checks = preflight.examine(survey, service, session.settings)
    if checks[0].level is Level.REFUSAL:  # no Docker: nothing else was looked at
        return ServiceChecks(service.name, checks)
    image = f"{repository(service, session.settings.image_prefix)}:{tag}"
    told = ask_registry(session, service, survey, image)
    new = registry.new_bytes(told, image)
    checks = preflight.examine(survey, service, session.settings, new_bytes=new)
    return ServiceChecks(service.name, (*checks, image_check(told, image), leftover_check(survey, service)))


def image_check(told: registry.Manifests, image: str) -> Check:
    """Say whether the registry has the image."""
    if image in told.layers:
        return ok("image", f"the registry has {image}")
    said = told.refused.get(image, "no answer")
    if "no such manifest" in said or "manifest unknown" in said:
        return refusal(
            "image",
            f"There is no image {image}.",
            "Check --tag, and that the build has pushed it.",
            error=Kind.IMAGE_NOT_FOUND,
        )
    return warning("image", f"The registry does not tell of {image}: {said}", "A deploy will try to pull it.")


def leftover_check(survey: Survey, service: Service) -> Check:
    """Say what an interrupted run has left; the next deploy puts it in order first."""
    recovery = decide(survey.trio(service.name))
    if recovery is Recovery.NOTHING:
        return ok("leftovers", "none")
    return warning("leftovers", f"{recovery.value}.", "The next deploy does it; or now: inv deploy.recover")


def problem(found: Sequence[ServiceChecks]) -> BehindyError | None:
    """Return the first refusal, for the exit code."""
    return first_refusal([check for one in found for check in one.checks])


def as_json(found: Sequence[ServiceChecks]) -> str:
    """Return ``{"services": [{"service", "ready", "checks": [{"name", "level", "found", "remedy"}]}]}``."""
    flat = [
        {
            "service": one.service,
            "ready": one.ready,
            "checks": [
                {"name": each.name, "level": each.level.value, "found": each.found, "remedy": each.remedy}
                for each in one.checks
            ],
        }
        for one in found
    ]
    return json_.dumps({"services": flat}, ensure_ascii=False, indent=2) + "\n"


_LOOKS = {Level.OK: ("ok", Tone.PLAIN), Level.WARNING: ("!", Tone.CAREFUL), Level.REFUSAL: ("NO", Tone.BAD)}


def as_lines(found: Sequence[ServiceChecks], host: str) -> list[Line]:
    """Return the view for people; 80 columns. What is the same for all services is said once."""
    shared = _shared(found)
    lines = [Line(f"Is {host} ready for a deploy?", Tone.STRONG)]
    for check in shared:
        lines += _check_lines(check)
    for one in found:
        lines += [Line(""), Line(f"{one.service}: {'ready' if one.ready else 'not ready'}", Tone.STRONG)]
        for check in one.checks:
            if check not in shared:
                lines += _check_lines(check)
    return lines


def _shared(found: Sequence[ServiceChecks]) -> list[Check]:
    if len(found) < 2:
        return []
    return [check for check in found[0].checks if all(check in one.checks for one in found[1:])]


def _check_lines(check: Check) -> list[Line]:
    mark, tone = _LOOKS[check.level]
    head = f"  {mark:<3}{check.name:<20} "
    lines = textwrap.wrap(check.found, 79 - len(head), break_on_hyphens=False) or [""]
    told = [head + lines[0], *(" " * len(head) + line for line in lines[1:])]
    if check.remedy:
        told += textwrap.wrap(
            check.remedy, 79, initial_indent=" " * 5 + "-> ", subsequent_indent=" " * 8, break_on_hyphens=False
        )
    return [Line(text, tone) for text in told] + [Line(f"        {line}", exact=True) for line in check.lines]
