"""The program behind `./inv` and `behindy-ops`: Invoke's own, with the tasks by group, and near names for a typo."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import invoke
from invoke import Exit, ParseError, ParseResult, Program

import behindy_ops
from behindy_ops.errors import CALLED, BehindyError, Kind
from behindy_ops.project.place import PROJECT, TASKS, find, has_our_tasks
from behindy_ops.tasks import root
from behindy_ops.tasks.client import here
from behindy_ops.tasks.completion import TREE
from behindy_ops.tasks.guard import DEBUG, ending, fail, wants_json
from behindy_ops.tasks.options import KNOWN

if TYPE_CHECKING:
    from invoke import Collection

NAME = "behindy-ops"

_CALLER = "BEHINDY_CALLER"
"""The variable in which the script `inv` of a clone says where it was called from; it has changed to its own folder."""

_WIDTH = 80

_RUN_A_COMMAND = {"ops.exec": "ops.exec SERVICE", "ops.run": "ops.run SERVICE", "sandbox.ssh": "sandbox.ssh"}
"""Tasks that run what stands behind ``--``, which is easily left out, and what stands before it."""


class Inv(Program):
    """Invoke's program, for people.

    Args:
        called: what is typed to run it.
    """

    def __init__(self, called: str = "inv") -> None:
        version = f"{behindy_ops.__version__} (Invoke {invoke.__version__})"
        names = list(dict.fromkeys((Path(called).name, "inv", "invoke")))
        super().__init__(name=NAME, version=version, binary=called, binary_names=names)

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002 - Invoke calls it that
        """Do what a command line says; Ctrl-C before there is a task is an end as any other, not Invoke's silent 1."""
        try:
            super().run(argv, exit)
        except SystemExit as end:
            if end.code == Kind.UNEXPECTED.exit_code and isinstance(end.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the options before the first task. Compiled modules are kept, so that the next run starts faster."""
        never = sys.dont_write_bytecode
        super().parse_core(argv)
        sys.dont_write_bytecode = never

    def load_collection(self) -> None:
        """Load the tasks of the project; of one without a ``tasks.py`` of ours, those of the package."""
        if self.args["search-root"].value or self.args.collection.value:
            super().load_collection()
            return
        project = here()
        if not has_our_tasks(project.root):
            self.config.set_project_location(str(project.root))
            self.config.load_project()
            self.collection = root(project)
            return
        self.args["search-root"].value = str(project.root)
        try:
            super().load_collection()
        except (BehindyError, Exit):
            raise
        except Exception as error:
            if os.environ.get(DEBUG) == "1":
                raise
            raise Kind.USAGE(
                f"{project.root / TASKS} cannot be loaded: {type(error).__name__}: {error}",
                remedy=f"Correct it, or install what it imports beside {NAME}. For the whole of it: {DEBUG}=1",
            ) from error

    def parse_tasks(self) -> None:
        """Read the tasks of the command line; a group's name alone shows what is in it."""
        match self.core.unparsed:
            case [] if self.args.list.value:
                self.tasks = ParseResult()  # to find that out, Invoke copies the options of every task: 10 ms
                return
            case [group] if group in self.collection.collections:
                self._show(group_lines(self.collection, group))
        KNOWN.update(self.collection.task_names)
        TREE[:] = [self.collection]
        try:
            super().parse_tasks()
        except ParseError as error:
            self._refuse(error)

    def parse_cleanup(self) -> None:
        """Do what the options ask that are not a task's, such as ``--list``."""
        if self.args.help.value in self.collection.collections:
            self._show(group_lines(self.collection, self.args.help.value))
        try:
            super().parse_cleanup()
        except ParseError as error:
            self._refuse(error)

    def no_tasks_given(self) -> None:
        """Show the groups of tasks."""
        self._show([*overview_lines(self.collection), "", *self._hints()])

    def _hints(self) -> Iterator[str]:
        for words, effect in (
            ("GROUP", "what is in a group, such as deploy"),
            ("--help TASK", "the options of a task"),
            ("--list", "every task, with a line on each"),
        ):
            yield f"{f'{self.binary} {words}':<24} {effect}"

    def _show(self, lines: Iterable[str]) -> None:
        print("\n".join(lines))
        raise Exit

    def _refuse(self, error: ParseError) -> None:
        what, remedy = explained(error, self.collection.task_names)
        fail(Kind.USAGE(what, remedy=remedy.format(inv=self.binary)), json=wants_json(self.argv[1:]))


def explained(error: ParseError, names: Iterable[str]) -> tuple[str, str]:
    """Return what is wrong on a command line, and what to type; ``{inv}`` in it is how the program is called.

    Args:
        names: of all tasks.
    """
    task = getattr(error.context, "name", None)
    every_option = f"See all its options: {{inv}} --help {task}" if task else "See all options: {inv} --help"
    unknown = re.fullmatch(r"No idea what '(.*)' is!", str(error), re.DOTALL)
    if unknown is None:
        return _plainly(str(error)), every_option
    word = unknown[1]
    if word.startswith("-"):
        flags = getattr(error.context, "flags", {})
        import difflib

        near = difflib.get_close_matches(word, flags, n=3)
        return f"{task or 'inv'} has no option {word!a}.", f"{_did_you_mean(near)}{every_option}"
    if about := _RUN_A_COMMAND.get(task or ""):
        return f"There is no task {word!a}.", f"What it is to run stands behind --, such as: {{inv}} {about} -- env"
    if "--file" in getattr(error.context, "flags", {}) and "." not in word:
        return f"There is no task {word!a}, and no such file here.", every_option
    names = list(names)
    groups = dict.fromkeys(name.partition(".")[0] for name in names if "." in name)
    return f"There is no task {word!a}.", f"{_did_you_mean(nearest(word, [*names, *groups]))}See all tasks: {{inv}}"


def _plainly(text: str) -> str:
    """Return Invoke's complaint of a command line in plain words, if it is one of the usual."""
    if lacks := re.fullmatch(r"'(.*)' did not receive required positional arguments: (.*)", text):
        return f"{lacks[1]} needs {lacks[2].replace(chr(39), '').upper()}."
    if bare := re.fullmatch(r"Flag <Argument: ([\w-]+).*> needed value and was not given one!", text):
        return f"--{bare[1]} needs a value."
    return f"{text.rstrip('.!')}."


def nearest(word: str, names: Iterable[str]) -> list[str]:
    """Return up to three names that are like a word, in whole or in what follows the dot; the likest first."""
    from difflib import SequenceMatcher

    names = list(names)
    last = word.rpartition(".")[2]

    def likeness(name: str) -> float:
        whole = SequenceMatcher(a=word, b=name).ratio()
        return max(whole, SequenceMatcher(a=last, b=name.rpartition(".")[2]).ratio() - ("." in word) * 0.1)

    best = max(map(likeness, names), default=0.0)
    near = (name for name in names if likeness(name) >= max(best - 0.1, 0.7))
    return sorted(near, key=likeness, reverse=True)[:3]


def _did_you_mean(names: list[str]) -> str:
    return f"Did you mean: {', '.join(names)}? " if names else ""


def overview_lines(tree: Collection) -> list[str]:
    """Return every group with what it is for and the names in it, then the tasks without a group."""
    lines = []
    for group, collection in tree.collections.items():
        lines += [f"{group:<9}{_summary(collection)}", *_wrapped(collection.task_names)]
    own = [name for name in tree.task_names if "." not in name]
    return [*lines, *(["others", *_wrapped(own)] if own else [])]


def group_lines(tree: Collection, group: str) -> list[str]:
    """Return the tasks of a group, each with a line of help."""
    collection = tree.collections[group]
    names = [f"{group}.{name}" for name in collection.task_names]
    column = max(map(len, names), default=0) + 2
    tasks = [f"  {name:<{column}}{_summary(tree[name])}" for name in names]
    return [f"{group}: {_summary(collection)}", *tasks]


def _wrapped(names: Iterable[str]) -> list[str]:
    import textwrap

    indent = " " * 9
    text = " ".join(names)
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _summary(documented: object) -> str:
    return (documented.__doc__ or "").strip().partition("\n")[0]


def main() -> None:
    """Run the command line."""
    with ending(json=wants_json(sys.argv[1:])):
        _run()


def command() -> None:
    """Run the command line of the command ``behindy-ops``, which an installation has."""
    os.environ.setdefault(CALLED, NAME)
    main()


def _run() -> None:
    if caller := os.environ.pop(_CALLER, ""):
        project = find(Path(caller), os.environ)
        if project not in (None, Path.cwd()):  # a clone that works for another project
            os.chdir(caller)
        elif os.environ.get(PROJECT):  # may be relative to where it was called
            os.environ[PROJECT] = str(project)
    Inv(os.environ.get(CALLED, "inv")).run()


if __name__ == "__main__":
    main()
