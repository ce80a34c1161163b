"""Tasks that only make sense in this repository: the throwaway host, the demo, the benchmark, the tests and lint.

As those of the package, none imports anything heavy outside a function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

if TYPE_CHECKING:
    from typing import Any

__all__ = ["add_to"]


def add_to(tree: Collection) -> Collection:
    """Add this repository's own tasks to a tree, and return it."""
    from sandbox.tasks import bench, demo, docs, quality, record, sandbox

    modules: tuple[Any, ...] = (demo, bench, record, quality, docs)
    tree.add_collection(Collection.from_module(sandbox), name="sandbox")
    for module in modules:
        for task in Collection.from_module(module).tasks.values():
            tree.add_task(task)
    return tree
