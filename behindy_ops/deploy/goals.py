"""What an operator may want of a service, as data: a deploy, a rollback, a restart, each with or without downtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.facts.image import Image
from behindy_ops.facts.local_image import LocalImage
from behindy_ops.facts.release import Release, is_older, moment, released_as
from behindy_ops.facts.rollback import previous_release
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service, repository
from behindy_ops.project.settings import Settings


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted.

    Attributes:
        kind: ``deploy``, ``rollback``, ``restart`` or ``recovery``, as the history has it.
        tag: the image's.
        force: redeploy what is live already; what --force may overrule is only warned of.
        watch: seconds to watch the new release after the switch; None for what the service declares.
        recreate: stop the live release before its successor starts.
        wait_drain: wait until the previous release is idle and stopped, instead of leaving that to the host.
        target: the release the host remembers that is made once more, with the files it had; None for a new one.
        images: service to the image of this machine that is sent to the host; others are pulled there.
        committed: when the commit of the image was made (ISO 8601, UTC); empty if nobody has said.
        if_newer: leave what is live if it is of a newer commit.
    """

    kind: str = "deploy"
    tag: str = "latest"
    force: bool = False
    watch: float | None = None
    recreate: bool = False
    wait_drain: bool = False
    target: Release | None = None
    images: Mapping[str, LocalImage] = field(default_factory=dict)
    committed: str = ""
    if_newer: bool = False

    def release(self, service: Service, settings: Settings, survey: Survey) -> Release:
        """Return the release to be made, as far as it is known before anything was pulled."""
        own = repository(service, settings.image_prefix)
        if self.target is not None:
            return replace(self.target, repository=self.target.repository or own, service=service.name)
        config = survey.config.get(service.name, "")
        return Release("", service.name, own, self.tag, "<digest>", "<image>", config=config, committed=self.committed)

    def image(self, survey: Survey) -> Image | None:
        """Return the image if it need not be pulled: that of a release the host remembers."""
        if self.target is None:
            return None
        return next((image for image in survey.images if image.id == self.target.image_id), None)


def commit_time(text: str, *, needed: bool = False) -> str:
    """Return the time of a commit as the host records it, from what git prints; empty for empty.

    Args:
        needed: something is to be compared with it.

    Raises:
        Kind.USAGE: it is none, or needed and not given.
    """
    remedy = 'For example: --commit-time "$(git log -1 --format=%cI)"'
    if not text:
        if needed:
            raise Kind.USAGE("--if-newer needs to know when the commit was made.", state=UNCHANGED, remedy=remedy)
        return ""
    if (found := moment(text)) is None:
        raise Kind.USAGE(f"--commit-time {text!r} is no time with its zone.", state=UNCHANGED, remedy=remedy)
    return found.isoformat(timespec="seconds")


def superseded(goal: Goal, service: Service, settings: Settings, survey: Survey) -> Release | None:
    """Return the live release that is of a newer commit, where the goal is to leave such a one; --force overrules."""
    live = survey.trio(service.name).live
    if live is None or goal.force or not goal.if_newer:
        return None
    current = released_as(live)
    return current if is_older(goal.release(service, settings, survey), current) else None


def find_target(releases: Sequence[Release], wanted: str) -> Release:
    """Return the newest release whose id, tag or digest (or its first 12 digits or more) is ``wanted``.

    Raises:
        Kind.USAGE: there is none, or it failed.
    """
    digest = wanted.removeprefix("sha256:")
    for release in releases:
        begins = len(digest) >= 12 and release.fixed.removeprefix("sha256:").startswith(digest)
        if (wanted in (release.id, release.tag) or begins) and release.status not in ("failed", "candidate"):
            return release
    raise Kind.USAGE(
        f"No earlier release of {releases[0].service if releases else 'this service'} is called {wanted!r}.",
        state=UNCHANGED,
        remedy=f"See which there are: inv deploy.releases {releases[0].service if releases else 'SERVICE'}",
    )


def rollback(
    survey: Survey, service: Service, *, to: str = "", watch: float | None = None, wait_drain: bool = False
) -> Goal:
    """Return the goal of going back to an earlier release, with the configuration it had.

    Args:
        to: release id, tag or digest; empty for the previous release.

    Raises:
        Kind.USAGE: there is no such release.
    """
    target = find_target(survey.released(service.name), to) if to else previous_release(survey, service.name)
    if target is None:
        raise Kind.USAGE(
            f"{service.name} has no previous release to go back to.",
            state=UNCHANGED,
            remedy=f"Deploy a good one: inv deploy.{service.name} --tag TAG",
        )
    if not target.digest and not any(image.id == target.image_id for image in survey.images):
        raise Kind.IMAGE_NOT_FOUND(
            f"The image of release {target.id} is no longer on the host, and it has no digest to pull.",
            state=UNCHANGED,
            remedy="Deploy it by its tag instead, or send it from a machine that has it: "
            f"inv deploy.{service.name} --from-local {target.tag}",
        )
    return Goal("rollback", target.tag, force=True, watch=watch, wait_drain=wait_drain, target=target)


def restart(survey: Survey, service: Service, *, watch: float | None = None, wait_drain: bool = False) -> Goal:
    """Return the goal of the same release in a new container, with the files it was started with.

    Raises:
        Kind.USAGE: the service is not deployed, or not by this tool.
    """
    live = survey.trio(service.name).live
    if live is None:
        raise Kind.USAGE(
            f"{service.name} is not deployed, so there is nothing to restart.",
            state=UNCHANGED,
            remedy=f"Deploy it: inv deploy.{service.name} --tag TAG",
        )
    current = released_as(live)
    for release in survey.released(service.name):
        if release.id == current.id:
            return Goal("restart", release.tag, force=True, watch=watch, wait_drain=wait_drain, target=release)
    raise Kind.USAGE(
        f"{service.name} was not started by this tool, or the files of its release are gone.",
        state=UNCHANGED,
        remedy=f"Deploy what is live once more: inv deploy.{service.name} --tag {current.tag} --force",
    )
