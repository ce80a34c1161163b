"""Compose's ``${NAME}`` references: which a text holds, and what it becomes with values filled in.

The forms are Compose's: ``$NAME``, ``${NAME}``, ``${NAME:-default}``, ``${NAME-default}``, ``${NAME:?message}``,
``${NAME?message}``, ``${NAME:+other}``, ``${NAME+other}``, and ``$$`` for a dollar. Defaults may hold references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_OPENING = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<operator>:?[-?+])?)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Reference:
    """``${name operator word}``; the operator is empty for a plain ``${name}``."""

    name: str
    operator: str
    word: str


def references(text: str) -> Iterator[Reference]:
    """Yield the references in a text, in order; those in another's default stand in its ``word``."""
    yield from (part for part in _parts(text) if isinstance(part, Reference))


def required_names(text: str) -> Iterator[str]:
    """Yield the names without which the text cannot be filled in; one that is only in another's default is not."""
    yield from (reference.name for reference in references(text) if reference.operator in {"", "?", ":?"})


def all_names(text: str) -> Iterator[str]:
    """Yield every name the text refers to, those in defaults too."""
    for reference in references(text):
        yield reference.name
        yield from all_names(reference.word)


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every reference replaced; an empty value counts as none.

    Raises:
        KeyError: a name without a default has no value.
    """
    return "".join(part if isinstance(part, str) else _value(part, values) for part in _parts(text))


def _value(reference: Reference, values: Mapping[str, str]) -> str:
    value = values.get(reference.name, "")
    if reference.operator.endswith("+"):
        return fill_in(reference.word, values) if value else ""
    if not value and reference.operator.endswith("-"):
        return fill_in(reference.word, values)
    if not value:
        raise KeyError(reference.name)
    return value


def _parts(text: str) -> Iterator[str | Reference]:
    """Literal texts and references, in order."""
    at = 0
    for match in _OPENING.finditer(text):
        if match.start() < at:
            continue  # inside the default of the reference before it
        yield text[at : match.start()]
        if match["dollar"]:
            at = match.end()
            yield "$"
        elif match["bare"]:
            at = match.end()
            yield Reference(match["bare"], "", "")
        else:
            end = _closing(text, match.end())
            yield Reference(match["braced"], match["operator"] or "", text[match.end() : end])
            at = end + 1
    yield text[at:]


def _closing(text: str, at: int) -> int:
    """Where the brace opened before ``at`` closes, or the end of the text."""
    depth = 1
    for index in range(at, len(text)):
        if text.startswith("${", index):
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index
    return len(text)
