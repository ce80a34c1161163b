"""The page of tasks: what each does, and its options, as the tree of tasks has them."""

from __future__ import annotations

import inspect
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.tasks.options import ENV
from sandbox.reference.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from invoke import Collection
    from invoke.parser.argument import Argument

    from sandbox.reference.markdown import Page

SERVICE = "deploy.SERVICE"
"""The one entry for the task of each service."""

OWN = "This repository's own"
"""The group of tasks that a project of one's own does not have."""

_VALUES = {
    "wait": "DURATION",
    "watch": "DURATION",
    "every": "SECONDS",
    "since": "TIME",
    "grep": "TEXT",
    "tail": "LINES",
    "strategy": "recreate",
    "part": "2/4",
    "to": "PATH",
    "deploy.rollback to": "RELEASE",
    "fingerprint": "SHA256:...",
    "message": "TEXT",
    "comment": "TEXT",
    "k": "EXPRESSION",
    "from": "ADDRESSES",
    "from-local": "TAG",
    "page": "FILE",
    "html": "[FILE]",
    "join": "user@host:port",
    "edge": "user@host:port",
    "advertise": "ADDRESS",
    "email": "ADDRESS",
    "leave": "NODE",
    "init service": "NAME,...",
}
"""What stands behind an option, where its own name in capitals would say less."""

_BEHIND = {"ops.exec": "-- COMMAND", "ops.run": "-- COMMAND", "sandbox.ssh": "[-- COMMAND]"}


@dataclass(frozen=True)
class Option:
    """An option of a task.

    Attributes:
        names: with their dashes, the longest first, with what stands behind it.
        bare: the value may, or has to, stand right behind the task's name; then what it is called there.
    """

    names: tuple[str, ...]
    help: str
    required: bool = False
    bare: str = ""


@dataclass(frozen=True)
class Entry:
    """A task as the page has it.

    Attributes:
        does: its paragraphs; the first is what a list of tasks shows.
        host: it talks to a host, so it takes ``--env``.
    """

    name: str
    does: tuple[str, ...]
    options: tuple[Option, ...]
    host: bool

    @property
    def usage(self) -> str:
        """What is typed."""
        bare = [option.bare if option.required else f"[{option.bare}]" for option in self.options if option.bare]
        others = any(not option.bare for option in self.options)
        needed = [option.names[0] for option in self.options if option.required and not option.bare]
        words = ["inv", self.name, *bare, *needed, *(["[OPTIONS]"] if others else []), _BEHIND.get(self.name, "")]
        return " ".join(word for word in words if word)


def entries(tree: Collection, services: Iterable[str]) -> dict[str, list[Entry]]:
    """Return every task of a tree by its group, ``""`` for those without one; those of services are one."""
    of_services = {f"deploy.{service}" for service in services}
    found: dict[str, list[Entry]] = {}
    for name in tree.task_names:
        shown = SERVICE if name in of_services else name
        group = name.partition(".")[0] if "." in name else ""
        if shown not in [entry.name for entry in found.get(group, [])]:
            found.setdefault(group, []).append(_entry(tree, name, shown))
    return found


def _entry(tree: Collection, name: str, shown: str) -> Entry:
    task = tree[name]
    told = inspect.cleandoc(task.__doc__ or "")
    if shown == SERVICE:
        told = re.sub(rf"\b{re.escape(name.partition('.')[2])}\b", "SERVICE", told)
    arguments = deepcopy(task).get_arguments()  # which takes the help away from the task, as it makes them
    options = tuple(_option(shown, argument) for argument in arguments if argument.name != ENV)
    does = tuple(" ".join(part.split()) for part in told.split("\n\n") if part.strip())
    return Entry(shown, does, options, any(argument.name == ENV for argument in arguments))


def _option(task: str, argument: Argument) -> Option:
    names = sorted((name.replace("_", "-") for name in argument.names), key=len, reverse=True)
    dashed = [f"-{name}" if len(name) == 1 else f"--{name}" for name in names]
    if argument.kind is not bool:
        dashed[0] += f" {_value(argument, task, names[0])}"
    required = argument.default is None and argument.kind is not bool and not argument.optional
    bare = names[0].upper() if required and argument.positional else ""
    if names[0] in {"service", "file", "tag"} and argument.kind is str:
        bare = names[0].upper()
    return Option(tuple(dashed), " ".join((argument.help or "").split()), required, bare)


def _value(argument: Argument, task: str, name: str) -> str:
    own = "N" if argument.kind in {int, float} else name.upper()
    return _VALUES.get(f"{task} {name}", _VALUES.get(name, own))


def page(page: Page, tree: Collection, services: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the page."""
    found = entries(tree, services)
    yield from (f"# {page.text('Tasks')}", "")
    yield from page.paragraphs(_ABOVE)
    alone = {entry.name: entry for entry in found.pop("")}
    own = [entry for name, entry in alone.items() if name not in _OF_ALL] + found.pop("sandbox", [])
    for name, summary in _OF_ALL.items():
        yield from _section(page, name, summary, [alone[name]])
    for group, tasks in found.items():
        yield from _section(page, group, _summary(tree.collections[group]), tasks)
    yield from _section(page, page.text(OWN), _OF_OWN, own)


_OF_ALL = {
    "init": "Begin with a project of your own.",
    "completion": "Have TAB complete tasks, options and values.",
}
"""What stands in no group, and in every project."""

_ABOVE = """
Made from the code by ./inv docs; what a task says with --help is the same. Options that take a value take it as
`--name VALUE` or `--name=VALUE`. A duration is a number of seconds, or something like `30s`, `10m`, `1m30s`.

Each task that talks to a host takes `--env NAME`, too: the environment whose settings are read, as with
`BEHINDY_ENV=NAME`. In a project of your own, `behindy-ops TASK` is what `inv TASK` is here.

What ends with which code: docs/reference/exit-codes.md. What --json prints: docs/reference/json.md.
"""
_OF_OWN = """
A throwaway host to try things on, the demonstration, the measurements and the tests. Your project has none of these.
"""


def _summary(collection: Collection) -> str:
    return (collection.__doc__ or "").strip().partition("\n")[0]


def _section(page: Page, title: str, summary: str, tasks: Iterable[Entry]) -> Iterator[str]:
    yield from (f"## {title}", "", *page.paragraphs(summary))
    for entry in tasks:
        if entry.name != title:
            yield from (f"### {entry.name}", "")
        yield from (f"`{entry.usage}`", "")
        yield from page.paragraphs("\n\n".join(entry.does))
        if entry.options:
            head = (page.text("option"), page.text("meaning"))
            yield from (*table(head, [_cells(page, option) for option in entry.options]), "")


def _cells(page: Page, option: Option) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in ([option.bare] if option.bare else []) + list(option.names))
    needed = f"{page.text('required;')} " if option.required else ""
    return names, f"{needed}{page.text(option.help)}"
