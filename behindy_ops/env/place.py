"""What the ``env.*`` tasks call: look at the host's ``.env``, compare, and replace it under the lock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from behindy_ops.env import dialect, probe, verdict, wanted
from behindy_ops.errors import Kind, LeaseLost, RemoteCommandFailed
from behindy_ops.host.host import new_mark
from behindy_ops.project.settings import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from behindy_ops.env.dialect import EnvText
    from behindy_ops.env.probe import Answer
    from behindy_ops.env.verdict import Check, Diff
    from behindy_ops.env.wanted import Wanted
    from behindy_ops.host.session import Connect
    from behindy_ops.project.project import Project
    from behindy_ops.project.settings import Settings

__all__ = ["DEFAULT_FILE", "Place", "Proposal", "fetched", "read_file", "read_text"]

DEFAULT_FILE = "host.env"
"""The candidate, below the checkout; ignored by git, and never read as this machine's own settings."""

_UNCHANGED = "Nothing was changed."


@dataclass(frozen=True)
class Proposal:
    """A candidate, as the host has judged it."""

    candidate: EnvText
    answer: Answer
    check: Check
    diff: Diff


class Place:
    """The host's ``.env`` of one set of settings, seen from one checkout."""

    def __init__(self, connect: Connect, project: Project, settings: Settings) -> None:
        self.session = connect
        self.project = project
        self.settings = settings
        self.services = frozenset(project.compose.deployable)
        self.compose_text = project.compose.text
        self.wanted: Wanted = wanted.read(project.compose, project.example)

    @property
    def where(self) -> str:
        return f"{self.settings.host_dir}/.env on {self.settings.host}"

    def check(self) -> Check:
        """Judge the host's file. :raises Kind.HOST_NOT_READY: docker compose cannot read it."""
        with self.session() as session:
            mark = new_mark()
            command = probe.look(mark, self.settings.host_dir, self.wanted, self.compose_text)
            answer = probe.read_answer(session.host.run(command), mark)
        self._require_read(answer)
        return verdict.check(answer, self.wanted, candidate=False)

    def propose(self, candidate: EnvText) -> Proposal:
        """Compare a candidate with the host's file; changes nothing."""
        with self.session() as session:
            mark = new_mark()
            command = probe.look(mark, self.settings.host_dir, self.wanted, self.compose_text, candidate)
            answer = probe.read_answer(session.host.run(command), mark)
        if problem := answer.problems.get("old"):
            self._require_docker(problem)
        return self._judged(candidate, answer)

    def replace(self, proposal: Proposal, what: str, wait: float = 0.0) -> Proposal:
        """Put a proposal in place, under the lock, if the file it was compared with is still the one there.

        :raises LeaseLost: somebody else has changed it meanwhile.
        """
        candidate = proposal.candidate
        with self.session() as session:
            session.lock(what, wait=wait)
            mark = new_mark()
            command = probe.replace(
                mark,
                self.settings.host_dir,
                self.wanted,
                self.compose_text,
                candidate,
                expected=proposal.answer.sha256,
                backup=f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.env",
            )
            with session.interrupts.shielded(5):
                answer = probe.read_answer(session.host.run(command), mark)
        if answer.replaced == "changed":
            raise LeaseLost(
                f"{self.where} was changed by somebody else meanwhile.",
                state="Theirs is in place; nothing of yours was written.",
                remedy="See what differs now: inv env.diff FILE. Then do it again.",
            )
        if answer.replaced != "yes":
            raise RemoteCommandFailed(
                f"{self.where} could not be replaced.",
                state=_UNCHANGED,
                remedy="On the host: df -h; ls -ld its directory",
            )
        return self._judged(candidate, answer)

    def _judged(self, candidate: EnvText, answer: Answer) -> Proposal:
        found = verdict.check(answer, self.wanted, candidate=True)
        return Proposal(candidate, answer, found, verdict.diff(answer, self.wanted, self.services))

    def needs_writing(self, proposal: Proposal) -> bool:
        """Whether the host's file is another text than the candidate's, if only in a comment, or others may read it."""
        return proposal.answer.sha256 != hashlib.sha256(proposal.candidate.text.encode("utf-8")).hexdigest() or (
            proposal.answer.mode not in ("600", "400")
        )

    def require_good(self, proposal: Proposal) -> None:
        """Refuse a candidate that the services cannot be started with.

        :raises Kind.ENVIRONMENT_INVALID: with one line a mistake, none of which has a value in it.
        """
        lines = [
            line.text
            for line in verdict.check_lines(proposal.check, self.wanted, "the file")
            if not line.text.startswith(("Set a value", "the file"))
        ]
        unknown = {f"{name}: unknown" for name in proposal.check.unknown}
        lines = [line for line in lines if not any(line.startswith(one) for one in unknown)]
        answer = proposal.answer
        if "new" in answer.problems:
            self._require_docker(answer.problems["new"])
            lines.insert(
                0, f"docker compose on the host cannot read it ({answer.problems['new'] or 'no reason given'})"
            )
        lines += [
            f"{name.name}: docker compose on the host reads it otherwise than it is meant; inv env.set {name.name}"
            for name in answer.names
            if name.misread
        ]
        if "config" in answer.problems and not lines:
            lines += _masked(answer.problems["config"].splitlines(), proposal.candidate)
        if lines:
            raise Kind.ENVIRONMENT_INVALID(
                "The services cannot be started with this file.",
                state=_UNCHANGED,
                remedy="Correct it and run again; compose/.env.example explains every name.",
                lines=tuple(lines),
            )

    def _require_read(self, answer: Answer) -> None:
        if (problem := answer.problems.get("old")) is None:
            return
        self._require_docker(problem)
        raise Kind.ENVIRONMENT_INVALID(
            f"docker compose cannot read {self.where} ({problem or 'no line given'}).",
            state=_UNCHANGED,
            remedy="Mend it: inv env.edit, or push a whole one: inv env.push FILE",
        )

    def _require_docker(self, problem: str) -> None:
        """Without a line number it was not the file that docker compose complained of: it may not be there."""
        if problem.startswith("line"):
            return
        with self.session() as session:
            survey = session.look()
        if survey.compose:
            return
        raise Kind.HOST_NOT_READY(
            "Docker Compose v2 does not answer on the host, and it is what reads the file.",
            state=_UNCHANGED,
            remedy="Install it first; docker compose version must answer.",
        )


