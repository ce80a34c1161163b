"""Options that several tasks have: their help, how their values are read, and those that may stand bare."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    "wait_drain": "wait until the previous container is idle and stopped, which the host else does by itself",
    "now": "do not wait for a previous container that the host still drains: have it stopped",
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
        given = options | {"klass": _Task, "help": told | options.get("help", {})}
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


class _Task(Task[Callable[..., None]]):
    """A task that may be about one service or file, whose name may also stand bare right behind its own.

    Such as ``deploy.history frontend``, ``env.push host.env``. Invoke knows positional arguments only as required ones.
    So such an option, which has the default ``""``, is positional exactly when the command line has it.
    """

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        arguments: list[Any] = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            if argument.default == "" and argument.name in _BARE and self._named_behind(argument.name, sys.argv[1:]):
                argument.positional, argument.default = True, None
        return arguments

    def _named_behind(self, option: str, words: Sequence[str]) -> bool:
        """Return whether the option stands bare behind this task on a command line (without the program).

        A task of the same name in another collection is not asked for in the same call.
        """
        behind = [following for word, following in pairwise(words) if "." in word and word.endswith(f".{self.name}")]
        return any(not word.startswith("-") and _BARE[option](word) for word in behind)


def _is_file(word: str) -> bool:
    return word.startswith(".") or "/" in word or word.endswith(".env") or Path(word).exists()


_BARE: dict[str, Callable[[str], bool]] = {"service": lambda word: "." not in word, "file": _is_file}
"""Options that may stand bare, and what tells their value from the next task, whose name has a dot."""
