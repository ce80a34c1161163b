"""What a view is, and the one way to show it: look at the host once, describe what was seen, lay it out.

A view's dataclasses are its JSON: docs/operations.md says what each field means, and a test that none is missing there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from behindy_ops.checks import preflight
from behindy_ops.checks.check import Facts
from behindy_ops.checks.docker import refuses_user
from behindy_ops.errors import BehindyError
from behindy_ops.facts import survey as surveys
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, script
from behindy_ops.host.host import new_mark
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service
from behindy_ops.report.layout import sentence
from behindy_ops.report.text import LEVEL_TONES, Line, Tone


@dataclass(frozen=True, slots=True)
class Seen(Reply):
    """What one look brought, and what it is to be compared with.

    Attributes:
        facts: what the rules are given: what the survey in it saw, and what is declared on this side.
        domain: the public one.
        host: where it was looked at.
    """

    facts: Facts = field(default_factory=lambda: Facts(survey=Survey()))
    domain: str = ""
    host: str = ""

    @property
    def survey(self) -> Survey:
        return self.facts.survey

    @property
    def services(self) -> tuple[Service, ...]:
        return self.facts.services


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """A view: what it asks the host for, and two pure functions.

    Attributes:
        name: that of its task, and ``view`` in its JSON.
        describe: makes of what was seen what is shown, a frozen dataclass.
        lines: lays that out for people, in 80 columns.
        survey: parts of the survey that it reads, each of which costs the host tens of milliseconds; empty for none.
        script: what is run on the host; empty for the survey alone.
        asks: what the script is given.
        needs_docker: it is not shown where the survey says that Docker cannot be asked.
    """

    name: str
    describe: Callable[[Seen], T]
    lines: Callable[[T], list[Line]]
    survey: str = ""
    script: str = ""
    asks: Callable[[Session], Sequence[str]] = lambda _: ()
    needs_docker: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says of a service: its level is ``ok``, ``warning`` or ``refusal``."""

    service: str
    level: str
    found: str
    remedy: str

    def lines(self, indent: str = "") -> list[Line]:
        """Lay it out: what was found, and below it what to do."""
        found = sentence(self.found, LEVEL_TONES[self.level], indent)
        return [*found, *sentence(self.remedy, Tone.STRONG, f"{indent}  ")]


@dataclass(frozen=True, slots=True)
class Shown:
    """A view as it is shown: its lines for people, its data for ``--json``, and what is raised after it."""

    lines: list[Line]
    data: Any
    problem: BehindyError | None = None


def show(session: Session, view: View[T]) -> Shown:
    """Look at the host once, and show what the view makes of it.

    Raises:
        RemoteCommandFailed: the look ended early.
        Kind.HOST_NOT_READY: the view needs Docker, which cannot be asked.
    """
    return shown(view, described(session, view))


def described(session: Session, view: View[T]) -> T:
    """Look at the host once, and return what the view makes of it; raises as :func:`show` does."""
    if view.script:
        seen = look(session, view.script, *view.asks(session), survey=view.survey)
    else:
        seen = as_seen(session, session.look())
    if view.needs_docker:
        require_docker(seen.survey)
    return view.describe(seen)


def shown(view: View[T], data: T, problem: BehindyError | None = None) -> Shown:
    """Return data as the view shows it."""
    return Shown(view.lines(data), as_json(view.name, data), problem)


def as_json(name: str, data: Any) -> dict[str, Any]:
    """Return a view's dataclass for programs."""
    return {"view": name, **asdict(data, dict_factory=_told)}


ONLY_OF_A_SWARM = frozenset({"tasks", "task", "replicas", "nodes", "node", "overlay", "other_nodes"})
"""Fields that are there only where there is something to say: without a swarm nobody meets them."""


def _told(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in fields if value not in ((), [], "", None) or name not in ONLY_OF_A_SWARM}


def look(session: Session, name: str, *arguments: str, survey: str = "") -> Seen:
    """Run a script that answers in sections, and beside it these parts of the survey, in one command, without the lock.

    Raises:
        RemoteCommandFailed: it ended early.
    """
    mark, inner = new_mark(), new_mark()
    if survey:
        arguments += ("env", f"SURVEY_PARTS=versions tools {survey}", *session.survey_argv(inner))
    command = Command(script(name, mark, *arguments), title="look at the host", timeout=60)
    reply = session.host.run(command).require().reply(mark)
    names = session.names
    return as_seen(session, surveys.parse(reply.text("survey"), inner, names) if survey else Survey(names=names), reply)


def as_seen(session: Session, survey: Survey, reply: Reply | None = None) -> Seen:
    """Return a survey, and an answer in sections, with what the session knows beside it."""
    reply, settings = reply or Reply(), session.settings
    facts = Facts(
        survey=survey,
        services=tuple(session.services),
        host_dir=settings.host_dir,
        domain=settings.domain,
        image_prefix=settings.image_prefix,
        beside=session.names.beside,
        engine=settings.engine,
    )
    return Seen(reply.sections, reply.problems, facts, settings.domain, settings.host)


def locked(session: Session, what: str, *, wait: float) -> Survey:
    """Take the lock, as :meth:`Session.lock` does, for what needs Docker.

    Raises:
        LockHeld: somebody else is changing the host.
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    survey = session.lock(what, wait=wait)
    require_docker(survey)
    return survey


def require_docker(survey: Survey) -> None:
    """Raise why Docker cannot be asked, if it cannot.

    Raises:
        Kind.HOST_NOT_READY: it is missing, not responding, or this user may not use it.
    """
    if (problem := preflight.docker_problem(survey)) is not None:
        raise problem


def as_survey(said: str) -> Survey:
    """Return what a docker command wrote as a survey would have seen it: Docker answers, unless that is about it."""
    absent = "command not found" in said
    silent = absent or refuses_user(said) or re.search(r"docker daemon|docker\.sock", said, re.IGNORECASE)
    tools = frozenset[str]() if absent else frozenset({"docker"})
    return Survey(docker="" if silent else "it answers", tools=tools, problems={"versions": said})
