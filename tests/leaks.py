"""Whether a text shows a value, in whatever form."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["forms", "leaks"]


def forms(name: str, value: str) -> Iterator[str]:
    """The forms in which a program may print a value, alone or within something else."""
    yield from (value, repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False))
    yield from (json.dumps({name: value}), quote(value), quote(value, safe=""), quote_plus(value), quote(value).lower())
    for around in ("{}", "x{}", "xx{};", f"{name}={{}}"):
        body = around.format(value).encode()
        yield from (base64.b64encode(body).decode(), base64.urlsafe_b64encode(body).decode())


def leaks(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the names of the values that a text shows: whole, a line of one, or its core in base64."""
    return [name for name, value in values.items() if any(form in text for form in _telling(value))]


def _telling(value: str) -> Iterator[str]:
    yield from (line for line in value.split("\n") if len(line) > 3)
    yield from (quote(value), quote(value, safe=""), quote_plus(value), quote(value).lower())
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    raw = value.encode()
    for before in range(3):  # all that depends on no byte beside it
        text = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        core = text[before and before + 1 : (before + len(raw)) * 8 // 6]
        yield from (core, core.replace("+", "-").replace("/", "_"))
