"""Options that several tasks have: their help, how their values are read, and those that may stand bare."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import invoke
from invoke import Task

from behindy_ops.tasks.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.parser.argument import Argument

_SHARED = {
    "json": "print JSON instead of text",
    "service": "the service",
    "wait": "how long to queue if the host is locked, such as 10m (default: not at all)",
    "watch": "how long to watch the new container after the switch (default: what the service declares)",
    "yes": "do not ask; for scripts",
}
_ONLY = "only this one"


def task(**options: Any) -> Callable[[Callable[..., None]], Task[Callable[..., None]]]:
    """Make a task of a function: guarded, and with the help of the options that several tasks have.

    Args:
        options: Invoke's; ``help`` is of the task's own options, and of shared ones that mean something else there.
    """

    def make(body: Callable[..., None]) -> Task[Callable[..., None]]:
        told = {}
        for name, parameter in inspect.signature(body).parameters.items():
            if name in _SHARED:
                told[name] = _ONLY if name == "service" and parameter.default == "" else _SHARED[name]
        given = options | {"help": told | options.get("help", {})}
        made: Task[Callable[..., None]] = invoke.task(**given)(guarded(body))
        return made

    return make


def duration(option: str, text: str) -> float | None:
    """Return the seconds an option says, or None if it is empty.

    Raises:
        Kind.USAGE: it is not a duration.
    """
    from behindy_ops.errors import Kind
    from behindy_ops.project.services import seconds

    if not text:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        raise Kind.USAGE(f"--{option} {text!r}: {error}.", remedy=f"For example: --{option} 10s") from error


def waiting(text: str) -> float:
    """Return the seconds that ``--wait`` says, 0 if it is empty.

    Raises:
        Kind.USAGE: it is not a duration.
    """
    return duration("wait", text) or 0.0


class _OptionalWord(Task[Callable[..., None]]):
    """A task one of whose options may also be given bare, right behind the task's name.

    Invoke knows positional arguments only as required ones. So this one is positional exactly when the command line
    has it. Pass the class as ``klass`` to ``@task``, and give the option the default ``""``.
    """

    option: ClassVar[str]

    @staticmethod
    def fits(word: str) -> bool:
        """Return whether a word is a value of the option, not the next task."""
        raise NotImplementedError

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        arguments: list[Any] = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            if argument.name == self.option and self.named_behind(sys.argv[1:]):
                argument.positional, argument.default = True, None
        return arguments

    def named_behind(self, words: Sequence[str]) -> bool:
        """Return whether the option stands bare behind this task on a command line (without the program).

        A task of the same name in another collection is not asked for in the same call.
        """
        behind = [following for word, following in pairwise(words) if "." in word and word.endswith(f".{self.name}")]
        return any(not word.startswith("-") and self.fits(word) for word in behind)


class OptionalService(_OptionalWord):
    """A task that may be about one service: ``deploy.history frontend``."""

    option = "service"

    @staticmethod
    def fits(word: str) -> bool:
        return "." not in word


class OptionalFile(_OptionalWord):
    """A task that may be about a certain file: ``env.push host.env``. A task's name has a dot, too."""

    option = "file"

    @staticmethod
    def fits(word: str) -> bool:
        return word.startswith(".") or "/" in word or word.endswith(".env") or Path(word).exists()
