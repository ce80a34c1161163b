"""Settings in a project's ``pyproject.toml``: ``[tool.behindy-ops]``, and one table below it for each environment.

A key is a setting's name in lower case without ``BEHINDY_``. The file is read by everybody, so it has no secrets.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behindy_ops.errors import BehindyError
from behindy_ops.project import place

FILE = "pyproject.toml"
TABLE = "tool.behindy-ops"
_BESIDE = ("environments", "project", "registries")
"""Keys of the table that are no settings; ``project`` says where the project is."""

_SHAPES: Mapping[str, tuple[str, type]] = {
    "port": ("a number", int),
    "ipv6": ("true or false", bool),
    "confirm": ("true or false", bool),
    "trusted_proxies": ("a list of strings", list),
}
"""What else than a string a key may have, in words, and its type."""


@dataclass(slots=True)
class Declared:
    """What the file has: values by the settings' names.

    Attributes:
        common: those for every environment.
        own: those of each environment that has a table.
        registries: the table of logins to registries, unread.
        mistakes: one line each, with the path of the key and never a value.
    """

    common: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)
    registries: object = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def key_of(name: str) -> str:
    """Return the key of a setting: ``image_prefix`` for ``BEHINDY_IMAGE_PREFIX``."""
    return name.removeprefix("BEHINDY_").lower()


def table_of(environment: str) -> str:
    """Return the name of an environment's table."""
    return f"{TABLE}.environments.{environment}"


def read_pyproject(root: Path, names: Collection[str], secret: Collection[str]) -> Declared:
    """Read the file in the project's folder; without one, nothing is declared.

    Args:
        names: of all settings.
        secret: those of them that are refused here.
    """
    declared = Declared()
    try:
        table = place.pyproject(root / FILE)
    except BehindyError as error:
        declared.mistakes.append(error.what)
        return declared
    reader = _Reader({key_of(name): name for name in names}, secret, declared.mistakes)
    declared.registries = table.get("registries", {})
    declared.common = reader.values(table, TABLE, _BESIDE)
    environments = table.get("environments", {})
    if not isinstance(environments, dict):
        declared.mistakes.append(f"{TABLE}.environments ({FILE}): a table for each environment is needed")
        return declared
    declared.own = {name: reader.values(own, table_of(name)) for name, own in environments.items()}
    return declared


@dataclass(frozen=True, slots=True)
class _Reader:
    keys: Mapping[str, str]
    secret: Collection[str]
    mistakes: list[str]

    def values(self, table: object, path: str, beside: Collection[str] = ()) -> dict[str, str]:
        """Return what a table has, by the settings' names, and note what is wrong with it."""
        if not isinstance(table, dict):
            self.mistakes.append(f"{path} ({FILE}): a table is needed")
            return {}
        found = {}
        for key, value in table.items():
            if key in beside:
                continue
            wrong = self._wrong(key, value, beside)
            if wrong:
                self.mistakes.append(f"{path}.{key} ({FILE}): {wrong}")
            else:
                found[self.keys[key]] = _text(value)
        return found

    def _wrong(self, key: str, value: object, beside: Collection[str]) -> str:
        name = self.keys.get(key)
        if name is None:
            plain = key.lower().replace("-", "_").removeprefix("behindy_")
            near = difflib.get_close_matches(plain, [*self.keys, *beside], n=1, cutoff=0.75)
            hint = f"did you mean {near[0]}?" if near else "see .env.example for all names"
            return f"there is no such setting; {hint}"
        if name in self.secret:
            return f"a secret does not belong into a file that everybody reads; set {name} in the environment or .env"
        words, shape = _SHAPES.get(key, ("", str))
        # True is an int to Python, and not to whoever wrote it.
        fits = isinstance(value, str) or type(value) is shape
        if fits and isinstance(value, list):
            fits = all(isinstance(part, str) for part in value)
        return "" if fits else f"{f'{words}, or ' if words else ''}a string is needed"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
