"""The containers' values that the checkout declares: which names its services use, and which they need. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.dotenv import parse as parse_env


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a complete ``.env`` has.

    Attributes:
        used: services (infrastructure too) to the names their stanzas refer to, in their order.
        required: names to the services whose stanzas have no default for them.
        known: every name that the stanzas use or the example explains.
        examples: names to the values that the example gives them, where these are neither empty nor a default.
    """

    used: dict[str, tuple[str, ...]]
    required: dict[str, tuple[str, ...]]
    known: frozenset[str]
    examples: dict[str, str]


def wanted(compose: ComposeFile, example_text: str) -> Wanted:
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