def _masked(lines: Sequence[str], candidate: EnvText) -> list[str]:
    """Lines that docker compose wrote, without any value of the candidate."""
    values = sorted((entry.value for entry in candidate.entries if entry.value), key=len, reverse=True)
    masked = []
    for line in lines:
        for value in values:
            if len(value) > 3:
                line = line.replace(value, "[hidden]")  # noqa: PLW2901 - one value after the other
        masked.append(line)
    return masked


def read_file(path: Path) -> EnvText:
    """A candidate from a file on this machine.

    :raises Kind.USAGE: there is none, or it holds this machine's own settings.
    :raises Kind.ENVIRONMENT_INVALID: it has mistakes.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise Kind.USAGE(
            f"{path} cannot be read: {error.strerror}.",
            state=_UNCHANGED,
            remedy=f"Name the file: inv env.push FILE (default: {DEFAULT_FILE}). Begin with: cp compose/.env.example "
            f"{DEFAULT_FILE}",
        ) from None
    file = read_text(body, path.name)
    ours = sorted(set(file.names) & (set(NAMES) - {"BEHINDY_IMAGE_PREFIX"}))
    if ours:
        raise Kind.USAGE(
            f"{path.name} holds settings of this machine ({', '.join(ours)}): it is not for the host.",
            state=_UNCHANGED,
            remedy=f"Keep the containers' values in a file of their own: cp compose/.env.example {DEFAULT_FILE}",
        )
    return file


def read_text(body: bytes, title: str) -> EnvText:
    """The text of a ``.env``. :raises Kind.ENVIRONMENT_INVALID: it has mistakes; no line has a value in it."""
    try:
        file = dialect.parse(body.decode("utf-8"))
        mistakes = file.mistakes
    except UnicodeDecodeError:
        file, mistakes = dialect.EnvText(""), ("it is not UTF-8 text",)
    if mistakes:
        raise Kind.ENVIRONMENT_INVALID(
            f"{title} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}.",
            state=_UNCHANGED,
            remedy="Correct them and run again.",
            lines=tuple(f"{title}, {mistake}" for mistake in mistakes),
        )
    return file


def fetched(place: Place) -> tuple[str, bytes]:
    """The host's file and its sha256, for an editor; nothing is written here.

    :raises Kind.FILES_MISSING: the host directory does not exist.
    """
    with place.session() as session:
        return probe.read_fetched(session.host.run(probe.fetch(place.settings.host_dir)))
