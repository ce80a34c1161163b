"""Which names the stanzas of a compose file use, and which of them they cannot do without. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from behindy_ops.env.dialect import EnvText
from behindy_ops.env.dialect import parse as parse_env
from behindy_ops.project.compose import parse_yaml as parse_compose
from behindy_ops.project.interpolation import all_names, required_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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


def read(compose_text: str, example_text: str) -> Wanted:
    """Read the compose file and the example beside it; a name the example has in a comment (``#NAME=``) is known too.

    :raises Kind.COMPOSE_INVALID: the first is no YAML.
    """
    document = parse_compose(compose_text)
    stanzas = document.get("services") if isinstance(document, dict) else None
    stanzas = stanzas if isinstance(stanzas, dict) else {}
    used = {str(name): _names(stanza, all_names) for name, stanza in stanzas.items()}
    required: dict[str, tuple[str, ...]] = {}
    for service, stanza in stanzas.items():
        for name in _names(stanza, required_names):
            required[name] = (*required.get(name, ()), str(service))
    example = parse_env(example_text)
    commented = parse_env("\n".join(line.lstrip("#") for line in example_text.splitlines() if "=" in line))
    known = {*example.names, *commented.names, *(name for names in used.values() for name in names)}
    return Wanted(used, required, frozenset(known), _placeholders(example, required))


def _placeholders(example: EnvText, required: Iterable[str]) -> dict[str, str]:
    return {entry.name: entry.value for entry in example.entries if entry.value and entry.name in set(required)}


def _names(stanza: object, look: Callable[[str], Iterator[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for text in _texts(stanza) for name in look(text)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "x-deploy":
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
