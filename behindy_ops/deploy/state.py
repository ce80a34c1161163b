"""What a deploy knows while it is under way, as frozen data: what it wants, what it saw, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

from behindy_ops.deploy.goals import Goal
from behindy_ops.facts.container import Container
from behindy_ops.facts.image import Image
from behindy_ops.facts.local_image import LocalImage
from behindy_ops.facts.release import Release, released_as
from behindy_ops.facts.survey import Survey
from behindy_ops.project.names import Names
from behindy_ops.project.paths import HostPaths
from behindy_ops.project.services import Once, Service
from behindy_ops.project.settings import Settings

CACHED = 2.1
"""Seconds after the renames in which nginx may use the old address (docs/design.md, "Names cached by nginx")."""


class Phase(IntEnum):
    """How far a replacement is; it decides what undoes it. In the order in which they are come to."""

    UNCHANGED = 0
    BEGUN = 1
    """Its ``x-deploy.before`` runs, or has run, beside the live container that is stopped next."""
    ASIDE = 2
    """The live container has given its name away (``--strategy recreate``)."""
    STOPPED = 3
    """It was told to stop, too."""
    PREPARED = 4
    """Its ``x-deploy.before`` runs, or has run."""
    STARTED = 5
    """There is, or may be, a candidate."""
    TORN = 6
    """The renames failed and could not be undone; the next run looks how far they came."""
    NAMED = 7
    """The new release has the name, and nginx is still to be told."""
    SWITCHED = 8
    """Users meet the new release."""
    PROVEN = 9
    """It answered well from outside."""


def unknown(name: str) -> str:
    """Return what stands in a plan for what only an earlier step's answer tells: ``<digest>``."""
    return f"<{name}>"


