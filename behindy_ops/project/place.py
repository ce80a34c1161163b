"""Where the project is: which folder is meant by a command that is typed somewhere in it.

The task list waits for this module, so what only some projects need is imported in functions.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind
from behindy_ops.project.compose import COMPOSE_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT = "BEHINDY_PROJECT"
"""The variable that names the project's folder."""

TASKS = "tasks.py"


def find(start: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the project's folder, seen from a folder.

    It is what ``BEHINDY_PROJECT`` says, else what ``project`` says in the ``[tool.behindy-ops]`` of a
    ``pyproject.toml``, else the one with a compose file or a ``tasks.py`` of ours; in each case the nearest, from
    ``start`` upwards to the root of its repository.

    Args:
        start: an absolute path; what ``BEHINDY_PROJECT`` says may be relative to it.

    Returns:
        None if there is none.

    Raises:
        Kind.SETTINGS: what names the folder does not name one.
    """
    if named := environ.get(PROJECT, "").strip():
        return _folder(start, named, f"{PROJECT}: ")
    around = list(_around(start))
    for folder in around:
        file = folder / "pyproject.toml"
        if (setting := pyproject(file).get("project")) is not None:
            return _folder(folder, setting, f"{file}: tool.behindy-ops.project: ")
    return next((folder for folder in around if _is_project(folder)), None)


def compose_file(folder: Path) -> Path:
    """Return a project's compose file, or where the first of those it may have would be."""
    candidates = [folder / name for name in COMPOSE_FILES]
    return next(filter(Path.is_file, candidates), candidates[0])


def has_our_tasks(folder: Path) -> bool:
    """Return whether a folder has a ``tasks.py`` that uses this package; others have files of that name, too."""
    file = folder / TASKS
    return file.is_file() and b"behindy_ops" in file.read_bytes()


def pyproject(file: Path) -> Mapping[str, Any]:
    """Return the ``[tool.behindy-ops]`` of a ``pyproject.toml``; empty if there is none.

    Raises:
        Kind.SETTINGS: the file cannot be read.
    """
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise Kind.SETTINGS(f"{file} cannot be read: {error.strerror}.", remedy="Correct it and run again.") from None
    if not re.search(rb"(?m)\btool\b.*behindy-ops|^\s*\[\s*tool\s*\]", content):
        return {}  # most have none, and to read TOML takes its time
    import tomllib

    try:
        table = tomllib.loads(content.decode("utf-8")).get("tool", {}).get("behindy-ops", {})
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Kind.SETTINGS(f"{file} cannot be read: {error}.", remedy="Correct it and run again.") from None
    if not isinstance(table, dict):
        raise Kind.SETTINGS(f"{file}: tool.behindy-ops is not a table.", remedy="Write [tool.behindy-ops] above it.")
    return table


def _around(start: Path) -> Iterator[Path]:
    """Yield a folder and those above it, up to the root of its repository: what is above belongs to something else."""
    for folder in (start, *start.parents):
        yield folder
        if (folder / ".git").exists():
            return


def _is_project(folder: Path) -> bool:
    return compose_file(folder).is_file() or has_our_tasks(folder)


def _folder(base: Path, named: object, where: str) -> Path:
    if isinstance(named, str) and named and (folder := base / Path(named).expanduser()).is_dir():
        return folder.resolve()
    raise Kind.SETTINGS(f"{where}{str(named)!a} is not a folder.", remedy="Name the folder of the project.")
