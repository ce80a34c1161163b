"""The preflight as a step: examine what was surveyed, ask the registry where that decides, tell, refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Check, Level, first_refusal, forced
from behindy_ops.deploy.steps.pull import registry_login
from behindy_ops.errors import STILL_RUNNING, Interrupted
from behindy_ops.facts import manifest as registry
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service, repository
from behindy_ops.report.events import Warning_


def require_ready(
    session: Session, service: Service, survey: Survey, image: str, *, force: bool, alone: bool = False
) -> None:
    """Check that the host is ready for this deploy; warnings are told, nothing is changed.

    Args:
        image: what is to be pulled, or empty when it is on the host already.
        force: refusals about memory and disk are told as warnings.
        alone: the live container is stopped first, so what it uses counts as available.

    Raises:
        BehindyError: the first refusal.
    """
    with session.step("preflight", "Check that the host is ready") as step:
        try:
            checks = _examine(session, service, without_live(survey, service) if alone else survey, image)
        except Interrupted as error:
            raise error.but(state=STILL_RUNNING) from error
        checks = forced(checks) if force else checks
        problem = first_refusal(checks)
        if problem is not None:
            raise problem
        step.detail = summary(checks)
    for check in checks:
        if check.level is Level.WARNING:
            session.emit(Warning_(f"{check.found} {check.remedy}".strip()))


def _examine(session: Session, service: Service, survey: Survey, image: str) -> tuple[Check, ...]:
    """Examine; only where the size of a whole image would not fit, ask the registry how much of it is new.

    A whole image is more than a pull ever adds, so a disk that has room for one needs no question, which costs time.
    """
    checks = preflight.examine(survey, service, session.settings)
    if not image or not any(check.name == "disk" and check.level is Level.REFUSAL for check in checks):
        return checks
    manifests = ask_registry(session, service, survey, image)
    return preflight.examine(survey, service, session.settings, image=image, manifests=manifests)


def ask_registry(session: Session, service: Service, survey: Survey, image: str) -> registry.Manifests:
    """Ask the registry about an image, and about those of this service that the host has."""
    settings = session.settings
    own = repository(service, settings.image_prefix)
    held = sorted({name for found in survey.images for name in found.digests if name.partition("@")[0] == own})
    registry_host, user, token = registry_login(settings)
    argv = script("deploy/manifests", registry_host, user, image, *held)
    result = session.host.run(Command(argv, title="ask the registry", timeout=60, stdin=token))
    if not result.ok:
        return registry.Manifests({}, {image: " ".join(result.last_lines(2))})
    return registry.parse(result.stdout)


def without_live(survey: Survey, service: Service) -> Survey:
    """Return the survey as memory will be once the live container of a service is stopped."""
    live = survey.trio(service.name).live
    used = survey.usage.get(live.id, 0) if live else 0
    memory = survey.memory | {"MemAvailable": survey.memory.get("MemAvailable", 0) + used}
    return replace(survey, memory=memory)


def summary(checks: Sequence[Check]) -> str:
    """Return ``17 checks, 1 warning``."""
    warnings = sum(check.level is Level.WARNING for check in checks)
    told = f", {warnings} warning{'s' if warnings != 1 else ''}" if warnings else ", all ok"
    return f"{len(checks)} checks{told}"