@dataclass(frozen=True, slots=True)
class State:
    """What is known so far.

    Attributes:
        live: the container that had the name when it began.
        image: what is to be live; None until it is known.
        held: how many layers of the image that is sent the host has, from the bottom; None until it was asked.
        release: the release that is made; what is not known of it yet stands in angle brackets.
        green: the candidate; after the switch it is live.
        once: id of the container in which its ``x-deploy.before`` or ``after`` runs; empty until it is known.
        unfinished: why its ``x-deploy.after`` did not end well.
        switched: the host's uptime right after the renames (after the reload of an nginx that needs one), in ms.
        handed_over: the host drains the previous release by itself.
        serving: a sentence on what serves now, after a way back.
        incomplete: what is wrong with the service's other containers, so that it is not as it is declared.
        who: who runs this, for the history.
        now: the time by the host's clock, for what is recorded; None in a plan.
        durations: seconds that each step took so far.
    """

    service: Service
    goal: Goal
    settings: Settings
    survey: Survey
    live: Container | None
    release: Release
    image: Image | None = None
    held: int | None = None
    green: Container | None = None
    once: str = ""
    unfinished: str = ""
    switched: int | None = None
    phase: Phase = Phase.UNCHANGED
    handed_over: bool = False
    serving: str = ""
    incomplete: str = ""
    who: str = ""
    now: datetime | None = None
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def paths(self) -> HostPaths:
        return HostPaths(self.settings.host_dir)

    @property
    def local(self) -> LocalImage | None:
        """The image of this machine that is sent, if none is to be pulled."""
        return self.goal.images.get(self.service.name)

    @property
    def names(self) -> Names:
        return self.survey.names

    @property
    def blue(self) -> Container | None:
        """The previous release's container, if it runs beside the new one."""
        return None if self.goal.recreate else self.live

    @property
    def left_to_host(self) -> bool:
        """Whether the previous release is drained by the host itself once the new one is proven.

        A command that runs once it is live waits until the previous release is gone.
        """
        waits = self.goal.wait_drain or self.after is not None
        return self.blue is not None and self.blue.running and not waits

    @property
    def before(self) -> Once | None:
        """What runs before the candidate starts; a release that is made once more has had that."""
        return self.service.before if self.goal.kind == "deploy" else None

    @property
    def after(self) -> Once | None:
        """What runs once the release is live; likewise."""
        return self.service.after if self.goal.kind == "deploy" else None

    @property
    def candidate(self) -> Container:
        """The candidate, by its name where its id is not known."""
        name = f"{self.service.name}-green"
        return self.green or Container(unknown("candidate"), name, restart_policy=unknown("restart policy"))

    @property
    def stale(self) -> bool:
        """Whether the host's nginx resolves this service's name only when it loads its configuration."""
        return self.service.asked and self.service.name in self.survey.stale

    @property
    def watch(self) -> float:
        """Seconds to watch the new release after the switch."""
        if self.service.schedule:
            return 0.0
        return self.service.watch if self.goal.watch is None else self.goal.watch

    @property
    def pinned(self) -> str:
        """The image by its digest or id, so that a tag that moves meanwhile changes nothing.

        An engine whose images containerd keeps forgets the digest of one that has lost its last tag.
        """
        release, image = self.release, self.image
        if release.digest and (image is None or image.digest(release.repository) == release.digest):
            return f"{release.repository}@{release.digest}"
        return image.id if image else release.image_id

    @property
    def judged(self) -> str:
        """The id of the release that a rollback leaves, or empty: it was judged bad, and is no longer offered."""
        return released_as(self.live).id if self.goal.kind == "rollback" and self.live else ""

    @property
    def earlier(self) -> tuple[Release, ...]:
        """The releases of the service that the host remembers, newest first, without the judged one."""
        return tuple(release for release in self.survey.released(self.service.name) if release.id != self.judged)

    @property
    def name_is_shared(self) -> bool:
        """Whether the previous container keeps the name as an alias, so that the name leads to two."""
        return self.survey.answers_to(self.blue, self.service.name)

    @property
    def urls(self) -> tuple[str, ...]:
        """The public URLs that prove the service."""
        return tuple(map(self.url, self.public_paths))

    @property
    def public_paths(self) -> tuple[str, ...]:
        """The paths that prove the service from outside: its public one, and the one that reaches it itself.

        A path through another service says nothing while that one is not there (the first deploys of all), or was left
        there by a run that died before it had proven it.
        """
        service, survey = self.service, self.survey
        through = survey.trio(service.through).live if service.through else None
        statuses = {release.id: release.status for release in survey.released(service.through)}
        reachable = not service.through or (
            through is not None and through.running and statuses.get(released_as(through).id, "stands") != "candidate"
        )
        paths = (service.external if reachable else "", service.rehearsal or "")
        return tuple(dict.fromkeys(path for path in paths if path)) or (service.external,)

    def url(self, path: str) -> str:
        return self.service.url(path, self.settings.domain)

    def after_switch(self, seconds: float) -> str:
        """Return the host's uptime so many seconds after the switch, in ms, for a script; a name until it is known."""
        milliseconds = int(seconds * 1000)
        return unknown(f"switched+{milliseconds}") if self.switched is None else str(self.switched + milliseconds)

    def at(self, phase: Phase) -> State:
        """Return the state in a phase, or itself if it is further already."""
        return replace(self, phase=max(phase, self.phase))


def begin(
    service: Service,
    goal: Goal,
    settings: Settings,
    survey: Survey,
    *,
    release_id: str = unknown("release"),
    created: str = unknown("time"),
    who: str = "",
    incomplete: str = "",
) -> State:
    """Return what is known before the first step, of a host that is reconciled.

    Args:
        release_id: of the release to be made; by its name in a plan.
        created: when (ISO 8601); likewise.
    """
    live = survey.trio(service.name).live
    goal = goal if service.overlap and not service.schedule else replace(goal, recreate=not service.schedule)
    release = goal.release(service, settings, survey)
    release = replace(release, id=release_id, created=created, previous=released_as(live).id if live else "")
    image = goal.image(survey)
    return State(service, goal, settings, survey, live, release, image, incomplete=incomplete, who=who)
