"""What a project's own tasks and scripts call: :func:`connect`, :func:`survey` and :func:`deploy`.

They are what the tasks do, without a terminal: what they have to say is returned, or raised as a
:class:`~behindy_ops.errors.BehindyError`; what happens meanwhile is told to a listener. docs/library.md has examples.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from behindy_ops.deploy import queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.goals import commit_time as recorded_time
from behindy_ops.deploy.hooks import Hooks
from behindy_ops.facts.survey import Survey
from behindy_ops.host import session as sessions
from behindy_ops.host.command import Command
from behindy_ops.host.session import Connect, Session, silent
from behindy_ops.host.tokens import with_tokens
from behindy_ops.project.project import Project
from behindy_ops.project.services import Service, repository, validate_tag
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import DeployFinished, Event, Warning_
from behindy_ops.report.messenger import Telling, telling
from behindy_ops.views import status
from behindy_ops.views.status import ServiceStatus
from behindy_ops.views.view import as_seen, require_docker

__all__ = ["Connection", "Deployed", "HostSurvey", "connect", "deploy", "survey"]

Tell = Callable[[Event], None]
"""Is told what happens, as it happens: see :mod:`behindy_ops.report.events`."""


@dataclass(frozen=True, slots=True)
class HostSurvey:
    """What is on the host, as it was seen at one moment.

    Attributes:
        host: its name, as the settings have it.
        services: each service of the compose file, in its order.
        stanzas: its key there, to what its container is called; where they differ.
        memory_available: bytes; ``memory_total`` likewise.
        disk_free: bytes of the file system that holds Docker's data; ``disk_size`` likewise.
    """

    host: str
    services: tuple[ServiceStatus, ...]
    memory_total: int
    memory_available: int
    disk_size: int
    disk_free: int
    stanzas: Mapping[str, str] = field(default_factory=dict)

    def service(self, name: str) -> ServiceStatus:
        """Return one service, by its key in the compose file or its container's name.

        Raises:
            KeyError: there is none of this name.
        """
        for each in self.services:
            if each.service == self.stanzas.get(name, name):
                return each
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Deployed:
    """How a deploy ended that did not fail.

    Attributes:
        outcome: ``live``; ``unchanged`` where that release was live already, with the same configuration; ``older``
            where what is live is of a newer commit and stays.
        seconds: from its beginning.
        release: the id of the release that is live now.
        digest: of its image, ``sha256:...``.
        previous: the release a rollback would go back to; empty if there is none, or nothing changed.
    """

    service: str
    tag: str
    outcome: str
    seconds: float
    release: str
    digest: str
    previous: str = ""

    @property
    def changed(self) -> bool:
        """Whether there is another release than before."""
        return self.outcome == "live"


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection to the host; made by :func:`connect`, and of no use after its block."""

    _session: Session = field(repr=False)

    def survey(self) -> HostSurvey:
        """Look at the host, without the lock.

        Raises:
            Kind.HOST_NOT_READY: Docker cannot be asked.
        """
        session = self._session
        seen = session.look()
        require_docker(seen)
        return _surveyed(session, seen)

    def run(self, *argv: str, stdin: bytes = b"", timeout: float = 30.0) -> str:
        """Run a command on the host, and return what it printed on standard output.

        It runs beside whatever else is done on the host: it does not take the lock.

        Args:
            argv: program and arguments, none of which a shell reads. Everybody on the host can see them: give a secret
                by ``stdin``.
            timeout: seconds after which the host ends it.

        Raises:
            RemoteCommandFailed: it ended with another exit code than 0; the error has its last lines.
            ConnectionLost: the connection broke.
        """
        command = Command(argv, title=f"run {argv[0]}", stdin=stdin, timeout=timeout)
        return self._session.host.run(command).require().stdout


