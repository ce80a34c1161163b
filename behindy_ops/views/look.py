"""One look at the host for a view: a session without the lock, a script that prints parts, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from behindy_ops.checks import preflight
from behindy_ops.facts import survey as surveys
from behindy_ops.facts.replies import Reply, read
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, script
from behindy_ops.host.host import new_mark

if TYPE_CHECKING:
    from behindy_ops.errors import BehindyError
    from behindy_ops.host.session import Session
    from behindy_ops.report.text import Line

__all__ = [
    "Seen",
    "Shown",
    "beside",
    "docker_problem",
    "look",
    "look_twice",
    "require_docker",
    "survey_argv",
    "taken_apart",
]


@dataclass(frozen=True, slots=True)
class Seen(Reply):
    """What one look brought.

    :param survey: what the survey in it saw; empty if the view has none.
    :param beside: what the compose file declares beside the deployed services: compose name to container name.
    """

    survey: Survey = field(default_factory=Survey)
    beside: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """A view as it is shown: its lines for people, its data for ``--json``, and what is raised after it."""

    lines: list[Line]
    data: dict[str, Any]
    problem: BehindyError | None = None


def survey_argv(session: Session, mark: str, survey_parts: str) -> tuple[str, ...]:
    """The argv of the survey, for a script that runs it beside its own parts.

    :param survey_parts: those of it that the view needs; each costs the host tens of milliseconds.
    """
    argv = session.survey_argv(mark)
    return ("env", f"SURVEY_PARTS=versions tools {survey_parts}", *argv)


def look(session: Session, name: str, *arguments: str, survey_parts: str = "") -> Seen:
    """Run a view's script in one SSH command and take apart what it printed.

    :param survey_parts: parts of the survey the script runs beside its own; empty for a script that takes none.
    :raises RemoteCommandFailed: it did not come to its end.
    """
    mark, inner = new_mark(), new_mark() if survey_parts else ""
    words = (*arguments, *survey_argv(session, inner, survey_parts)) if survey_parts else arguments
    command = Command(script(f"ops/{name}", mark, *words), title="look at the host", timeout=60)
    seen = taken_apart(session.host.run(command).require().stdout, mark, inner)
    return replace(seen, beside=beside(session))


def beside(session: Session) -> dict[str, str]:
    """What the compose file declares beside the deployed services: compose name to container name."""
    deployed = {service.name for service in session.services}
    return {name: container for name, container in session.project.compose.containers.items() if name not in deployed}


def look_twice(session: Session, name: str, *arguments: str) -> tuple[Seen, Seen]:
    """Run a script that prints two moments; return both."""
    mark = new_mark()
    command = Command(script(f"ops/{name}", mark, *arguments), title="look at the host", timeout=60)
    text = session.host.run(command).require().stdout
    first, _, second = text.partition(f"{mark} end\n")
    return taken_apart(f"{first}{mark} end\n", mark), taken_apart(second, mark)


def taken_apart(text: str, mark: str, inner: str = "") -> Seen:
    """Read what a view's script printed.

    :param inner: the boundary of the survey within, if there is one.
    :raises RemoteCommandFailed: it is cut short.
    """
    reply = read(text, mark)
    survey = surveys.parse(reply.text("survey"), inner) if inner else Survey()
    return Seen(reply.sections, reply.problems, survey)


def require_docker(seen: Seen, part: str = "") -> None:
    """Raise why Docker cannot be asked, if it cannot.

    :param part: for a view without a survey, the part that fails then.
    :raises Kind.HOST_NOT_READY: it is not installed, does not answer, or not to this user.
    """
    problem = docker_problem(seen.problems.get(part, "")) if part else preflight.docker_problem(seen.survey)
    if problem is not None:
        raise problem


def docker_problem(said: str) -> BehindyError | None:
    """Return why Docker cannot be asked, from what a docker command wrote; None if it was about something else."""
    if not re.search(r"docker daemon|docker\.sock|permission denied|command not found", said, re.IGNORECASE):
        return None
    missing = "command not found" in said
    tools: frozenset[str] = frozenset() if missing else frozenset({"docker"})
    return preflight.docker_problem(Survey(tools=tools, problems={"versions": said}))
