"""All pages of the reference, and what is wrong with those that are there."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.project.compose import deployable_names
from behindy_ops.project.project import Project
from behindy_ops.tasks import root
from sandbox.reference import exit_codes, json_fields, korean, settings, tasks
from sandbox.reference.markdown import Page
from sandbox.tasks import add_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.reference.korean import Korean

FOLDER, KOREAN_FOLDER = "docs/reference", "docs/ko/reference"

REMEDY = "./inv docs"


@dataclass(frozen=True)
class Found:
    """What the pages should be, and what is in the way.

    Attributes:
        pages: their text by path, relative to the checkout.
        missing: texts without Korean, fields without a meaning, or either without what it is of; in sentences.
    """

    pages: dict[str, str]
    missing: tuple[str, ...]


def make(checkout: Path, words: Korean | None = None) -> Found:
    """Return every page of the reference, in both languages."""
    words = words or korean.load()
    pages: dict[str, str] = {}
    for folder, say in ((FOLDER, str), (KOREAN_FOLDER, words)):
        for name, text in _pages(checkout, folder, say).items():
            pages[f"{folder}/{name}.md"] = text
    return Found(pages, (*json_fields.problems(), *words.problems()))


def _pages(checkout: Path, folder: str, say: Callable[[str], str]) -> dict[str, str]:
    project = Project(checkout)
    tree, services = add_to(root(project)), deployable_names(project.compose_file)
    page = Page(checkout, folder, say, frozenset(tree.task_names), korean=folder == KOREAN_FOLDER)
    example = (checkout / ".env.example").read_text(encoding="utf-8")
    made = {
        "tasks": tasks.page(page, tree, services),
        "settings": settings.page(page, example),
        "exit-codes": exit_codes.page(page),
        "json": json_fields.page(page),
    }
    return {name: "\n".join(lines).rstrip("\n") + "\n" for name, lines in made.items()}


def stale(checkout: Path, found: Found) -> list[str]:
    """Return what differs from what is in the checkout, as the lines of a diff."""
    lines: list[str] = []
    for path, wanted in found.pages.items():
        file = checkout / path
        there = file.read_text(encoding="utf-8") if file.is_file() else ""
        names = (path, f"{path}, as the code has it")
        lines += unified_diff(there.splitlines(), wanted.splitlines(), *names, n=0, lineterm="")
    known = set(found.pages)
    for folder in (FOLDER, KOREAN_FOLDER):
        for file in sorted((checkout / folder).glob("*.md")):
            if (path := f"{folder}/{file.name}") not in known:
                lines.append(f"{path} is of nothing that the code has: remove it")
    return lines


def write(checkout: Path, found: Found) -> list[str]:
    """Write the pages that differ, and return their paths."""
    changed = []
    for path, wanted in found.pages.items():
        file = checkout / path
        if not file.is_file() or file.read_text(encoding="utf-8") != wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted, encoding="utf-8")
            changed.append(path)
    return changed


def check(checkout: Path) -> None:
    """Compare the pages with the code.

    Raises:
        Kind.FILES_REFUSED: they differ, or a text has no Korean.
    """
    found = make(checkout)
    require_korean(found)
    if lines := stale(checkout, found):
        raise Kind.FILES_REFUSED(
            "docs/reference/ or docs/ko/reference/ is not as the code has it.", remedy=REMEDY, lines=tuple(lines)
        )


def require_korean(found: Found) -> None:
    """Refuse texts without Korean, and fields without a meaning.

    Raises:
        Kind.FILES_REFUSED: there are some.
    """
    if found.missing:
        raise Kind.FILES_REFUSED(
            f"The reference lacks words, or has some that nothing needs: {len(found.missing)}.",
            remedy=f"Write the Korean into sandbox/reference/ko/, meanings of JSON into fields.yml, then: {REMEDY}",
            lines=found.missing,
        )
