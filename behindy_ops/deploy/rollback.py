"""Rolling back: the same path as a deploy, to a release the host remembers, with the configuration it had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from behindy_ops.deploy import candidate
from behindy_ops.deploy.engine import Deployment, Options
from behindy_ops.deploy.readiness import require_ready
from behindy_ops.errors import Kind
from behindy_ops.facts.release import previous_release, released_as
from behindy_ops.report.events import Decision, DeployStarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.container import Container, Image
    from behindy_ops.facts.release import Release
    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service

__all__ = ["Rollback", "find_target"]


def find_target(releases: Sequence[Release], wanted: str) -> Release:
    """Return the newest release whose id, tag or digest (or its first 12 digits or more) is ``wanted``.

    :raises Kind.USAGE: there is none, or it failed.
    """
    digest = wanted.removeprefix("sha256:")
    for release in releases:
        begins = len(digest) >= 12 and release.digest.removeprefix("sha256:").startswith(digest)
        if wanted in (release.id, release.tag) or begins:
            if release.status in ("failed", "candidate"):
                continue
            return release
    raise Kind.USAGE(
        f"No release that stood is called {wanted!r}.",
        state="Nothing was changed.",
        remedy="See what there is: inv deploy.releases SERVICE",
    )


class Rollback(Deployment):
    """Replaces a service by an earlier release of it.

    :param wanted: release id, tag or digest; empty for the previous release.
    """

    kind = "rollback"

    def __init__(self, session: Session, service: Service, survey: Survey, *, wanted: str, watch: float | None) -> None:
        self.target = self._choose(service, survey, wanted)
        super().__init__(session, service, Options(self.target.tag, force=True, watch=watch), survey)
        self.files_of = self.target.id
        self.repository = self.target.repository or self.repository

    @staticmethod
    def _choose(service: Service, survey: Survey, wanted: str) -> Release:
        if wanted:
            return find_target(survey.released(service.name), wanted)
        previous = previous_release(survey, service.name)
        if previous is None:
            raise Kind.USAGE(
                f"{service.name} has no previous release to go back to.",
                state="Nothing was changed.",
                remedy=f"Deploy a good one: inv deploy.{service.name} --tag TAG",
            )
        return previous

    def run(self) -> str:
        """Roll back; return ``live``.

        :raises BehindyError: it failed; the error says in what state the host is.
        """
        begun = self.session.clock()
        self.session.emit(DeployStarted(self.service.name, self.target.tag, self.session.settings.host, self.target.id))
        require_ready(self.session, self.service, self.survey, "", force=True)
        self._say_goal()
        image = self._image()
        self.release = replace(self._new_release(image), digest=self.target.digest, config=self.target.config)
        self.judged = self._judged()
        return self._replace(image, begun)

    def _say_goal(self) -> None:
        self.session.emit(
            Decision(f"Going back to release {self.target.id} ({self.target.tag}), as it was configured.")
        )

    def _judged(self) -> str:
        """Return the release that is left for good."""
        return released_as(self.live).id if self.live is not None else ""

    def _image(self) -> Image:
        for image in self.survey.images:
            if image.id == self.target.image_id:
                return image
        if not self.target.digest:
            raise Kind.IMAGE_NOT_FOUND(
                f"The image of release {self.target.id} is no longer on the host, and it has no digest to pull.",
                state="Nothing was changed.",
                remedy="Deploy it by its tag instead.",
            )
        return candidate.pull(self.session, f"{self.repository}@{self.target.digest}")

    def _say_what_follows(self, image: Image) -> None:
        """Nothing more to say: which release it goes back to was said."""

    def _start(self, pinned: str, begun: str) -> Container:
        return candidate.start_green(self.session, self.release, pinned, begun, files_of=self.files_of)
