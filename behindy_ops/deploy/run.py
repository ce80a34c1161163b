"""What the tasks call: read the settings, open a session, deploy one service after the other."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops import report
from behindy_ops.deploy import plan
from behindy_ops.deploy.engine import Deployment, Options
from behindy_ops.deploy.recreate import Recreation
from behindy_ops.deploy.release import released_as
from behindy_ops.deploy.restart import Restart
from behindy_ops.deploy.rollback import Rollback
from behindy_ops.deploy.session import Session
from behindy_ops.errors import BehindyError, ConnectionLost, LeaseLost, UsageError
from behindy_ops.project import services, settings
from behindy_ops.project.paths import CHECKOUT
from behindy_ops.report.events import Decision, DeployFinished, Warning_

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from behindy_ops.facts.survey import Release, Survey
    from behindy_ops.project.services import Service
    from behindy_ops.report.renderer import Renderer

__all__ = ["deploy_services", "load_services", "recover_services", "restart_service", "roll_back"]


def load_services(root: Path) -> Mapping[str, Service]:
    """Return the services this checkout's compose file declares.

    :raises ComposeInvalid: it cannot be read.
    """
    return services.load(root / "compose" / "docker-compose.yml")


def chosen_services(root: Path, names: Sequence[str]) -> list[Service]:
    """Return the services of these names, or all in the compose file's order.

    :raises UsageError: there is no such service.
    """
    known = load_services(root)
    for name in names:
        if name not in known:
            raise UsageError(f"There is no service {name!r}.", remedy=f"There are: {', '.join(known)}.")
    return [known[name] for name in names] or list(known.values())


def duration_option(option: str, text: str) -> float | None:
    """Return the seconds an option says, or None if it is empty.

    :raises UsageError: it is no duration.
    """
    if not text:
        return None
    try:
        return services.seconds(text)
    except ValueError as error:
        raise UsageError(f"--{option} {text!r}: {error}.", remedy=f"Write such as --{option} 10s") from error


def recreates(strategy: str) -> bool:
    """Return whether a strategy stops the live release first.

    :raises UsageError: there is no such strategy.
    """
    if strategy not in ("", "blue-green", "recreate"):
        raise UsageError(f"There is no strategy {strategy!r}.", remedy="There are: blue-green (the default), recreate.")
    return strategy == "recreate"


def deploy_services(
    names: Sequence[str],
    *,
    tag: str,
    dry_run: bool,
    force: bool,
    watch: str,
    wait: str,
    json: bool,
    strategy: str = "",
    root: Path | None = None,
) -> None:
    """Deploy services in the order given, or all in the compose file's order; stop at the first that fails.

    :param watch: how long to watch, as text; empty for what the services declare.
    :param wait: how long to queue for the lock, as text.
    :param strategy: ``blue-green`` (or empty), or ``recreate`` to stop the live release first.
    :raises BehindyError: it failed; nothing after that service was touched.
    """
    root = root or CHECKOUT
    options = Options(services.validate_tag(tag), force, duration_option("watch", watch), recreates(strategy))
    waiting = duration_option("wait", wait) or 0.0
    chosen = chosen_services(root, names)
    chosen_settings = settings.load(os.environ, root, need_host=True)
    emit = report.choose(json, sys.stdout, os.environ, chosen_settings.secrets)
    with _telling(emit):
        if dry_run:
            with Session(chosen_settings, chosen, emit, os.environ) as session:
                plan.show(session, chosen, options)
            return
        _deploy_in_order(chosen, options, lambda: Session(chosen_settings, chosen, emit, os.environ), wait=waiting)


@contextlib.contextmanager
def _telling(emit: Renderer) -> Iterator[None]:
    """What the block tells is told to its end, an error that ends it included."""
    try:
        yield
    except BehindyError as error:
        error.shown = emit.failure(error)
        raise
    finally:
        emit.close()


def _deploy_in_order(
    chosen: Sequence[Service], options: Options, connect: Callable[[], Session], *, wait: float
) -> None:
    """Deploy one after the other; a connection that breaks is made anew once, and the host looked at again.

    Nothing is repeated blindly: the new session reconciles first, and a release it then finds live is not made again.
    """
    queue = _Queue(list(chosen), options)
    session = connect()
    try:
        with session:
            queue.work(session, wait=wait)
        return
    except ConnectionLost as error:
        if not session.ctx.begun:
            raise
        session.ctx.emit(Warning_(f"{error.what} Connecting again to see where the host stands."))
    _resume(queue, connect(), wait=max(wait, RECONNECT_WAIT))


def _resume(queue: _Queue, session: Session, *, wait: float) -> None:
    try:
        with session:
            queue.work(session, wait=wait)
    except BehindyError as error:
        if not session.ctx.begun:  # what it says of the host is true of this connection only
            error.state = f"The deploy of {queue.left[0].name} was under way; how far it came is not known. {_SERVES}"
            error.remedy = f"{error.remedy} Then: inv deploy.status; the next deploy puts the host in order.".strip()
        raise


_SERVES = "If the host runs, the site goes on serving."


@dataclass
class _Queue:
    """The services still to be deployed, the release that was being made of the first, and what was live before it."""

    left: list[Service]
    options: Options
    underway: str = ""
    before: str | None = None
    began: float = 0.0

    def work(self, session: Session, *, wait: float) -> None:
        names = ", ".join(service.name for service in self.left)
        survey = session.lock(f"deploy of {names}:{self.options.tag}", wait=wait)
        session.ctx.begun = True
        while self.left:
            service = self.left[0]
            survey, _ = session.reconcile(service, survey)
            live = survey.trio(service.name).live
            if self.underway and live is not None and released_as(live).id == self.underway:
                self._finished(session, released_as(live))
            else:
                self._deploy(session, service, survey)
            self.left.pop(0)
            self.underway, self.before = "", None
            if self.left:
                session.ctx.durations.clear()
                survey = session.look()

    def _finished(self, session: Session, release: Release) -> None:
        session.ctx.emit(Decision(f"{release.service}: release {release.id} is live and serves."))
        facts = {"release": release.id, "tag": release.tag, "digest": release.digest, "previous": release.previous}
        session.ctx.emit(DeployFinished(release.service, "live", session.ctx.clock() - self.began, facts))

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
        self.before, self.began = found, session.ctx.clock()
        kind = Recreation if self.options.recreate else Deployment
        deployment = kind(session.ctx, service, self.options, survey)
        try:
            deployment.run()
        finally:
            self.underway = deployment.release.id


RECONNECT_WAIT = 75.0
"""Seconds to wait for our own lost lease: a silent one ends after 60."""


def roll_back(name: str, *, to: str, watch: str, wait: str, json: bool, root: Path | None = None) -> None:
    """Go back to an earlier release of one service.

    :param to: release id, tag or digest; empty for the previous release.
    :raises BehindyError: it failed; the error says in what state the host is.
    """
    _return_to(Rollback, name, to=to, watch=watch, wait=wait, json=json, root=root)


def restart_service(name: str, *, watch: str, wait: str, json: bool, root: Path | None = None) -> None:
    """Replace the live container of a service by a new one of the same release, without downtime.

    :raises BehindyError: it failed; the error says in what state the host is.
    """
    _return_to(Restart, name, to="", watch=watch, wait=wait, json=json, root=root)


def _return_to(
    kind: type[Rollback], name: str, *, to: str, watch: str, wait: str, json: bool, root: Path | None
) -> None:
    root = root or CHECKOUT
    chosen = chosen_services(root, [name])
    watching, waiting = duration_option("watch", watch), duration_option("wait", wait) or 0.0
    chosen_settings = settings.load(os.environ, root, need_host=True)
    emit = report.choose(json, sys.stdout, os.environ, chosen_settings.secrets)
    with _telling(emit), Session(chosen_settings, chosen, emit, os.environ) as session:
        survey = session.lock(f"{kind.kind} of {name}", wait=waiting)
        survey, _ = session.reconcile(chosen[0], survey)
        kind(session.ctx, chosen[0], survey, wanted=to, watch=watching).run()


def recover_services(names: Sequence[str], *, wait: str, json: bool, root: Path | None = None) -> None:
    """Finish or undo what interrupted runs left, and record it.

    :raises BehindyError: it failed; the error says in what state the host is.
    """
    root = root or CHECKOUT
    chosen = chosen_services(root, names)
    waiting = duration_option("wait", wait) or 0.0
    chosen_settings = settings.load(os.environ, root, need_host=True)
    emit = report.choose(json, sys.stdout, os.environ, chosen_settings.secrets)
    with _telling(emit), Session(chosen_settings, chosen, emit, os.environ) as session:
        survey = session.lock("recovery", wait=waiting)
        for service in chosen:
            survey, done = session.reconcile(service, survey)
            if not done:
                there = survey.trio(service.name).live is not None
                emit(Decision(f"{service.name}: {'steady' if there else 'not deployed'}; nothing to do."))
