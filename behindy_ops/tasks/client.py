"""This side of a task: the project, its settings, and who is told what happens; sessions are opened from here."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, Kind, SwarmFound
from behindy_ops.project.project import Project
from behindy_ops.tasks import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service
    from behindy_ops.project.settings import Settings
    from behindy_ops.report.events import Event
    from behindy_ops.report.messenger import Telling


@dataclass(frozen=True)
class Client:
    """What a task works with.

    Attributes:
        services: those the task is about.
        emit: is told what happens.
        listeners: are told, too.
        quiet: nobody is shown what is told to ``emit``.
        json: standard output is a program's.
    """

    project: Project
    settings: Settings
    services: list[Service]
    emit: Callable[[Event], None]
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    quiet: bool = False
    json: bool = False

    def connect(self) -> AbstractContextManager[Session]:
        """Open a session on the host."""
        from behindy_ops.deploy.engines.choice import network
        from behindy_ops.host.session import open_session

        find = network(self.settings, self.project.names)
        return open_session(self.project, self.settings, self.services, self.emit, os.environ, find=find)

    def reach(self, settings: Settings) -> AbstractContextManager[Session]:
        """Open a session on another host, which is about no service."""
        from behindy_ops.host.session import open_session

        return open_session(self.project, settings, (), self.emit, os.environ)

    @property
    def _place(self) -> str:
        return f"{self.settings.environment or 'production'} ({self.settings.host})"

    def confirm(self, what: str, *, yes: bool) -> None:
        """Ask before the host is changed, where BEHINDY_CONFIRM says so and there is a terminal.

        Args:
            what: is to be done, such as ``Deploy frontend``.
            yes: the answer was given on the command line.

        Raises:
            Kind.INTERRUPTED: the answer was no.
        """
        from behindy_ops.deploy.engines.choice import begun_before

        if self.settings.confirm and not begun_before():
            ask.confirm(f"{what} on {self._place}?", yes=yes, json=self.json)

    @contextlib.contextmanager
    def telling(self, task: str, tag: str = "") -> Iterator[Telling]:
        """Tell the webhooks of the settings, if there are any, how the block ended; nothing of that fails the task.

        Args:
            task: as :class:`behindy_ops.report.message.About` has it.
            tag: that is wanted.
        """
        from behindy_ops.host.session import who_am_i
        from behindy_ops.report.messenger import telling

        names = [service.name for service in self.services]
        who = partial(who_am_i, os.environ)
        with telling(task, self.settings, names, who=who, complain=self._complain, tag=tag) as told:
            self.listeners.append(told.hear)
            yield told

    def require_webhooks(self) -> None:
        """Check that there is somebody to tell.

        Raises:
            Kind.SETTINGS: there is not.
        """
        if not self.settings.notify_urls:
            raise Kind.SETTINGS(
                "There is nobody to tell: BEHINDY_NOTIFY_URL is not set.",
                remedy="Set it to the address of a webhook, or leave out --notify.",
            )

    def _complain(self, sentence: str) -> None:
        from behindy_ops.report.events import Warning_

        if self.quiet:
            print(sentence, file=sys.stderr, flush=True)
        else:
            self.emit(Warning_(sentence))

    def asker(self, task: str, yes: bool) -> Callable[[str], bool]:
        """Return what asks a task's own questions, as :func:`ask.asker`; they name the environment and the host."""
        named = self.settings.confirm or self.settings.environment
        return ask.asker(task, yes, self._place if named else "", json=self.json)


def here() -> Project:
    """Return the project around the working directory, or the one that the environment names.

    Raises:
        Kind.SETTINGS: what names another does not name a folder.
    """
    return Project.find(environ=os.environ)


@contextlib.contextmanager
def client(
    *names: str, services: bool = True, pulls: bool = False, json: bool = False, quiet: bool = False
) -> Iterator[Client]:
    """Give a task what it works with; people are told of an error that ends it by the same listener.

    Args:
        names: the services it is about; none for all.
        services: whether it is about services at all; else the compose file is not read.
        pulls: whether it may ask the services' registries, so that commands of this machine are asked for their tokens.
        json: standard output is a program's: tell events as JSON, one a line.
        quiet: tell nothing: the task prints what it has in the end.

    Raises:
        Kind.SETTINGS: a setting is missing or wrong.
        Kind.USAGE: there is no such service.
        Kind.REGISTRY_REFUSED: a login command gave no token.
    """
    from behindy_ops import report
    from behindy_ops.deploy.engines.choice import engine, settled
    from behindy_ops.host.session import silent

    project = here()
    declared = project.services([name for name in names if name]) if services else ()
    settings = settled(project.settings(os.environ))
    chosen = [engine(settings).shaped(service) for service in declared]
    if pulls and settings.registries:
        from behindy_ops.host.tokens import with_tokens
        from behindy_ops.project.services import repository

        settings = with_tokens(settings, [repository(service, settings.image_prefix) for service in chosen])
    if quiet:
        with _finding(settings):
            yield Client(project, settings, chosen, silent, quiet=True, json=json)
        return
    shown = report.choose(json, sys.stdout, os.environ, settings.secrets, settings.environment)
    listeners: list[Callable[[Event], None]] = []

    def emit(event: Event) -> None:
        shown(event)
        for listen in listeners:
            listen(event)

    try:
        with _finding(settings):
            yield Client(project, settings, chosen, emit, listeners, json=json)
    except BehindyError as error:
        if not isinstance(error, SwarmFound) and not json and shown.failure(error):  # people have seen it
            raise SystemExit(error.exit_code) from error
        raise
    finally:
        shown.close()


@contextlib.contextmanager
def _finding(settings: Settings) -> Iterator[None]:
    """Remember that the host manages a swarm, where that is what it turns out to do; the task is begun once more."""
    from behindy_ops.deploy.engines.choice import found

    try:
        yield
    except SwarmFound:
        found(settings)
        raise
