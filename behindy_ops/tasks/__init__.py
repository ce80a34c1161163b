"""Thin tasks: parse, call, print.

`inv --list` imports this package and every module in it, so none imports anything heavy (Fabric, Paramiko, rich,
PyYAML) outside a function.
"""

from __future__ import annotations

import sys

from invoke import Collection

from behindy_ops.errors import BehindyError
from behindy_ops.project.compose import deployable_names
from behindy_ops.project.project import Project

__all__ = ["root"]


def root(project: Project | None = None) -> Collection:
    """Return the whole task tree, with one ``deploy.<service>`` for each service the compose file declares."""
    from behindy_ops.tasks import db, deploy, env, host, lock, ops

    tree = Collection()
    tree.add_collection(deploy.collection(_service_names(project or Project.find())), name="deploy")
    for name, module in {"ops": ops, "host": host, "env": env, "db": db, "lock": lock}.items():
        tree.add_collection(Collection.from_module(module), name=name)
    return tree


def _service_names(project: Project) -> list[str]:
    try:
        return deployable_names(project.compose_file)
    except BehindyError as error:
        # A broken compose file must not take away the tasks that help to mend it.
        print(f"No deploy.<service> tasks: {error}", file=sys.stderr)
        return []
