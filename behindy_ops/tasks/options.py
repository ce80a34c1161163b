"""Options that several tasks have: their help, how their values are read, and those that may stand bare."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.parser.argument import Argument

__all__ = [
    "JSON",
    "WAIT",
    "WATCH",
    "YES",
    "OptionalFile",
    "OptionalService",
    "duration",
    "file_behind",
    "named_behind",
    "waiting",
]

JSON = "print JSON instead of text"
WAIT = "how long to queue if the host is locked, such as 10m (default: not at all)"
WATCH = "how long to watch the new container after the switch (default: what the service declares)"
YES = "do not ask; for scripts"


def duration(option: str, text: str) -> float | None:
    """Return the seconds an option says, or None if it is empty.

    Raises:
        Kind.USAGE: it is no duration.
    """
    from behindy_ops.errors import Kind
    from behindy_ops.project.services import seconds

    if not text:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        raise Kind.USAGE(f"--{option} {text!r}: {error}.", remedy=f"Write such as --{option} 10s") from error


def waiting(text: str) -> float:
    """Return the seconds that ``--wait`` says, 0 if it is empty.

    Raises:
        Kind.USAGE: it is no duration.
    """
    return duration("wait", text) or 0.0


class OptionalService(Task[Callable[..., None]]):
    """A task whose option ``--service`` may also be given bare, right behind the task's name.

    Invoke knows positional arguments only as required ones. So this one is positional exactly when the command line
    has it: pass ``klass=OptionalService, positional=[]`` to ``@task``, and give ``service`` the default ``""``.
    """

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        arguments: list[Any] = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            if argument.name == "service" and named_behind(self.name, sys.argv[1:]):
                argument.positional, argument.default = True, None
        return arguments


def named_behind(task: str, words: Sequence[str]) -> bool:
    """Return whether a task on the command line is followed by a bare word that is no further task.

    Args:
        task: its name within its collection; a task of the same name elsewhere is not asked for in the same call.
        words: the command line, without the program.
    """
    for word, following in pairwise(words):
        bare = not following.startswith("-") and "." not in following
        if bare and "." in word and word.rpartition(".")[2] == task:
            return True
    return False


class OptionalFile(Task[Callable[..., None]]):
    """A task whose option ``--file`` may also be given bare, right behind the task's name.

    As :class:`OptionalService`: pass ``klass=OptionalFile, positional=[]`` to ``@task``,
    and give ``file`` the default ``""``.
    """

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        arguments: list[Any] = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            if argument.name == "file" and file_behind(self.name, sys.argv[1:]):
                argument.positional, argument.default = True, None
        return arguments


def file_behind(task: str, words: Sequence[str]) -> bool:
    """Return whether a task on the command line is followed by a word that names a file.

    A task's name has a dot, too; what begins with one, has a slash, ends with .env, or exists, is a file.
    """
    for word, following in pairwise(words):
        if "." in word and word.rpartition(".")[2] == task and not following.startswith("-"):
            return (
                following.startswith(".") or "/" in following or following.endswith(".env") or Path(following).exists()
            )
    return False
