"""How the pages are written: tables, and plain sentences of the code made into Markdown."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WIDTH = 120

_EDGE, _END = r"(?<![\w./`-])", r"(?![A-Za-z0-9_`])"
_OPTION = r"--[a-z][a-z-]*[a-z](?:[ =](?:[A-Z][A-Z0-9:=/.-]+[A-Z0-9]|\d+m?\b|recreate))?"
_VARIABLE = r"(?:BEHINDY|DOCKERHUB|COMPOSE)(?:_[A-Z0-9]+)+(?:=[a-z0-9.]+)?"
_FILE = r"(?:~?/)?(?:[\w<>*.-]+/)*(?:\.env(?:\.\w+)*|[\w-]+\.(?:env|py|toml|conf|yml|md|sh)|\.gitignore|\.dockerignore)"
_PATH = r"~?/[a-z][\w./-]*\w/?|[a-z]+/(?![\w/*])|~/\.ssh/\w+"
_OTHER = r"x-(?:deploy|nginx)(?:\.\w+)*|SHA256:\.\.\.|\$EDITOR|authorized_keys|known_hosts"
_SHELL = r"ssh -v USER@HOST|ssh-keygen -R HOST|docker (?:run|ps|rmi)|behindy-ops TASK|\./inv sandbox\.ssh -- docker ps"
_CODE = re.compile(rf"{_EDGE}(?:{_OPTION}|{_VARIABLE}|{_FILE}|{_PATH}|{_OTHER}){_END}", re.ASCII)
_LINK = re.compile(r"docs/[\w/.-]+?\.md(?:#[\w-]+)?", re.ASCII)
_SPAN = re.compile(r"(`[^`]+`|\[[^\]]+\]\([^)]+\))")


@dataclass(frozen=True)
class Page:
    """Where a page is, and in which language its sentences are.

    Attributes:
        folder: below the checkout, such as ``docs/ko/reference``.
        say: gives a sentence in the page's language.
        tasks: names that are code wherever they stand.
        korean: the page is one below ``docs/ko``, which leads to the pages there where there are some.
    """

    checkout: Path
    folder: str
    say: Callable[[str], str]
    tasks: frozenset[str] = field(default_factory=frozenset)
    korean: bool = False

    def text(self, english: str) -> str:
        """Return a sentence of the code in the page's language, as Markdown."""
        return self.marked(self.say(english)) if english else ""

    def paragraphs(self, english: str) -> list[str]:
        """Return paragraphs, which have an empty line between them, wrapped and each with an empty line below."""
        parts = (" ".join(part.split()) for part in english.strip().split("\n\n"))
        return [line for part in parts for line in (*paragraph(self.text(part)), "")]

    def marked(self, text: str) -> str:
        """Return a plain sentence as Markdown: commands, options, names and files as code, documents as links."""
        return "".join(part if _SPAN.fullmatch(part) else self._marked(part) for part in _SPAN.split(text))

    def _marked(self, text: str) -> str:
        with_links = _LINK.sub(lambda match: self.link(match[0]), text)
        parts = _SPAN.split(with_links)
        return "".join(part if _SPAN.fullmatch(part) else self._with_code(part) for part in parts)

    def _with_code(self, text: str) -> str:
        names = "|".join([*sorted(map(re.escape, self.tasks), key=len, reverse=True), r"deploy\.[A-Z]+"])
        dotted = "|".join(name for name in names.split("|") if "." in name)
        command = rf"(?:\./)?inv (?:{names}|--help TASK|TASK)(?: (?:{_OPTION}|[A-Z]{{3,}}|nginx|postgres|-- \w+))*"
        whole = re.compile(rf"{_EDGE}(?:{_SHELL}|{command}|{dotted}){_END}(?!\.[a-z])|{_CODE.pattern}", re.ASCII)
        return whole.sub(lambda match: f"`{match[0]}`", text)

    def link(self, target: str) -> str:
        """Return a link to a document, which is named from the checkout; to the Korean one where there is one."""
        path, _, anchor = target.partition("#")
        ours = path.replace("docs/", "docs/ko/", 1)
        if self.korean and posixpath.dirname(ours) == self.folder:  # one of these pages, be it there yet or not
            path = ours
        elif self.korean and (self.checkout / ours).is_file():
            anchor = _same_heading(self.checkout / path, self.checkout / ours, anchor)
            path = ours
        there = posixpath.relpath(path, self.folder)
        return f"[{target.partition('#')[0]}]({there}{f'#{anchor}' if anchor else ''})"


def headings(file: Path) -> list[str]:
    """Return the headings of a document, in their order."""
    without_code = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)


def anchor_of(heading: str) -> str:
    """Return what GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _same_heading(english: Path, korean: Path, anchor: str) -> str:
    """Return the anchor of the same heading in the other language: both pages have the same ones in the same order."""
    anchors, others = ([anchor_of(heading) for heading in headings(file)] for file in (english, korean))
    return others[anchors.index(anchor)] if anchor in anchors and len(anchors) == len(others) else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return [_row(head), "|" + "---|" * len(head), *map(_row, cells)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def paragraph(text: str) -> list[str]:
    """Return a paragraph, wrapped at what an editor shows as 120 columns, in which Hangul takes two each."""
    lines = [""]
    for word in re.findall(r"(?:`[^`]*`|\S)+", text):
        if lines[-1] and _columns(f"{lines[-1]} {word}") > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
