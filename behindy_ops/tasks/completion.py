"""Have a shell complete tasks, options and values: the script it reads, and what that asks at each TAB."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from invoke import Context

from behindy_ops.errors import Kind
from behindy_ops.tasks.client import here
from behindy_ops.tasks.options import task

if TYPE_CHECKING:
    from invoke import Collection

    from behindy_ops.project.project import Project
    from behindy_ops.tasks.offers import Line

FILES = ":files"
"""The line that says that a file may be named, too; no value begins so."""


TREE: list[Collection] = []
"""All tasks: those of the package, or what our program has loaded of the project beside them."""


@task(hostless=True, positional=["shell"], help={"shell": "bash, zsh or fish"})
def completion(_: Context, shell: str) -> None:
    """Print what makes a shell complete tasks, options and values."""
    from behindy_ops.tasks import shells

    if shell == shells.ASKS:
        words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
        print("".join(f"{line}\n" for line in answer(words)), end="")
        return
    if shell not in shells.SCRIPTS:
        raise Kind.USAGE(f"There is no completion for {shell!a}.", remedy="Choose one of: bash, zsh, fish.")
    print(shells.SCRIPTS[shell], end="")


def answer(words: list[str]) -> Iterable[str]:
    """Yield a line for each value that may be typed next, with what it is behind a tab."""
    from behindy_ops.tasks.offers import offers

    found = offers(TREE[-1], words, _Values(here()))
    if found.files:
        yield FILES
    for value, about in found.values.items():
        yield f"{value}\t{about}".rstrip("\t")


class _Values:
    """Which values there are of a kind."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def __call__(self, kind: str, line: Line) -> Mapping[str, str]:
        if kind == "service":
            return dict.fromkeys(self._containers(), "service")
        if kind == "env":
            return dict.fromkeys(environments(self._project), "environment")
        return self._on_the_host(kind, line)

    def _containers(self) -> dict[str, str]:
        """Return the services, and what each one's container is called."""
        from behindy_ops.project.compose import deployable_names

        return deployable_names(self._project.compose_file)

    def _on_the_host(self, kind: str, line: Line) -> Mapping[str, str]:
        from behindy_ops.tasks.remembered import known

        containers = self._containers()
        asked = line.given.get("service") or line.task.removeprefix("deploy.")
        environ = os.environ | ({"BEHINDY_ENV": line.given["env"]} if line.given.get("env") else {})
        about = known(self._project, environ)
        chosen = [containers.get(asked, asked)] if asked not in ("all", "check") else list(containers.values())
        return {value: said for name in chosen for value, said in about.get(name, {}).get(kind, {}).items()}


def environments(project: Project) -> list[str]:
    """Return the names of the environments whose settings are here."""
    from behindy_ops.project import place, pyproject
    from behindy_ops.tasks.remembered import PLAIN

    files = (name for file in project.root.glob(".env.*") if PLAIN(name := file.name.removeprefix(".env.")))
    tables = place.pyproject(project.root / pyproject.FILE).get("environments", {})
    made = ["sandbox"] if (project.root / ".sandbox").is_dir() else []
    return sorted({*files, *(tables if isinstance(tables, dict) else ()), *made} - {"example"})
