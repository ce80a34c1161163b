"""Which names the stanzas of a compose file use, and which of them they cannot do without. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.project.dotenv import parse as parse_env

if TYPE_CHECKING:
    from behindy_ops.project.compose import ComposeFile

__all__ = ["Wanted", "read"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a complete ``.env`` has.

    :param used: service (infrastructure too) to the names its stanza refers to, in its order.
    :param required: name to the services whose stanzas have no default for it.
    :param known: every name that the stanzas use or the example explains.
    :param examples: name to the value that the example gives it, where that is neither empty nor a default.
    """

    used: dict[str, tuple[str, ...]]
    required: dict[str, tuple[str, ...]]
    known: frozenset[str]
    examples: dict[str, str]


def read(compose: ComposeFile, example_text: str) -> Wanted:
    """Read the compose file and its example; a name the example has in a comment (``#NAME=``) is known too."""
    used = {name: compose.used(name) for name in compose.stanzas}
    required: dict[str, tuple[str, ...]] = {}
    for service in compose.stanzas:
        for name in compose.required(service):
            required[name] = (*required.get(name, ()), service)
    example = parse_env(example_text)
    commented = parse_env("\n".join(line.lstrip("#") for line in example_text.splitlines() if "=" in line))
    known = {*example.names, *commented.names, *(name for names in used.values() for name in names)}
    examples = {entry.name: entry.value for entry in example.entries if entry.value and entry.name in required}
    return Wanted(used, required, frozenset(known), examples)
