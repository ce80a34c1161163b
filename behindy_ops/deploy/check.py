"""The preflight: ``deploy.check``, which only reads and takes no lock, and the first step of every deploy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from behindy_ops.checks import files, preflight
from behindy_ops.checks.check import Check, Facts, Level, first_refusal, forced
from behindy_ops.checks.rules import BEFORE_DEPLOY
from behindy_ops.deploy.steps.pull import registry_login
from behindy_ops.deploy.steps.send import held_by, layers_command
from behindy_ops.errors import UNCHANGED, BehindyError
from behindy_ops.facts import manifest as registry
from behindy_ops.facts.local_image import LocalImage
from behindy_ops.facts.pull import runs_on
from behindy_ops.facts.release import released_as
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service, replicas, repository
from behindy_ops.report.events import Warning_
from behindy_ops.report.text import Line, Tone, entry


def truthful(problem: BehindyError | None, survey: Survey, service: Service) -> BehindyError | None:
    """Return a refusal that does not say that something is still running where nothing is deployed."""
    return problem if problem is None or survey.trio(service.name).live else problem.but(state=UNCHANGED)


def require_own(survey: Survey, service: Service) -> None:
    """Check that no other project on the host has the service's name; before anything of that name is touched.

    Raises:
        Kind.RELEASE_REFUSED: one has.
    """
    if (problem := first_refusal(files.project(Facts(survey=survey, services=(service,))))) is not None:
        raise problem.but(state=UNCHANGED)


def require_ready(
    session: Session,
    service: Service,
    survey: Survey,
    image: str,
    *,
    force: bool,
    alone: bool = False,
    local: LocalImage | None = None,
) -> None:
    """Check that the host is ready for this deploy; warnings are told, nothing is changed.

    Args:
        image: what is to be pulled or sent, or empty when it is on the host already.
        force: refusals about memory, disk and the directory are told as warnings.
        alone: the live container is stopped first, so what it uses counts as available.
        local: the image, where it is sent from this machine.

    Raises:
        BehindyError: the first refusal.
    """
    if not image:  # an earlier release comes with files of its own: what these ask nginx for says nothing of it
        survey = replace(survey, stanzas={name: replace(one, asks=()) for name, one in survey.stanzas.items()})
    with session.step("preflight", "Check that the host is ready") as step:
        checks = _examine(session, service, without_live(survey, service) if alone else survey, image, local)
        checks = forced(checks) if force else checks
        if (problem := truthful(first_refusal(checks), survey, service)) is not None:
            raise problem
        warnings = [check for check in checks if check.level is Level.WARNING]
        told = f"{len(warnings)} warning{'s' if len(warnings) != 1 else ''}" if warnings else "all ok"
        step.detail = f"{len(checks)} checks, {told}"
    for check in warnings:
        session.emit(Warning_(f"{check.found} {check.remedy}".strip()))


def _examine(
    session: Session, service: Service, survey: Survey, image: str, local: LocalImage | None
) -> tuple[Check, ...]:
    """Examine; only where the size of a whole image would not fit, ask how much of it is new.

    A whole image is more than a pull ever adds, so a disk that has room for one needs no question, which costs time.
    """
    checks = preflight.examine(survey, service, session.settings)
    if not image or not any(check.name == "disk" and check.level is Level.REFUSAL for check in checks):
        return checks
    manifests = _ask(session, service, survey, image, local)
    return preflight.examine(survey, service, session.settings, image=image, manifests=manifests)


def already_live(
    session: Session, service: Service, survey: Survey, image: str, local: LocalImage | None = None
) -> str:
    """Return the id of the live release if a deploy of ``image`` would find it live already, else an empty string.

    The registry is asked, since a tag may have moved; nothing is pulled. An image of this machine is known by its id.
    """
    live = survey.trio(service.name).live
    if live is None or not live.running:
        return ""
    release = released_as(live)
    if release.config != survey.config.get(service.name):
        return ""
    if local is not None:
        return release.id if live.image_id in (local.id, local.manifest_digest) else ""
    if not release.digest:
        return ""
    manifests = _ask_registry(session, service, survey, image, f"{release.repository}@{release.digest}")
    return release.id if registry.same(manifests, image, f"{release.repository}@{release.digest}") else ""


def _ask(
    session: Session, service: Service, survey: Survey, image: str, local: LocalImage | None
) -> registry.Manifests:
    """Ask the registry about an image; of one that is sent, this machine knows, and the host has its layers or not."""
    if local is None:
        return _ask_registry(session, service, survey, image)
    held = layers_held(session, local, survey)
    layers = {layer.diff_id: layer.size * registry.UNPACKED_TWICE for layer in local.missing(held)}
    foreign: dict[str, tuple[str, ...]] = (
        {} if runs_on(local.architecture, survey.architecture) else {image: (local.architecture,)}
    )
    return registry.Manifests({image: layers}, {}, foreign, survey.architecture, source="this machine")


def layers_held(session: Session, local: LocalImage, survey: Survey) -> int:
    """Return how many layers of a local image, from the bottom, the host has.

    Raises:
        BehindyError: it could not be asked.
    """
    return held_by(local, session.host.run(layers_command(local)).require(state=UNCHANGED), survey)


def _ask_registry(session: Session, service: Service, survey: Survey, image: str, *others: str) -> registry.Manifests:
    """Ask the registry about an image, and about others: by default those of this service that the host has."""
    settings = session.settings
    own = repository(service, settings.image_prefix)
    held = sorted({name for found in survey.images for name in found.digests if name.partition("@")[0] == own})
    registry_host, user, token = registry_login(settings, image)
    argv = script("deploy/manifests", registry_host, user, image, *(others or held))
    result = session.host.run(Command(argv, title="ask the registry", timeout=60, stdin=token))
    if not result.ok:
        return registry.Manifests({}, {image: " ".join(result.last_lines(2))})
    return registry.parse(result.stdout)


def without_live(survey: Survey, service: Service) -> Survey:
    """Return the survey as memory will be once what is live of a service is stopped."""
    lives = [survey.trio(each.name).live for each in replicas(service)]
    used = sum(survey.usage.get(live.id, 0) for live in lives if live is not None)
    memory = survey.memory | {"MemAvailable": survey.memory.get("MemAvailable", 0) + used}
    return replace(survey, memory=memory)


@dataclass(frozen=True, slots=True)
class ServiceChecks:
    """The checks of one service, and what a deploy of it would be refused as."""

    service: str
    checks: tuple[Check, ...]
    refusal: BehindyError | None


def check_services(session: Session, tag: str, images: Mapping[str, LocalImage] | None = None) -> list[ServiceChecks]:
    """Return what a deploy of the session's services would meet.

    Args:
        images: service to the image that would be sent to the host instead of being pulled there.
    """
    survey, found = session.look(), []
    for service in session.services:
        checks = _examine_with_image(session, service, survey, tag, (images or {}).get(service.name))
        found.append(ServiceChecks(service.name, checks, truthful(first_refusal(checks), survey, service)))
    return found


def _examine_with_image(
    session: Session, service: Service, survey: Survey, tag: str, local: LocalImage | None
) -> tuple[Check, ...]:
    """What an interrupted run left hurts users, but is no obstacle: a deploy begins with recovering it."""
    if preflight.docker_problem(survey) is not None:
        return preflight.examine(survey, service, session.settings)
    image = f"{repository(service, session.settings.image_prefix)}:{tag}"
    manifests = _ask(session, service, survey, image, local)
    checks = preflight.examine(
        survey, service, session.settings, chosen=BEFORE_DEPLOY, image=image, manifests=manifests
    )
    return tuple(
        replace(check, level=Level.WARNING) if check.name == "leftovers" and check.problem else check
        for check in checks
    )


def problem(found: Sequence[ServiceChecks]) -> BehindyError | None:
    """Return the first refusal, for the exit code."""
    return next((service.refusal for service in found if service.refusal is not None), None)


def as_json(found: Sequence[ServiceChecks]) -> dict[str, object]:
    """Return ``{"services": [{"service", "ready", "checks": [{"name", "level", "problem", ...}]}]}``."""
    return {
        "services": [
            {"service": one.service, "ready": one.refusal is None, "checks": [check.data() for check in one.checks]}
            for one in found
        ]
    }


_LOOKS = {Level.OK: ("ok", Tone.PLAIN), Level.WARNING: ("!", Tone.CAREFUL), Level.REFUSAL: ("NO", Tone.BAD)}


def as_lines(found: Sequence[ServiceChecks], host: str) -> list[Line]:
    """Return the view for people; 80 columns. What is the same for all services is said once."""
    shared = [check for check in found[0].checks if all(check in one.checks for one in found)] if len(found) > 1 else []
    lines = [Line(f"Is {host} ready for a deploy?", Tone.STRONG), *_lines(shared)]
    for one in found:
        ready = "not ready" if one.refusal else "ready"
        lines += [Line(""), Line(f"{one.service}: {ready}", Tone.STRONG)]
        lines += _lines([check for check in one.checks if check not in shared])
    return lines


def _lines(checks: Sequence[Check]) -> list[Line]:
    lines = []
    for check in checks:
        mark, tone = _LOOKS[check.level]
        lines += entry(f"  {mark:<3}{check.name:<20} ", check.found, tone, remedy=check.remedy, evidence=check.evidence)
    return lines
