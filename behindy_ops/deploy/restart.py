"""``ops.restart``: the same release in a new container, the way of every deploy: nobody notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.deploy.rollback import Rollback
from behindy_ops.errors import Kind
from behindy_ops.facts.release import released_as
from behindy_ops.report.events import Decision

if TYPE_CHECKING:
    from behindy_ops.facts.release import Release
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service

__all__ = ["Restart"]


class Restart(Rollback):
    """Replaces the live container by a new one of its own release, with the files it was started with."""

    kind = "restart"

    @staticmethod
    def _choose(service: Service, survey: Survey, wanted: str) -> Release:
        del wanted  # it is always the live one
        live = survey.trio(service.name).live
        if live is None:
            raise Kind.USAGE(
                f"{service.name} is not deployed, so there is nothing to restart.",
                state="Nothing was changed.",
                remedy=f"Deploy it: inv deploy.{service.name} --tag TAG",
            )
        current = released_as(live).id
        for release in survey.released(service.name):
            if release.id == current:
                return release
        raise Kind.USAGE(
            f"{service.name} was not started by this tool, or the files of its release are gone.",
            state="Nothing was changed.",
            remedy=f"Deploy what is live once more: inv deploy.{service.name} --tag {released_as(live).tag} --force",
        )

    def _say_goal(self) -> None:
        self.session.emit(Decision(f"Restarting release {self.target.id} ({self.target.tag}) in a new container."))

    def _judged(self) -> str:
        return ""  # nobody goes away from it
