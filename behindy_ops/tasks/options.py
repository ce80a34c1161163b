"""Tasks that take a service or none: ``inv deploy.history`` and ``inv deploy.history frontend``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from invoke import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.parser.argument import Argument

__all__ = ["OptionalService", "named_behind"]


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

    :param task: its name within its collection; a task of the same name elsewhere is not asked for in the same call.
    :param words: the command line, without the program.
    """
    for word, following in pairwise(words):
        bare = not following.startswith("-") and "." not in following
        if bare and "." in word and word.rpartition(".")[2] == task:
            return True
    return False
