"""Tasks that take a file or none: ``inv env.push`` and ``inv env.push other.env``."""

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

__all__ = ["OptionalFile", "file_behind"]


class OptionalFile(Task[Callable[..., None]]):
    """A task whose option ``--file`` may also be given bare, right behind the task's name.

    As :class:`~behindy_ops.tasks.options.OptionalService`: pass ``klass=OptionalFile, positional=[]`` to ``@task``,
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
