"""Before the switch: pull, start green, check it from inside, rehearse it from outside. Users meet none of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from behindy_ops.deploy import commands
from behindy_ops.deploy.health import Look, Verdict, attempt_until, judge_inside, judge_outside
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.container import Container, Image, parse_container, parse_image, parse_state
from behindy_ops.report.events import Logs

if TYPE_CHECKING:
    from behindy_ops.facts.release import Release
    from behindy_ops.host.command import Result
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import HealthPolicy, Service

__all__ = ["check_inside", "discard", "pull", "pull_error", "rehearse", "start_green"]

_UNTOUCHED = "The live release was never touched and serves on."
_UNCHANGED = "Nothing was changed; what ran before runs on."

START_SHIELD = 4.0
"""Seconds a signal waits for Compose, which takes about one; a cancelled GitHub job leaves 7.5 in all."""

REHEARSAL_ATTEMPTS = 2
"""Attempts in a row that end with an error of the release itself, after which waiting longer is pointless."""


def pull(session: Session, image: str) -> Image:
    """Pull an image onto the host and return what it is.

    :raises Kind.IMAGE_NOT_FOUND: there is no such image.
    :raises Kind.REGISTRY_REFUSED: the login or the pull is refused.
    :raises Kind.REGISTRY_UNREACHABLE: the registry does not answer.
    """
    settings = session.settings
    token = settings.registry_token.reveal().encode("utf-8") if settings.registry_token else b""
    with session.step("pull", f"Pull {image}") as step:
        result = session.host.run(
            commands.pull(
                image,
                registry=settings.registry,
                user=settings.registry_user if token else "",
                token=token,
                on_line=lambda line: None if line.startswith("image ") else step.progress(line),
            )
        )
        if not result.ok:
            raise pull_error(image, result, logged_in=bool(token))
        found = parse_image(result.reply().values()["image"])
        step.detail = f"{found.digest(_repository(image)) or found.id}"[:19]
        return found


def _repository(image: str) -> str:
    return image.partition("@")[0] if "@" in image else image.rpartition(":")[0]


_NOT_FOUND = re.compile(r"manifest unknown|not found|no such image|repository name not known", re.IGNORECASE)
_REFUSED = re.compile(
    r"denied|unauthorized|authentication required|no basic auth|toomanyrequests|forbidden", re.IGNORECASE
)
_FULL = re.compile(r"no space left on device", re.IGNORECASE)


def pull_error(image: str, result: Result, *, logged_in: bool) -> BehindyError:
    """Name the cause of a failed pull from what docker said."""
    lines = result.last_lines(5)
    said = "\n".join(lines)
    if result.exit_code == 41:
        return Kind.REGISTRY_REFUSED(
            "The registry refused the login.",
            state=_UNCHANGED,
            remedy="Check DOCKERHUB_USERNAME and DOCKERHUB_TOKEN (expired or revoked?), and BEHINDY_REGISTRY.",
            lines=lines,
        )
    if _FULL.search(said):
        return Kind.DISK_FULL(
            "The host's disk is full: the image could not be stored.",
            state=_UNCHANGED,
            remedy="See what takes it: inv ops.disk; remove old images: inv ops.prune",
            lines=lines,
        )
    if _REFUSED.search(said):
        hint = "Check that the token may read it." if logged_in else "If it is private, set DOCKERHUB_TOKEN."
        return Kind.REGISTRY_REFUSED(
            f"The registry refused to give {image}.",
            state=_UNCHANGED,
            remedy=f"Check the name and the tag. {hint}",
            lines=lines,
        )
    if _NOT_FOUND.search(said):
        return Kind.IMAGE_NOT_FOUND(
            f"There is no image {image}.",
            state=_UNCHANGED,
            remedy="Check --tag, BEHINDY_IMAGE_PREFIX, and that the build has pushed it.",
            lines=lines,
        )
    return Kind.REGISTRY_UNREACHABLE(
        f"{image} could not be pulled: {result.how()}.",
        state=_UNCHANGED,
        remedy="Try again; if it stays so, check the registry and the host's network (curl the registry from there).",
        lines=lines,
    )


def start_green(session: Session, release: Release, image: str, begun: str, *, files_of: str = "") -> Container:
    """Start the candidate and return it, with the restart policy it is to get at the switch.

    :raises Kind.RELEASE_REFUSED: Compose or Docker could not make or start it; what was made is removed.
    """
    # Compose is not left alone in the middle: what it makes a moment later nobody would remove until the next run.
    with session.step("start", f"Start {release.service}-green") as step, session.interrupts.shielded(START_SHIELD):
        result = session.host.run(commands.start_green(session.paths, release, image, begun, files_of=files_of))
        if not result.ok:
            error = Kind.RELEASE_REFUSED(
                f"{release.service}-green could not be started: {result.how()}.",
                state=_UNTOUCHED,
                remedy="The lines below say why. Check the compose file and .env on the host.",
                lines=result.last_lines(),
            )
            raise error
        told = result.reply().values()
        green = replace(parse_container(told["state"]), restart_policy=told["policy"])
        step.detail = green.id[:12]
        return green


def check_inside(session: Session, service: Service, container: str, policy: HealthPolicy) -> Look:
    """Ask the container from inside nginx until it is healthy or has failed."""

    def attempt(_: int) -> Look:
        reply = session.host.run(commands.look_inside(service, container, policy)).reply()
        looks = [(int(code), int(curl)) for code, curl in map(str.split, reply.every("look"))]
        return judge_inside(looks, parse_state(reply.values().get("state", "")))

    return attempt_until(policy, attempt, clock=session.clock, sleep=session.sleep)


def require_inside(session: Session, service: Service, container: str) -> None:
    """Do step 3, or raise :class:`Kind.RELEASE_REFUSED` with the cause."""
    with session.step("internal", "Check health from inside nginx") as step:
        look = check_inside(session, service, container, service.health)
        if look.verdict is not Verdict.HEALTHY:
            raise Kind.RELEASE_REFUSED(
                f"{container} is not healthy: {look.reason}.",
                state=_UNTOUCHED,
                remedy="Its last log lines are above. Mend the release, or its settings in .env on the host.",
            )
        step.detail = look.reason


def rehearse(session: Session, service: Service) -> None:
    """Do step 3b: ask the public URL with the secret header that makes nginx route this one request to green.

    :raises Kind.RELEASE_REFUSED: it fails from outside though it is fine from inside.
    """
    url = public_url(session, service.rehearsal or "")
    policy = service.health

    def attempt(_: int) -> Look:
        result = session.host.run(commands.look_outside([url], policy, header=session.paths.rehearsal_header))
        return judge(result, candidate=True)

    with session.step("rehearsal", f"Rehearse through {url}") as step:
        look = attempt_until(
            policy, attempt, definite_limit=REHEARSAL_ATTEMPTS, clock=session.clock, sleep=session.sleep
        )
        if look.verdict is not Verdict.HEALTHY:
            raise Kind.RELEASE_REFUSED(
                f"{service.name}-green is fine from inside but not through {url}: {look.reason}.",
                state=_UNTOUCHED,
                remedy="Its last log lines are above. Compare how it answers with the public Host header.",
            )
        step.detail = look.reason


def public_url(session: Session, path: str) -> str:
    """Return the public URL of a path."""
    return f"https://{session.settings.domain}{path}"


def judge(result: Result, *, candidate: bool = False, address: str = "") -> Look:
    """Judge what ``look_outside`` printed.

    :param address: where the service's name must lead, unless the host has told its container's address itself.
    """
    reply = result.reply()
    told = reply.values()
    looks = [(int(code), int(curl), asked) for code, curl, asked in map(str.split, reply.every("look"))]
    code, _, curl = told.get("inside", "").partition(" ")
    return judge_outside(
        looks,
        done="ok" in told,
        candidate=candidate,
        resolved=told.get("names", "").split(),
        address=told.get("address") or address,
        inside=(int(code), int(curl)) if code else None,
    )


def discard(session: Session, service: str, container: str, release: str, *, shown: str) -> Container | None:
    """Show how a failed release is and what it said last, and remove it. Returns its last state.

    :param container: its name or id; ``shown`` is what it is called in what is told.
    """
    result = session.host.run(commands.discard(container, session.paths.release(service, release)))
    last = parse_state(result.reply().values().get("state", ""))
    logs = result.reply().every("log")
    if last is not None:
        oom = "yes" if last.oom_killed else "no"
        how = f"{last.status}, exit code {last.exit_code}, OOM-killed: {oom}, restarts: {last.restarts}"
        session.emit(Logs(f"State of {shown}", (how, f"environment names: {', '.join(sorted(last.env_names))}")))
    title = (
        f"Last {len(logs)} log line{'s' if len(logs) != 1 else ''} of {shown}" if logs else f"{shown} logged nothing"
    )
    session.emit(Logs(title, tuple(logs)))
    result.require(state="The candidate may still be there; it gets no traffic.", remedy="The next deploy removes it.")
    return last
