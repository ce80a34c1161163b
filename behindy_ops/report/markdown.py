"""Pieces of Markdown that show a text as it is, whoever wrote it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from behindy_ops.report.text import printable

LIMIT = 50_000
"""Characters of one block that are shown, its last ones: a step's summary may have 1 MiB."""


def plain(text: str) -> str:
    """Return words without any markup in them: no link, no image, no HTML, no mention, no formula."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@$:-])", r"\\\1", " ".join(printable(text).split()))


def code(text: str) -> str:
    """Return a code span, which may also stand in a table."""
    text = " ".join(printable(text).split())
    ticks = "`" * (_longest_run(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}".replace("|", "\\|") if text else ""


def fence(lines: Iterable[str], language: str = "text") -> str:
    """Return a code block that nothing in it can end."""
    text = "\n".join(printable(line).replace("\n", " ") for line in lines)[-LIMIT:]
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}\n"


def folded(title: str, body: str) -> str:
    """Return a part that is shown after a click on its title."""
    return f"<details><summary>{plain(title)}</summary>\n\n{body}\n</details>\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
