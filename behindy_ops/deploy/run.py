"""What the deploy tasks call: deploy one service after the other, go back, restart, put in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.deploy import plan
from behindy_ops.deploy.engine import Deployment
from behindy_ops.deploy.recover import reconcile
from behindy_ops.deploy.recreate import Recreation
from behindy_ops.errors import BehindyError, ConnectionLost, LeaseLost
from behindy_ops.facts.release import released_as
from behindy_ops.report.events import Decision, DeployFinished, Warning_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.deploy.engine import Options
    from behindy_ops.deploy.rollback import Rollback
    from behindy_ops.facts.release import Release
    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Connect, Session
    from behindy_ops.project.services import Service

__all__ = ["deploy", "recover", "return_to", "show_plan"]


def show_plan(connect: Connect, services: Sequence[Service], options: Options) -> None:
    """Report what a deploy would do; changes nothing."""
    with connect() as session:
        plan.show(session, services, options)


def deploy(connect: Connect, services: Sequence[Service], options: Options, *, wait: float = 0.0) -> None:
    """Deploy services in the order given; stop at the first that fails.

    A connection that breaks is made anew once, and the host looked at again. Nothing is repeated blindly: the new
    session reconciles first, and a release it then finds live is not made again.

    Args:
        connect: opens a session on the host.
        services: what to deploy.
        options: how.
        wait: seconds to queue for the lock.

    Raises:
        BehindyError: it failed; nothing after that service was touched.
    """
    queue = _Queue(list(services), options)
    try:
        with connect() as session:
            queue.work(session, wait=wait)
        return
    except ConnectionLost as error:
        if not queue.begun:
            raise
        session.emit(Warning_(f"{error.what} Connecting again to see where the host stands."))
    _resume(queue, connect, wait=max(wait, RECONNECT_WAIT))


def _resume(queue: _Queue, connect: Connect, *, wait: float) -> None:
    queue.begun = False
    try:
        with connect() as session:
            queue.work(session, wait=wait)
    except BehindyError as error:
        if queue.begun:
            raise
        raise error.but(  # what it says of the host is true of this connection only
            state=f"The deploy of {queue.left[0].name} was under way; how far it came is not known. {_SERVES}",
            remedy=f"{error.remedy} Then: inv deploy.status; the next deploy puts the host in order.".strip(),
        ) from error


_SERVES = "If the host runs, the site goes on serving."


@dataclass
class _Queue:
    """The services still to be deployed, the release that was being made of the first, and what was live before it."""

    left: list[Service]
    options: Options
    underway: str = ""
    before: str | None = None
    began: float = 0.0
    begun: bool = False

    def work(self, session: Session, *, wait: float) -> None:
        names = ", ".join(service.name for service in self.left)
        survey = session.lock(f"deploy of {names}:{self.options.tag}", wait=wait)
        self.begun = True
        while self.left:
            service = self.left[0]
            survey, _ = reconcile(session, service, survey)
            live = survey.trio(service.name).live
            if self.underway and live is not None and released_as(live).id == self.underway:
                self._finished(session, released_as(live))
            else:
                self._deploy(session, service, survey)
            self.left.pop(0)
            self.underway, self.before = "", None
            if self.left:
                session.durations.clear()
                survey = session.look()

    def _finished(self, session: Session, release: Release) -> None:
        session.emit(Decision(f"{release.service}: release {release.id} is live and serves."))
        facts = {"release": release.id, "tag": release.tag, "digest": release.digest, "previous": release.previous}
        session.emit(DeployFinished(release.service, "live", session.clock() - self.began, facts))

    def _deploy(self, session: Session, service: Service, survey: Survey) -> None:
        live = survey.trio(service.name).live
        found = live.id if live else ""
        if self.before not in (None, found):
            theirs = f"{released_as(live).tag} is live" if live else "There is none now"
            raise LeaseLost(
                f"While the connection was down somebody else changed {service.name}.",
                state=f"{theirs}; this run has changed nothing since.",
                remedy=f"See it: inv deploy.history {service.name}. Still wanted? Deploy yours again.",
            )
        self.before, self.began = found, session.clock()
        kind = Recreation if self.options.recreate else Deployment
        deployment = kind(session, service, self.options, survey)
        try:
            deployment.run()
        finally:
            self.underway = deployment.release.id


RECONNECT_WAIT = 75.0
"""Seconds to wait for our own lost lease: a silent one ends after 60."""


def return_to(
    kind: type[Rollback], connect: Connect, service: Service, *, to: str, watch: float | None, wait: float = 0.0
) -> None:
    """Go back to an earlier release of one service, or replace its live container by a new one of the same release.

    Args:
        kind: ``Rollback`` or ``Restart``.
        connect: opens a session on the host.
        service: which.
        to: release id, tag or digest; empty for the previous release.
        watch: seconds to watch the new container after the switch; None for what the service declares.
        wait: seconds to queue for the lock.

    Raises:
        BehindyError: it failed; the error says in what state the host is.
    """
    with connect() as session:
        survey = session.lock(f"{kind.kind} of {service.name}", wait=wait)
        survey, _ = reconcile(session, service, survey)
        kind(session, service, survey, wanted=to, watch=watch).run()


def recover(connect: Connect, services: Sequence[Service], *, wait: float = 0.0) -> None:
    """Finish or undo what interrupted runs left, and record it.

    Raises:
        BehindyError: it failed; the error says in what state the host is.
    """
    with connect() as session:
        survey = session.lock("recovery", wait=wait)
        for service in services:
            survey, done = reconcile(session, service, survey)
            if not done:
                there = survey.trio(service.name).live is not None
                session.emit(Decision(f"{service.name}: {'steady' if there else 'not deployed'}; nothing to do."))
