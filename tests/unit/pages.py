"""What the tests of the documents share: which pages there are, and what is in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"

READMES = ("README.md", "README.ko.md")
ENGLISH = tuple(
    sorted(file.relative_to(CHECKOUT).as_posix() for file in DOCS.rglob("*.md") if not file.is_relative_to(DOCS / "ko"))
)
KOREAN = tuple(sorted(file.relative_to(CHECKOUT).as_posix() for file in (DOCS / "ko").rglob("*.md")))
PAGES = (*READMES, *ENGLISH, *KOREAN)

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def in_korean(page: str) -> str:
    """Where a page's Korean counterpart is, or would be."""
    return READMES[1] if page == READMES[0] else page.replace("docs/", "docs/ko/", 1)


@cache
def text_of(page: str) -> str:
    return (CHECKOUT / page).read_text(encoding="utf-8")


@cache
def without_code(page: str) -> str:
    return _FENCE.sub("", text_of(page))


def blocks(page: str) -> list[tuple[str, str]]:
    """Each block of code: its language, and what stands in it."""
    return [(match[2], match[3]) for match in _FENCE.finditer(text_of(page))]


def to_be_typed(page: str) -> Iterator[str]:
    """Each command of the blocks for a shell, lines that go on joined, without the comment behind it."""
    for language, block in blocks(page):
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                if command := re.sub(r"(?:^| )#.*", "", line).strip():
                    yield command


def headings(page: str) -> list[tuple[int, str]]:
    """Each heading's level and text."""
    return [(len(marks), text) for marks, text in re.findall(r"^(#+) (.+)$", without_code(page), re.MULTILINE)]


def anchors(page: str) -> set[str]:
    """What a link may name of a page, as GitHub makes it of the headings: the second of one name ends with -1."""
    seen: dict[str, int] = {}
    made = set()
    for _, heading in headings(page):
        anchor = re.sub(r"[^\w -]", "", re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", heading).lower()).replace(" ", "-")
        made.add(f"{anchor}-{seen[anchor]}" if anchor in seen else anchor)
        seen[anchor] = seen.get(anchor, 0) + 1
    return made


def tables(page: str) -> list[list[list[str]]]:
    """The cells of each row of each table, without the line below its head."""
    found: list[list[list[str]]] = []
    before = ""
    for line in without_code(page).splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            if not re.fullmatch(r"[|: -]+", line):
                found[-1].append([cell.strip() for cell in cells])
        before = line
    return found


def rows(page: str) -> list[list[str]]:
    """The cells of every table row."""
    return [row for table in tables(page) for row in table]


def links(page: str) -> list[str]:
    """Where each link and each picture of a page leads to, as it is written."""
    return [
        *re.findall(r"\]\(([^)\s]+)\)", without_code(page)),
        *re.findall(r'(?:src|srcset|href)="([^"]+)"', without_code(page)),
    ]


def target(page: str, link: str) -> tuple[str, str]:
    """The file a link leads to, seen from the checkout, and the anchor in it."""
    path, _, fragment = link.partition("#")
    file = (CHECKOUT / page).parent / path if path else CHECKOUT / page
    file = file.resolve()
    return (file.relative_to(CHECKOUT).as_posix() if file.is_relative_to(CHECKOUT) else str(file)), fragment
