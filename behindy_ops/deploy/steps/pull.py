"""Pull the image; from here it is known by its digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.schedule import scheduled_as
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.figures import size
from behindy_ops.facts.image import IMAGE_TEMPLATE, Image, parse_image
from behindy_ops.facts.pull import PULLED, cause, layers_told, note_bytes, note_layer, runs_on
from behindy_ops.facts.release import Labels, released_as
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.registries import DOCKER_HUB, registry_of
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Decision

REFUSED_LOGIN = "Check the registry's user and token (expired or revoked?) in the settings, or in pyproject.toml."


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
        registry, user, token = registry_login(state.settings, self.image)
        argv = script("deploy/pull", self.image, registry, user, IMAGE_TEMPLATE)
        return Command(argv, title=f"pull {self.image}", timeout=900, stdin=token)

    def progress(self, line: str) -> str:
        return "" if line.startswith("image ") else line

    def follow(self) -> Callable[[str], str]:
        layers: dict[str, str] = {}
        sizes: dict[str, tuple[float, float]] = {}

        def take(line: str) -> str:
            about = note_bytes(sizes, line) or note_layer(layers, line)
            return layers_told(layers, sizes) if about else self.progress(line)

        return take

    def read(self, state: State, result: Result) -> Read:
        if not result.ok:
            return Read(state, error=_pull_error(self.image, result))
        image = parse_image(result.reply().values()["image"])
        host = state.survey.architecture
        if not state.goal.force and (error := foreign(image.architecture, self.image, host, "push it")) is not None:
            return Read(state, error=error)
        digest = image.digest(state.release.repository)
        detail = f"{(digest or image.id)[:19]}{_pulled(result.stdout, image.size)}"
        state = replace(state, image=image, release=replace(state.release, image_id=image.id))
        if state.goal.target is not None:
            return Read(state, detail)
        return compared(replace(state, release=replace(state.release, digest=digest)), image, detail)


def _pulled(said: str, size_: int) -> str:
    """Return what was pulled of how much, or nothing if the host had it all."""
    layers: dict[str, str] = {}
    for line in said.splitlines():
        note_layer(layers, line)
    new = sum(state == PULLED for state in layers.values())
    return f", {new} of {len(layers)} layers new, {size(size_)}" if new else ""


def compared(state: State, image: Image, detail: str) -> Read:
    """Say what the image means beside what is live; if it is the same, there is nothing to do."""
    service, live = state.service.name, state.live
    if live is None:
        told = f"First deploy of {service}: there is nothing to replace."
    elif live.image_id != image.id:
        return Read(state, detail)
    else:
        scheduled = scheduled_as(state.service)
        there = scheduled == live.labels.get(Labels.schedule, "") and (live.running or scheduled != "")
        same = there and released_as(live).config == state.survey.config.get(service)
        same = same and not state.incomplete
        if same and not state.goal.force:
            release = released_as(live)
            already = Decision(
                f"{service}:{state.goal.tag} is already live ({release.id or live.id[:12]}), with the same "
                "configuration: nothing to do. To redeploy it: --force"
            )
            facts = {"release": release.id, "digest": release.fixed}
            return Read(state, detail, events=(already,), outcome="unchanged", facts=facts)
        why = "--force" if same else state.incomplete or "its configuration changed"
        told = f"Redeploying the same image: {why}."
    return Read(state, detail, events=() if state.goal.recreate else (Decision(told),))


def registry_login(settings: Settings, image: str) -> tuple[str, str, bytes]:
    """Return the registry, user and token an image needs; empty ones without a token. The token goes to stdin only."""
    login = settings.login(image)
    if login is None or not login.token:
        return "", "", b""
    return login.registry, login.user, login.token.reveal().encode("utf-8")


def _pull_error(image: str, result: Result) -> BehindyError:
    """Name the cause of a failed pull from what docker said."""
    lines = result.last_lines(5)
    found = cause("\n".join(lines), image, logged_in=bool(result.command.stdin))
    if result.exit_code == Code.REGISTRY_LOGIN and (found is None or found.kind is Kind.REGISTRY_REFUSED):
        return result.error(remedy=REFUSED_LOGIN) if registry_of(image) != DOCKER_HUB else result.error()
    if found is None:
        return Kind.REGISTRY_UNREACHABLE(
            f"{image} could not be pulled: {result.how()}.",
            remedy="Try again; if it stays so, ask the registry from the host: curl -sSI https://<registry>/v2/",
            lines=lines,
        )
    return found.kind(found.what, remedy=found.remedy, lines=lines)


def foreign(built_for: str, name: str, host: str, then: str) -> BehindyError | None:
    """Refuse an image that was built for another architecture: it would end at once, with "exec format error".

    Args:
        then: how it gets to the host once it is built.
    """
    if runs_on(built_for, host):
        return None
    return Kind.IMAGE_NOT_FOUND(
        f"{name} is built for {built_for}, and the host is {host}: it could not start there.",
        remedy=f"Build it for linux/{host} (docker build --platform) and {then}; to try it anyway: --force",
    )
