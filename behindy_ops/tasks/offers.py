"""What may follow on a command line, for a shell that completes it: decided from the tasks and what is given here.

A shell hands over the words that stand there; which values there are of a kind, the caller knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoke import Collection
    from invoke.parser.argument import Argument

CORE = {"--help": "the options of a task", "--list": "every task, with a line on each", "--version": "which one it is"}
"""Options before the first task, of Invoke's many."""

FILES = frozenset({"file", "page", "backup", "html"})
"""Options whose value is a file here; and ``--to`` of what has no releases."""

MAY_STAND_BARE = ("service", "tag", "file")

CONTAINERS = {"nginx": "the way in", "postgres": "the database", "redis": "the cache"}
"""What ``ops.logs`` and ``ops.exec`` know beside the services."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be typed next: values, with a line about each; ``files``: or a file's name."""

    values: Mapping[str, str] = field(default_factory=dict)
    files: bool = False

    def beginning(self, typed: str, lead: str = "") -> Offers:
        """Return those that begin with what is typed; ``lead`` stands before each."""
        return Offers(
            {f"{lead}{each}": about for each, about in self.values.items() if each.startswith(typed)}, self.files
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A command line up to the word that is being typed.

    Attributes:
        task: the last one named; empty before the first.
        given: its options and bare words so far, by the option's name.
        waits: the option whose value comes next; empty for none.
    """

    task: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    waits: str = ""


Values = Callable[[str, Line], Mapping[str, str]]
"""Gives the values of a kind (``service``, ``tag``, ``release``, ``env``), and a line about each."""


def offers(tree: Collection, words: Sequence[str], values: Values) -> Offers:
    """Return what may be typed in place of the last word, which may be empty."""
    before, typed = list(words[:-1]), (words or [""])[-1]
    if "--" in before:  # what follows is another program's
        return Offers(files=True)
    line = read(tree, before)
    if line.waits and not _stands_alone(tree, line, typed):
        return _of_option(line, line.waits, values).beginning(typed)
    line = _settled(line)
    name, equals, begun = typed.partition("=")
    if equals and name.startswith("--"):
        return _of_option(line, name.removeprefix("--"), values).beginning(begun, lead=f"{name}=")
    if typed.startswith("-"):
        return Offers(_options(tree, line)).beginning(typed)
    slot = _next_slot(tree, line)
    found = (_of_option(line, slot, values) if slot else Offers(_options(tree, line) if line.task else {})).beginning(
        typed
    )
    if found.values or (slot and not typed):
        return found
    return Offers(_tasks(tree), found.files).beginning(typed)


def read(tree: Collection, words: Iterable[str]) -> Line:
    """Return where a command line has come to."""
    names = {name for own, aliases in tree.task_names.items() for name in (own, *aliases)}
    line = Line()
    for word in words:
        if line.waits and _stands_alone(tree, line, word):
            line = _settled(line)
        if line.waits:
            line = Line(line.task, {**line.given, line.waits: word})
        elif word.startswith("-"):
            name, equals, value = word.partition("=")
            argument = _argument(tree, line.task, name)
            called = _name(argument) if argument is not None else name.lstrip("-")
            takes = argument is not None and argument.takes_value and not equals
            line = Line(line.task, line.given if takes else {**line.given, called: value}, called if takes else "")
        elif word in names:
            line = Line(word)
        elif slot := _next_slot(tree, line):
            line = Line(line.task, {**line.given, slot: word})
    return line


def _stands_alone(tree: Collection, line: Line, word: str) -> bool:
    """Return whether the option that waits for a value goes without one, since the next option begins."""
    argument = _argument(tree, line.task, f"--{line.waits}")
    return argument is not None and argument.optional and word.startswith("-")


def _settled(line: Line) -> Line:
    """Return the line with no option that waits for a value."""
    return Line(line.task, {**line.given, line.waits: ""}) if line.waits else line


def _arguments(tree: Collection, task: str) -> list[Argument]:
    return list(tree[task].get_arguments()) if task else []


def _name(argument: Argument) -> str:
    return max(argument.names, key=len).replace("_", "-")


def _argument(tree: Collection, task: str, flag: str) -> Argument | None:
    return next((each for each in _arguments(tree, task) if flag in _flags(each)), None)


def _flags(argument: Argument) -> list[str]:
    return [f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}" for name in argument.names]


def _options(tree: Collection, line: Line) -> dict[str, str]:
    if not line.task:
        return CORE
    arguments = _arguments(tree, line.task)
    open_ = [each for each in arguments if _name(each) not in line.given or each.kind is list]
    return {f"--{_name(each)}": each.help or "" for each in open_}


def _tasks(tree: Collection) -> dict[str, str]:
    return {name: (tree[name].__doc__ or "").strip().partition("\n")[0] for name in tree.task_names}


def _next_slot(tree: Collection, line: Line) -> str:
    """Return which option a word without a dash would be the value of; empty if it is no option's."""
    arguments = _arguments(tree, line.task)
    names = [_name(each) for each in arguments if line.task != "init"]
    needed = [_name(each) for each in arguments if each.positional]
    slots = [*needed, *(name for name in MAY_STAND_BARE if name in names and name not in needed)]
    return next((name for name in slots if name not in line.given), "")


def _of_option(line: Line, name: str, values: Values) -> Offers:
    """Return the values of an option."""
    kind = _kind(line.task, name)
    if kind in _FIXED:
        return Offers(_FIXED[kind])
    if kind in {"", "file"}:
        return Offers(files=kind == "file")
    more = CONTAINERS if kind == "service" and line.task in {"ops.logs", "ops.exec"} else {}
    return Offers({**values(kind, line), **more})


def _kind(task: str, name: str) -> str:
    """Return of what kind an option's values are; empty for what only a person knows."""
    if task == "init":
        return ""
    if name == "to":
        return "release" if task == "deploy.rollback" else "file"
    if name in {"service", "tag", "env", *_FIXED}:
        return name
    return "file" if name in FILES else ""


_FIXED: Mapping[str, Mapping[str, str]] = {
    "shell": {"bash": "", "zsh": "", "fish": ""},
    "strategy": {"blue-green": "no request is lost", "recreate": "stop the live release first (downtime)"},
}
"""Options with few values."""
