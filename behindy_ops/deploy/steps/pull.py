"""Pull the image; from here it is known by its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.image import IMAGE_TEMPLATE, Image, parse_image
from behindy_ops.facts.release import released_as
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Decision

_CAUSES = {
    r"no space left on device": (
        Kind.DISK_FULL,
        "The host's disk is full: the image could not be stored.",
        "See what takes it: inv ops.disk; remove old images: inv ops.prune",
    ),
    r"denied|unauthorized|authentication required|no basic auth|toomanyrequests|forbidden": (
        Kind.REGISTRY_REFUSED,
        "The registry refused to give {image}.",
        "Check the name and the tag. {hint}",
    ),
    r"manifest unknown|not found|no such image|repository name not known": (
        Kind.IMAGE_NOT_FOUND,
        "There is no image {image}.",
        "Check --tag, BEHINDY_IMAGE_PREFIX, and that the build has pushed it.",
    ),
    r"": (
        Kind.REGISTRY_UNREACHABLE,
        "{image} could not be pulled: {how}.",
        "Try again; if it stays so, check the registry and the host's network (curl the registry from there).",
    ),
}
"""What docker says of a pull that failed, in any case, and what that means; the first that matches."""


@dataclass(frozen=True, slots=True)
class Pull(Step):
    """Pull an image onto the host; with a token, log in for this one pull.

    Attributes:
        image: by its tag or digest.
    """

    image: str
    name = "pull"
    said = "Pull {step.image}"

    def command(self, state: State) -> Command:
        registry, user, token = registry_login(state.settings)
        argv = script("deploy/pull", self.image, registry, user, IMAGE_TEMPLATE)
        return Command(argv, title=f"pull {self.image}", timeout=900, stdin=token)

    def progress(self, line: str) -> str:
        return "" if line.startswith("image ") else line

    def read(self, state: State, result: Result) -> Read:
        if not result.ok:
            return Read(state, error=_pull_error(self.image, result))
        image = parse_image(result.reply().values()["image"])
        digest = image.digest(state.release.repository)
        detail = (digest or image.id)[:19]
        state = replace(state, image=image, release=replace(state.release, image_id=image.id))
        if state.goal.target is not None:
            return Read(state, detail)
        return _compared(replace(state, release=replace(state.release, digest=digest)), image, detail)


def _compared(state: State, image: Image, detail: str) -> Read:
    """Say what the image means beside what is live; if it is the same, there is nothing to do."""
    service, live = state.service.name, state.live
    if live is None:
        told = f"First deploy of {service}: there is nothing to replace."
    elif live.image_id != image.id:
        return Read(state, detail)
    else:
        same = live.running and released_as(live).config == state.survey.config.get(service)
        if same and not state.goal.force:
            release = released_as(live)
            already = Decision(
                f"{service}:{state.goal.tag} is already live ({release.id or live.id[:12]}), with the same "
                "configuration: nothing to do. To redeploy it: --force"
            )
            facts = {"release": release.id, "digest": release.digest}
            return Read(state, detail, events=(already,), outcome="unchanged", facts=facts)
        told = f"Redeploying the same image: {'--force' if same else 'its configuration changed'}."
    return Read(state, detail, events=() if state.goal.recreate else (Decision(told),))


def registry_login(settings: Settings) -> tuple[str, str, bytes]:
    """Return the registry, user and token to log in with; empty ones without a token. The token goes to stdin only."""
    if not settings.registry_token:
        return "", "", b""
    return settings.registry, settings.registry_user, settings.registry_token.reveal().encode("utf-8")


def _pull_error(image: str, result: Result) -> BehindyError:
    """Name the cause of a failed pull from what docker said."""
    if result.exit_code == Code.REGISTRY_LOGIN:
        return result.error()
    lines, logged_in = result.last_lines(5), bool(result.command.stdin)
    hint = "Check that the token may read it." if logged_in else "If it is private, set DOCKERHUB_TOKEN."
    said = "\n".join(lines).lower()
    words = {"image": image, "how": result.how(), "hint": hint}
    kind, what, remedy = next(cause for pattern, cause in _CAUSES.items() if re.search(pattern, said))
    return kind(what.format(**words), remedy=remedy.format(**words), lines=lines)
