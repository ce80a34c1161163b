"""Thin tasks: parse, call, print.

`inv --list` imports this package and every module in it, so none imports anything heavy (Fabric, Paramiko, rich,
PyYAML) outside a function.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from invoke import Collection, Task

from behindy_ops.errors import CALLED, BehindyError, Kind
from behindy_ops.project.compose import deployable_names
from behindy_ops.tasks.client import here

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from behindy_ops.project.project import Project

    namespace: Collection
    """The whole task tree of the project around the working directory; see :class:`Namespace`."""

__all__ = ["namespace", "root"]


_TREES: dict[Path | None, Collection] = {}
"""The task tree of each project that this process has asked for, by its folder: a process may be of several."""


class Namespace(Collection):
    """A task tree that Invoke finds in a ``tasks.py``, and beside it the tasks that are defined there.

    Invoke itself would pass over these, since it takes a tree that is called ``namespace`` for the whole of what there
    is.
    """

    @property
    def name(self) -> str | None:
        """The tree's name, which Invoke asks for first when it takes a tree from a module."""
        for module in list(sys.modules.values()):
            if _tree_of(module) is self:
                self._adopt(module)
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name

    def _adopt(self, module: ModuleType) -> None:
        for task in list(vars(module).values()):
            if isinstance(task, Task) and task not in self.tasks.values():
                try:
                    self.add_task(task)
                except ValueError:
                    raise Kind.USAGE(
                        f"{module.__name__}.py has a task {task.name!r}, and behindy-ops a group of that name.",
                        remedy='Give it another name: @task(name="...")',
                    ) from None


def _tree_of(module: ModuleType) -> Collection | None:
    """Return the tree that Invoke takes from a module, if it has one."""
    declared = getattr(module, "__dict__", {})
    trees = (declared.get(name) for name in ("ns", "namespace"))
    return next((tree for tree in trees if isinstance(tree, Collection)), None)


def root(project: Project | None = None) -> Collection:
    """Return the whole task tree, with one ``deploy.<service>`` for each service the compose file declares."""
    from behindy_ops.tasks import db, deploy, env, host, lock, ops
    from behindy_ops.tasks.completion import TREE, completion
    from behindy_ops.tasks.init import init

    tree = Namespace()
    tree.add_task(init)
    tree.add_task(completion)
    tree.add_collection(deploy.collection(_service_names(project)), name="deploy")
    for name, module in {"ops": ops, "host": host, "env": env, "db": db, "lock": lock}.items():
        tree.add_collection(Collection.from_module(module), name=name)
    TREE[:] = [tree]
    return tree


def _service_names(project: Project | None) -> dict[str, str]:
    try:
        file = (project or here()).compose_file
        if not file.exists() and "init" in sys.argv:
            return {}  # it is about to be made
        return deployable_names(file)
    except BehindyError as error:
        # A broken compose file must not take away the tasks that help to mend it.
        called = os.environ.get(CALLED, "inv")
        print(f"No deploy.<service> tasks: {error}".replace("inv init", f"{called} init"), file=sys.stderr)
        return {}


def __getattr__(name: str) -> Collection:
    if name != "namespace":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        place = here().root
    except BehindyError:
        place = None  # root() says why
    if place not in _TREES:
        _TREES[place] = root()
    return _TREES[place]