@contextlib.contextmanager
def connect(*, project: Path | str | None = None, tell: Tell = silent) -> Iterator[Connection]:
    """Connect to the project's host for as long as the block lasts.

    In the main thread, signals such as Ctrl-C are put off while it is open, to the end of a command.

    Args:
        project: its folder; None for the one around the working directory, as for the tasks.
        tell: is told what happens.

    Raises:
        BehindyError: a setting is missing, or the host does not answer or let us in; its ``kind`` says what.
    """
    found = _project(project)
    with _connector(found, found.services(), found.settings(os.environ), tell)() as session:
        yield Connection(session)


def survey(*, project: Path | str | None = None) -> HostSurvey:
    """Look at the host, without the lock; ``connect().survey()`` in one.

    Args:
        project: as for :func:`connect`.

    Raises:
        BehindyError: as :func:`connect`; or Docker cannot be asked.
    """
    with connect(project=project) as host:
        return host.survey()


def deploy(
    service: str,
    tag: str = "latest",
    *,
    force: bool = False,
    recreate: bool = False,
    watch: float | None = None,
    wait: float = 0.0,
    wait_drain: bool = False,
    now: bool = False,
    if_newer: bool = False,
    commit_time: str = "",
    project: Path | str | None = None,
    tell: Tell = silent,
) -> Deployed:
    """Replace a service without losing a request, as ``inv deploy.SERVICE`` does.

    Args:
        tag: the image's.
        force: deploy even what is live, though memory or disk seem too small, or from another directory than the last.
        recreate: stop the live release first, where two do not fit (downtime).
        watch: seconds to watch the new release after the switch; None for what the service declares.
        wait: seconds to queue for the lock.
        wait_drain: wait until the previous container is idle and stopped, which the host else does by itself.
        now: do not wait for a previous container that the host still drains: have it stopped.
        if_newer: leave what is live if the commit recorded of it is newer; it needs ``commit_time``.
        commit_time: when the image's commit was made, as ``git log -1 --format=%cI`` prints it; it is recorded.
        project: as for :func:`connect`.
        tell: is told what happens.

    Raises:
        BehindyError: it failed; the error says in what state the host is.
        LockHeld: somebody else is changing the host.
        SwitchedBack: the new release failed after the switch; the previous one serves again.
    """
    events: list[DeployFinished] = []
    told = Telling()

    def listen(event: Event) -> None:
        if isinstance(event, DeployFinished):
            events.append(event)
        told.hear(event)
        tell(event)

    goal = Goal(
        tag=validate_tag(tag),
        force=force,
        watch=watch,
        recreate=recreate,
        wait_drain=wait_drain,
        committed=recorded_time(commit_time, needed=if_newer),
        if_newer=if_newer,
    )
    found = _project(project)
    services, settings = found.services([service]), found.settings(os.environ)
    settings = with_tokens(settings, [repository(each, settings.image_prefix) for each in services])
    hooks = Hooks(found.root / "hooks", settings, listen)
    names, who = [each.name for each in services], partial(sessions.who_am_i, os.environ)
    with telling("deploy", settings, names, who=who, complain=lambda text: tell(Warning_(text)), tag=tag, heard=told):
        queue.deploy(_connector(found, services, settings, listen), services, goal, wait=wait, now=now, hooks=hooks)
    return _deployed(events[-1], tag)


def _project(folder: Path | str | None) -> Project:
    return Project.find(environ=os.environ) if folder is None else Project(Path(folder).expanduser().resolve())


def _connector(project: Project, services: list[Service], settings: Settings, tell: Tell) -> Connect:
    return lambda: sessions.open_session(project, settings, services, tell, os.environ)


def _surveyed(session: Session, seen: Survey) -> HostSurvey:
    view = status.describe(as_seen(session, seen))
    size, free = seen.disk
    total, available = (seen.memory.get(name, 0) for name in ("MemTotal", "MemAvailable"))
    stanzas = {service.stanza: service.name for service in session.services if service.stanza != service.name}
    return HostSurvey(view.host, view.services, total, available, size, free, stanzas)


def _deployed(event: DeployFinished, tag: str) -> Deployed:
    told = {name: event.facts.get(name, "") for name in ("release", "digest", "previous")}
    return Deployed(event.service, tag, event.outcome, event.seconds, **told)
