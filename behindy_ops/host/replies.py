"""What a script printed in parts, each under a line ``<mark> <name>``, taken apart again. Pure.

A part that failed says so by a line ``<mark> <name>! <exit code>`` within it, and why under ``<mark> <name>.err``; the
last line is ``<mark> end``. The mark is random, so nothing that is printed can look like one.
"""

from __future__ import annotations

__all__ = ["split"]


def split(text: str, mark: str) -> tuple[dict[str, list[str]], dict[str, str], bool]:
    """Return the lines of each part, why parts failed (by their name), and whether nothing is missing at the end."""
    sections: dict[str, list[str]] = {}
    failed: set[str] = set()
    current: list[str] = []
    complete = False
    for line in text.splitlines():
        if not line.startswith(mark):
            current.append(line)
            continue
        words = line[len(mark) :].split()
        if words and words[0].endswith("!"):
            failed.add(words[0][:-1])
            continue
        name = words[0] if words else ""
        complete = complete or name == "end"
        current = sections.setdefault(name, [])
    problems = {name: "\n".join(sections.get(f"{name}.err", [])) or "failed" for name in failed}
    return sections, problems, complete
