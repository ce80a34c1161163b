"""Whether a text shows a value, in whatever form."""

from __future__ import annotations

import base64
import json
import re
import shlex
import textwrap
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Search", "forms", "leaks"]

WINDOW = 12
"""Letters of base64 that are one value's and no other's."""


def forms(name: str, value: str) -> Iterator[str]:
    """The forms in which a program may print a value, alone or within something else."""
    yield from (value, repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False))
    yield from (json.dumps({name: value}), quote(value), quote(value, safe=""), quote_plus(value))
    yield from (_lower(quote(value)), shlex.quote(value), value.encode().hex(), value.encode().hex().upper())
    for around in ("{}", "x{}", "xx{};", f"{name}={{}}"):
        body = around.format(value).encode()
        yield from (base64.b64encode(body).decode(), base64.urlsafe_b64encode(body).decode())
        yield "\n".join(textwrap.wrap(base64.b64encode(body).decode(), 76))


def leaks(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the names of the values that a text shows: whole, a line of one, or a part of it in base64."""
    return Search(values).leaks(text)


class Search:
    """What tells the values, prepared once."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._telling = {name: tuple(dict.fromkeys(_telling(value))) for name, value in values.items()}
        self._windows = {window: name for name, value in values.items() for window in _windows(value)}

    def leaks(self, text: str) -> list[str]:
        """Return the names of the values that a text shows, in the order in which they were given."""
        shown = {name for name, telling in self._telling.items() if any(form in text for form in telling)}
        for word in re.findall(rf"[A-Za-z0-9+/_-]{{{WINDOW},}}", text):
            shown |= {
                self._windows[word[at : at + WINDOW]]
                for at in range(len(word) - WINDOW + 1)
                if word[at : at + WINDOW] in self._windows
            }
        return [name for name in self._telling if name in shown]


def _telling(value: str) -> Iterator[str]:
    for line in (line for line in (*value.split("\n"), value) if len(line) > 3):
        yield from (line, shlex.quote(line)[1:-1] if "'" in line else line, line.replace("'", "'\\''"))
        yield re.sub(r'(["$`\\])', r"\\\1", line)
    yield from (quote(value), quote(value, safe=""), quote_plus(value), _lower(quote(value)))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    yield from (value.encode().hex(), value.encode().hex().upper())
    if len(value.encode()) < WINDOW:
        yield from _cores(value)


def _windows(value: str) -> Iterator[str]:
    for core in _cores(value):
        yield from (core[at : at + WINDOW] for at in range(len(core) - WINDOW + 1))


def _cores(value: str) -> Iterator[str]:
    """Of each place that the value can begin at within base64: all that depends on no byte beside it."""
    raw = value.encode()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        core = text[before and before + 1 : (before + len(raw)) * 8 // 6]
        yield from (core, core.replace("+", "-").replace("/", "_"))


def _lower(quoted: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
