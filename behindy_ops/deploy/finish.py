"""After the new release is proven: stop blue, tidy images, verify, record. Failures here are reported; it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from behindy_ops.deploy import commands, retention
from behindy_ops.deploy.cutover import unsteady
from behindy_ops.facts.container import Container, Image, parse_state
from behindy_ops.report.events import Warning_

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behindy_ops.deploy.cutover import Cutover
    from behindy_ops.facts.release import Release
    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Session

__all__ = ["finish", "plan_tidy"]


class _Deployment(Protocol):
    survey: Survey
    release: Release
    repository: str
    judged: str

    def history_line(self, outcome: str, reason: str = "") -> str: ...


def finish(session: Session, deployment: _Deployment, cutover: Cutover, image: Image) -> dict[str, str]:
    """Do steps 6 to 8 and return what the operator wants to know of the new release."""
    plan = plan_tidy(deployment.survey, deployment.repository, image, cutover.blue)
    tidying = session.host.begin(commands.tidy(plan.remove)) if plan.remove else None
    cutover.stop_blue()
    with session.step("tidy", "Remove old images") as step:
        step.detail = f"kept {len(plan.kept)}, removed {plan.removed_images}"
        if tidying is not None:
            result = session.host.end(tidying)
            if not result.ok:
                step.detail = "some could not be removed"
                session.emit(Warning_(f"Old images could not all be removed: {' '.join(result.last_lines(2))}"))
    return _verify(session, deployment)


def plan_tidy(survey: Survey, repository: str, pulled: Image, blue: Container | None) -> retention.Tidy:
    """Decide which images go, from what the survey saw and what was pulled since."""
    images = {image.id: image for image in survey.images}
    images = _without_moved_tags(images.values(), pulled)
    images[pulled.id] = pulled
    in_use = {container.image_id for container in survey.containers.values()}
    protected = in_use | {pulled.id} | ({blue.image_id} if blue else set())
    return retention.choose(images.values(), repository, protected)


def _without_moved_tags(images: Iterable[Image], pulled: Image) -> dict[str, Image]:
    """A pulled tag has left the image it was on when the survey looked."""
    moved = set(pulled.tags)
    return {
        image.id: Image(
            image.id,
            tuple(tag for tag in image.tags if tag not in moved),
            image.digests,
            image.created,
            image.size,
        )
        for image in images
    }


def _verify(session: Session, deployment: _Deployment) -> dict[str, str]:
    release = deployment.release
    with session.step("verify", "Verify and record") as step:
        command = commands.verify(
            session.paths, release.service, release, deployment.history_line("live"), judged=deployment.judged
        )
        result = session.host.run(command)
        lines = result.reply().values()
        container = parse_state(lines.get("state", ""))
        trouble = unsteady(container)
        memory = _memory(lines.get("memory", ""), container)
        errors = lines.get("errors") or "0"
        said = "no errors in its log" if errors == "0" else f"{errors} log line(s) with errors"
        step.detail, step.failed = ", ".join(part for part in ("steady", memory, said) if part), trouble
    if trouble:
        session.emit(Warning_(f"The new release is not steady: {trouble}. Look: inv deploy.status"))
    if not result.ok:
        session.emit(Warning_(f"The deploy stands, but it could not be recorded: {' '.join(result.last_lines(2))}"))
    return {
        "release": release.id,
        "tag": release.tag,
        "digest": release.digest,
        **_previous(deployment.survey, release, lines.get("run", "")),
        "memory_before": _memory_before(deployment.survey, release.service),
        "memory": memory,
        "available_before": _megabytes(deployment.survey.memory.get("MemAvailable", 0)),
        "available": _megabytes(int(lines.get("available") or 0) * 1024),
        "log_errors": errors,
    }


def _previous(survey: Survey, release: Release, run: str) -> dict[str, str]:
    """What to go back to, and the GitHub run that deployed it, if one did."""
    known = (old.tag for old in survey.releases if old.id == release.previous)
    return {"previous": release.previous, "previous_tag": next(known, ""), "previous_run": run}


def _memory_before(survey: Survey, service: str) -> str:
    """What the previous container used when the host was surveyed."""
    live = survey.trio(service).live
    return _memory(f"{survey.usage.get(live.id, 0)} 0", live) if live and survey.usage.get(live.id) else ""


def _megabytes(count: int) -> str:
    return f"{count // 2**20} MB" if count else ""


def _memory(text: str, container: Container | None) -> str:
    """Return ``84 of 400 MB`` from ``<usage> <inactive file cache>`` in bytes, as ``docker stats`` counts it."""
    words = text.split()
    if len(words) != 2 or container is None:
        return ""
    used = (int(words[0]) - int(words[1])) / 2**20
    limit = f" of {container.memory // 2**20}" if container.memory else ""
    return f"{used:.0f}{limit} MB"
