"""Options that several tasks have: their help, how their values are read, and those that may stand bare.

``--env NAME`` is one of every task that talks to a host; no body takes it, since it chooses the settings that are read.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import invoke
from invoke import Task
from invoke.parser.argument import Argument

from behindy_ops.tasks.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

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

ENV = "env"
"""The option that every task with a host has."""

_CHOOSES = "BEHINDY_ENV"


def task(*, hostless: bool = False, **options: Any) -> Callable[[Callable[..., None]], Task[Callable[..., None]]]:
    """Make a task of a function: guarded, and with the help of the options that several tasks have.

    Args:
        hostless: it talks to no host, so it has no ``--env``.
        options: Invoke's; ``help`` is of the task's own options, and of shared ones that mean something else there.
    """

    def make(body: Callable[..., None]) -> Task[Callable[..., None]]:
        told = {}
        for name, parameter in inspect.signature(body).parameters.items():
            if name in _SHARED:
                told[name] = _ONLY if name == "service" and parameter.default == "" else _SHARED[name]
        given = options | {"klass": _Task if hostless else _HostTask, "help": told | options.get("help", {})}
        made: Task[Callable[..., None]] = invoke.task(**given)(guarded(_not_pretended(body)))
        return made

    return make


def _not_pretended(body: Callable[..., None]) -> Callable[..., None]:
    """Refuse Invoke's own ``--dry``: it holds back what ``c.run`` would do here, and a deploy would be a real one."""

    @functools.wraps(body)
    def wrapper(context: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(context, invoke.Context) and context.config.run.dry:
            from behindy_ops.errors import UNCHANGED, Kind

            raise Kind.USAGE(
                "Invoke's --dry (-R) does not hold back what is done on the host.",
                state=UNCHANGED,
                remedy="To see what a task would do, where it can show that: --dry-run behind its name.",
            )
        body(context, *args, **kwargs)

    return wrapper


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
    """A task that may be about one service, file or tag, which may also stand bare right behind its own name.

    Such as ``deploy.history frontend``, ``env.push host.env``, ``deploy.frontend v2``, ``deploy.check frontend v2``.
    Invoke knows positional arguments only as required ones. So such an option, which has a default, is positional
    exactly when the command line has it.
    """

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        arguments: list[Any] = super().get_arguments(ignore_unknown_help)
        may = [argument for argument in arguments if argument.name in _BARE and argument.default is not None]
        for argument in max((_named(may, words) for words in self._behind(sys.argv[1:])), key=len, default=[]):
            argument.positional, argument.default = True, None
        return arguments

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """Return what Invoke makes an option of. None is short for ``-h``, which asks for help, or for a bare dash."""
        return super().arg_opts(name, default, {*taken_names, "h", "-"})

    def _behind(self, words: Sequence[str]) -> Iterator[Sequence[str]]:
        """Yield what follows this task's name on a command line (without the program), up to the next option.

        A task of the same name in another collection is not asked for in the same call.
        """
        for place, word in enumerate(words, 1):
            if "." in word and word.endswith(f".{self.name}"):
                yield list(takewhile(lambda following: not following.startswith("-"), words[place:]))


def _named(arguments: Sequence[Argument], words: Sequence[str]) -> list[Argument]:
    """Return those that stand bare among the words, in the order of both; the other words are other tasks."""
    pairs = takewhile(lambda pair: _BARE[str(pair[0].name)](pair[1]), zip(arguments, words, strict=False))
    return [argument for argument, _ in pairs]


class _HostTask(_Task):
    """A task with ``--env``."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        chooses = Argument(
            name=ENV, default="", help="the environment: settings of .env.NAME, as with BEHINDY_ENV=NAME"
        )
        return [*super().get_arguments(ignore_unknown_help), chooses]

    def __call__(self, *args: Any, env: str = "", **kwargs: Any) -> Any:
        with _environment(env):
            return super().__call__(*args, **kwargs)


@contextlib.contextmanager
def _environment(name: str) -> Iterator[None]:
    """Choose an environment for as long as this lasts; an empty name leaves the choice as it is."""
    before = os.environ.get(_CHOOSES)
    if name:
        os.environ[_CHOOSES] = name
    try:
        yield
    finally:
        if before is not None:
            os.environ[_CHOOSES] = before
        elif name:
            os.environ.pop(_CHOOSES, None)


def _is_file(word: str) -> bool:
    return word.startswith(".") or "/" in word or word.endswith(".env") or Path(word).exists()


def _is_tag(word: str) -> bool:
    """Whether a word is no task: a tag may have dots, too, as in v1.2, and a task may have none."""
    groups = {name.partition(".")[0] for name in KNOWN if "." in name} | _GROUPS
    return word not in KNOWN and (word.partition(".")[0] not in groups or "." not in word)


_GROUPS = {"deploy", "ops", "host", "env", "db", "lock", "sandbox"}

KNOWN: set[str] = set()
"""The names of all tasks, as far as the program has told: Invoke's own does not."""

_BARE: dict[str, Callable[[str], bool]] = {
    "service": lambda word: "." not in word,
    "file": _is_file,
    "tag": _is_tag,
}
"""Options that may stand bare, and what tells their value from the next task, whose name has a dot."""
