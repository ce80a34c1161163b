"""Names and values from ``.env`` files, with everything that is wrong in them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["EnvFile", "read_env_file", "unknown_names"]


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file says: its values, and one line for each mistake in it."""

    values: dict[str, str]
    mistakes: tuple[str, ...] = ()


def read_env_file(path: Path) -> EnvFile:
    """Read one file as python-dotenv does, without interpolation (a ``$`` in a password is a ``$``).

    A file that is not there says nothing. A line that python-dotenv would skip with a warning is a mistake here. No
    mistake repeats a line, because any line may hold a secret.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return EnvFile({})
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return EnvFile({}, (f"{path.name}: cannot be read: {reason}",))
    values: dict[str, str] = {}
    mistakes: list[str] = []
    for binding in parse_stream(StringIO(text)):
        line = binding.original.line + _blank_lines_before(binding.original.string)
        if binding.error or (binding.key is not None and binding.value is None):
            mistakes.append(f"{path.name}, line {line}: not of the form NAME=value")
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    return EnvFile(values, tuple(mistakes))


def unknown_names(values: Collection[str], known: Collection[str], where: str, *, prefix: str) -> list[str]:
    """One mistake for each name that starts with the prefix but is not known, with the nearest known one."""
    mistakes = []
    for name in values:
        if name.startswith(prefix) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
            hint = f"did you mean {near[0]}?" if near else "see .env.example for all names"
            mistakes.append(f"{name} ({where}): there is no such setting; {hint}")
    return mistakes


def _blank_lines_before(text: str) -> int:
    """python-dotenv counts blank lines before a binding as its first lines."""
    return text[: len(text) - len(text.lstrip())].count("\n")
