"""A host that answers each of our scripts with what a test prepared, and refuses what nobody prepared."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.host.command import Result
from behindy_ops.host.session import Session
from behindy_ops.project.project import Project
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Decision, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.host.command import Command
    from behindy_ops.host.lease import Holder
    from behindy_ops.project.services import Service
    from behindy_ops.report.events import Event

__all__ = ["Answer", "ScriptedHost", "script_of", "scripted"]

CHECKOUT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Answer:
    """What a script prints, and how it ends; ``@`` at the start of a line stands for the boundary."""

    stdout: str = ""
    exit_code: int = 0
    stderr: str = ""


def script_of(command: Command) -> str:
    """Return the name of the script a command runs, whoever runs it; else its program."""
    argv = command.argv
    return argv[argv.index("bash") + 3] if "bash" in argv else argv[0]


@dataclass
class ScriptedHost:
    """Answers by the script's name; of several answers each is given once, the last one for ever.

    Attributes:
        commands: what was run.
        locked: what the lock was taken for.
    """

    answers: dict[str, list[Answer]]
    commands: list[Command] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    remote_commands: int = 0
    sessions: int | None = None

    def run(self, command: Command) -> Result:
        name = script_of(command)
        assert name in self.answers, f"nobody prepared an answer to {name}"
        assert not command.changes or self.locked, f"{name} changes something and needs the lock"
        self.commands.append(command)
        for _ in command.feed or ():
            pass
        prepared = self.answers[name]
        answer = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        lines = (line.replace("@", self._mark(command), 1) for line in answer.stdout.splitlines(keepends=True))
        text = "".join(lines)
        if command.sink:
            command.sink(text.encode())
            text = ""
        return Result(command, answer.exit_code, text, answer.stderr, 0.1)

    @staticmethod
    def _mark(command: Command) -> str:
        return next((word for word in command.argv if word.startswith("@@")), "@")

    def begin(self, command: Command) -> Future[Result]:
        future: Future[Result] = Future()
        future.set_result(self.run(command))
        return future

    def end(self, future: Future[Result]) -> Result:
        return future.result()

    def release(self) -> None:
        self.locked.append("")

    def take_lease(
        self,
        holder: Holder,
        state_dir: str,  # noqa: ARG002 - as a session gives it
        mark: str,
        survey: tuple[str, ...],  # noqa: ARG002 - as above
    ) -> str:
        self.locked.append(holder.what)
        return f"{mark} end\n"

    def ran(self) -> list[str]:
        """Return the names of the scripts that were run."""
        return [script_of(command) for command in self.commands]


@dataclass
class Scripted:
    """A session with a scripted host, and what it told."""

    session: Session
    host: ScriptedHost
    events: list[Event]

    def told(self) -> str:
        """Return plans and decisions, in the order in which they were told."""
        lines: list[str] = []
        for event in self.events:
            if isinstance(event, Plan):
                lines += [event.title, *event.lines]
            elif isinstance(event, Decision):
                lines.append(event.text)
        return "\n".join(lines)


def scripted(
    services: Sequence[Service] = (),
    *,
    root: Path = CHECKOUT,
    **answers: Answer | list[Answer],
) -> Scripted:
    """Return a session whose host has these answers, by the script's name with ``__`` for its slash."""
    prepared = {
        name.replace("__", "/"): answer if isinstance(answer, list) else [answer] for name, answer in answers.items()
    }
    host = ScriptedHost(prepared)
    events: list[Event] = []
    settings = Settings(host="scripted", domain="behindy.me")
    return Scripted(Session(host, Project(root), settings, services, events.append, "tester"), host, events)
