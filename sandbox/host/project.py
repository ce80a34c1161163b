"""A project of its own, as a copy of this one that may declare other things."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from behindy_ops.project.compose import COMPOSE_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["copy_project", "declare_replicas", "with_replicas"]

_TASKS = "from behindy_ops.tasks import root\n\nnamespace = root()\n"


def copy_project(root: Path, folder: Path, settings_file: Path) -> None:
    """Make a project of its own in a folder: the Compose file, nginx's and the settings that lead to a host."""
    for name in ("compose", "nginx"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns(".env"))
    (folder / "tasks.py").write_text(_TASKS, encoding="ascii")
    shutil.copy(settings_file, folder / settings_file.name)


def declare_replicas(root: Path, folder: Path, replicas: Mapping[str, int]) -> None:
    """Have the copy in ``folder`` declare so many replicas of services of ``root``."""
    text = (root / COMPOSE_FILE).read_text(encoding="utf-8")
    (folder / COMPOSE_FILE).write_text(with_replicas(text, replicas), encoding="utf-8")


def with_replicas(text: str, replicas: Mapping[str, int]) -> str:
    """Return a Compose file, as this project writes it, that declares so many replicas of each service.

    Raises:
        ValueError: a service has no ``x-deploy`` there.
    """
    for service, count in replicas.items():
        stanza = rf"(^  {re.escape(service)}:\n(?:    .*\n|\s*\n)*?    x-deploy:\n)"
        text, found = re.subn(stanza, rf"\g<1>      replicas: {count}\n", text, flags=re.MULTILINE)
        if not found:
            raise ValueError(f"{service} has no x-deploy")
    return text
