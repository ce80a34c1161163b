"""What a script on the host printed, taken apart: the one format in which scripts answer. Pure.

A line is a word and what belongs to it, such as ``state running``, or JSON as Docker gives it. A short answer is just
such lines. A long one has sections, each under a line ``<mark> <name>``; a section that failed says so by a line
``<mark> <name>! <exit code>`` within it, and why under ``<mark> <name>.err``; the last line is ``<mark> end``. The mark
is random, so nothing that is printed can look like one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from behindy_ops.errors import RemoteCommandFailed


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; a short one is its section ``""``.

    Attributes:
        sections: the lines of each section, by its name.
        problems: why sections failed, by their name.
    """

    sections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    def text(self, section: str = "") -> str:
        return "\n".join(self.sections.get(section, ()))

    def lines(self, section: str = "") -> list[str]:
        """Return the lines that are not blank."""
        return [line for line in self.sections.get(section, ()) if line.strip()]

    def rows(self, section: str = "") -> list[list[str]]:
        """Return the words of each line."""
        return [line.split() for line in self.lines(section)]

    def values(self, section: str = "") -> dict[str, str]:
        """Return by each line's first word what follows it; where a word comes again, the last one counts."""
        return {word: value.strip() for word, _, value in (line.partition(" ") for line in self.lines(section))}

    def every(self, word: str, section: str = "") -> list[str]:
        """Return what follows the word in each line that begins with it."""
        return [value for first, _, value in (line.partition(" ") for line in self.lines(section)) if first == word]


def short(text: str) -> Reply:
    """Read an answer without sections."""
    return Reply({"": text.splitlines()})


def read(text: str, mark: str) -> Reply:
    """Read an answer in sections.

    Raises:
        RemoteCommandFailed: it is cut short.
    """
    sections: dict[str, list[str]] = {}
    failed: set[str] = set()
    current: list[str] = []
    for line in text.splitlines():
        if not line.startswith(mark):
            current.append(line)
            continue
        name = line[len(mark) :].strip().partition(" ")[0]
        if name.endswith("!"):
            failed.add(name[:-1])
        else:
            current = sections.setdefault(name, [])
    if "end" not in sections:
        raise RemoteCommandFailed(
            "The look at the host ended early.",
            state="Nothing changed.",
            remedy="Try again; if it stays so, log in and look (df -h, free -m, docker ps).",
            lines=tuple(text.splitlines()[-10:]),
        )
    return Reply(sections, {name: "\n".join(sections.get(f"{name}.err", ())) or "failed" for name in failed})


def parse_json(text: str) -> dict[str, Any] | None:
    """Return the object that a text in JSON is, or None if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
