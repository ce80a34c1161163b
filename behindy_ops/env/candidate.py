"""A file that is to become the host's ``.env``, and what the host makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from behindy_ops.checks.check import Check, Level
from behindy_ops.checks.environment import judge
from behindy_ops.env import probe
from behindy_ops.env.check import require_compose, values_of
from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.facts.environment import Comparison
from behindy_ops.host.session import Session
from behindy_ops.project import dotenv
from behindy_ops.project.dotenv import EnvText
from behindy_ops.project.project import Project, Wanted
from behindy_ops.project.settings import NAMES

DEFAULT_FILE = "host.env"
"""The candidate, below the checkout; ignored by git, and never read as this machine's own settings."""


@dataclass(frozen=True)
class Proposal:
    """A candidate, compared on the host with the file there."""

    candidate: EnvText
    wanted: Wanted
    comparison: Comparison


def read_file(path: Path, project: Project) -> EnvText:
    """Return a candidate from a file on this machine.

    Args:
        project: whose containers it is for; it tells how such a file is begun.

    Raises:
        Kind.USAGE: there is none, or it holds this machine's own settings.
        Kind.ENVIRONMENT_INVALID: it has mistakes.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise Kind.USAGE(
            f"Could not read {path}: {error.strerror}.",
            state=UNCHANGED,
            remedy=f"Name the file: inv env.push FILE (default: {DEFAULT_FILE}). To begin one: {_beginning(project)}",
        ) from None
    file = read_text(body, path.name)
    if ours := sorted(_ours(file)):
        raise Kind.USAGE(
            f"{path.name} holds settings of this machine ({', '.join(ours)}), so it is not for the host.",
            state=UNCHANGED,
            remedy=f"Keep the containers' values in a file of their own: {_beginning(project)}",
        )
    return file


def _ours(file: EnvText) -> set[str]:
    """Return the names of settings of this machine."""
    return set(file.names) & (set(NAMES) - {"BEHINDY_IMAGE_PREFIX"})


def _beginning(project: Project) -> str:
    """Return what to type for a first candidate. An example may be of this machine's settings, or of both."""
    if project.example_file and not _ours(dotenv.parse(project.example)):
        return f"cp {project.example_file} {DEFAULT_FILE}"
    names = ", ".join(project.wanted.required)
    return f"write NAME=value, one a line, into {DEFAULT_FILE}{f', for {names}' if names else ''}"


def _explained(project: Project) -> str:
    """Return which file explains the names, as a clause; or an empty string."""
    theirs = set(dotenv.parse(project.example).names) - set(NAMES)
    return f"; {project.example_file} explains the names" if theirs else ""


def read_text(body: bytes, title: str, change: Callable[[EnvText], EnvText] = lambda file: file) -> EnvText:
    """Return the text of a ``.env``, with a change that may be what corrects it.

    Raises:
        Kind.ENVIRONMENT_INVALID: it has mistakes; none of its lines has a value in it.
    """
    try:
        file = change(dotenv.parse(body.decode("utf-8")))
        mistakes = file.mistakes
    except UnicodeDecodeError:
        file, mistakes = dotenv.EnvText(""), ("it is not UTF-8 text",)
    if mistakes:
        raise Kind.ENVIRONMENT_INVALID(
            f"{title} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}.",
            state=UNCHANGED,
            remedy="Correct them and run again.",
            lines=tuple(f"{title}, {mistake}" for mistake in mistakes),
        )
    return file


def propose(session: Session, candidate: EnvText) -> Proposal:
    """Compare a candidate with the host's file; changes nothing."""
    comparison = probe.compare(session, candidate)
    require_compose(session, comparison.problems.get("old"))
    return Proposal(candidate, session.project.wanted, comparison)


def require_good(session: Session, proposal: Proposal) -> None:
    """Refuse a candidate that the services cannot be started with.

    Raises:
        Kind.ENVIRONMENT_INVALID: with one line a mistake, none of which has a value in it.
    """
    require_compose(session, proposal.comparison.problems.get("new"))
    lines = list(_mistakes(proposal))
    if "config" in proposal.comparison.problems and not lines:
        lines = list(_masked(proposal.comparison.problems["config"].splitlines(), proposal.candidate))
    if lines:
        raise Kind.ENVIRONMENT_INVALID(
            "The services cannot be started with this file.",
            state=UNCHANGED,
            remedy=f"Correct it and run again{_explained(session.project)}.",
            lines=tuple(lines),
        )


def checks(proposal: Proposal) -> tuple[Check, ...]:
    """Judge the candidate."""
    return tuple(judge(values_of(proposal.comparison, proposal.wanted, candidate=True)))


def _mistakes(proposal: Proposal) -> Iterator[str]:
    comparison = proposal.comparison
    if (problem := comparison.problems.get("new")) is not None:
        yield f"docker compose on the host cannot read it ({problem or 'no reason given'})"
    for check in checks(proposal):
        if check.level is Level.REFUSAL:
            yield f"{check.subject}: {check.found}"
    for name in comparison.names:
        if name.misread:
            yield f"{name.name}: docker compose on the host reads it differently than meant; inv env.set {name.name}"


def _masked(lines: Iterable[str], candidate: EnvText) -> Iterator[str]:
    """Lines that docker compose wrote, without any value of the candidate."""
    secrets = [entry.value for entry in candidate.entries if entry.value and len(entry.value) > 3]
    for text in lines:
        masked = text
        for value in sorted(secrets, key=len, reverse=True):
            masked = masked.replace(value, "[hidden]")
        yield masked
