"""Values for the containers on the sandbox's host: made up, random where they are secret, kept between two runs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from behindy_ops.project.compose import ComposeFile

__all__ = ["complete", "render", "required_names"]

_FIXED = {"DB_USER": "behindy", "DB_NAME": "behindy", "TZ": "Asia/Seoul"}


def required_names(compose: ComposeFile) -> tuple[str, ...]:
    """Return the names that a compose file needs a value for, in the order in which they come."""
    return tuple(dict.fromkeys(name for service in compose.stanzas for name in compose.required(service)))


def complete(
    kept: Mapping[str, str],
    names: tuple[str, ...],
    fixed: Mapping[str, str],
    random_text: Callable[[], str] | None = None,
) -> dict[str, str]:
    """Return a value for each name: the fixed one, else the one that was kept, else a made-up one."""
    make = random_text or (lambda: secrets.token_hex(24))
    values = dict(kept)
    for name in names:
        if name not in values:
            values[name] = _FIXED.get(name) or make()
    return {**values, **fixed}


def render(values: Mapping[str, str]) -> str:
    """The text of the ``.env`` file. The values need no quoting: letters, digits and plain punctuation."""
    lines = [f"{name}={value}" for name, value in values.items()]
    return "\n".join(["# Made by sandbox.up; the secrets are random and worth nothing elsewhere.", *lines, ""])
