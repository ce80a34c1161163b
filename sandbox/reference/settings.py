"""The page of settings: what ``.env.example`` explains, and the two that no file can have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.reference.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.reference.markdown import Page

_ABOVE = """
Made by ./inv docs from .env.example, which is what you copy to .env. A value is taken from the environment, else
from .env, else from `[tool.behindy-ops]` in pyproject.toml; an empty one counts as none. All mistakes are reported
at once.
"""
_FROM_THE_ENVIRONMENT_ONLY = "From the environment alone"
_ELSEWHERE = {
    "BEHINDY_ENV": ("", "Chooses an environment, as --env does: .env.NAME and `[tool.behindy-ops.environments.NAME]`."),
    "BEHINDY_PROJECT": (
        "found from the working directory upwards",
        "The project's folder: docs/library.md#which-folder-is-the-project.",
    ),
    "BEHINDY_DEBUG": ("", "`1`: an unexpected error shows where it came from."),
    "NO_COLOR": ("", "Anything: no colours."),
    "BEHINDY_SANDBOX_SSH_PORT": (
        "a free one",
        "The sandbox's port for SSH; also `_HTTP_PORT`, `_HTTPS_PORT`, `_REGISTRY_PORT`.",
    ),
}


@dataclass(frozen=True)
class Setting:
    """A setting as ``.env.example`` explains it.

    Attributes:
        part: the heading it stands under.
        default: in words; empty where there is none.
    """

    name: str
    part: str
    meaning: str
    default: str


def parse(example: str) -> list[Setting]:
    """Read ``.env.example``: headings between dashes, and a comment above each name, or above several."""
    found: list[Setting] = []
    part, comment, named = "", list[str](), False
    for line in example.splitlines():
        if heading := re.fullmatch(r"# --- (.+?) -+", line):
            part, comment = heading[1], []
        elif name := re.match(r"([A-Z][A-Z0-9_]*)=", line):
            meaning, default = _apart(" ".join(comment))
            found.append(Setting(name[1], part, meaning, default))
            named = True
        elif line.startswith("#") and part:
            comment = [*([] if named else comment), line.lstrip("# ")]
            named = False
        elif not line and not named:
            comment = []
    return found


def _apart(comment: str) -> tuple[str, str]:
    """Return what a comment says of the meaning, and of the default."""
    said = re.search(r" ?Default: (.+?)\.?(?=$|(?<=\.) )", comment)
    if said is None:
        return comment, ""
    return f"{comment[: said.start()]}{comment[said.end() :]}".strip(), said[1]


def page(page: Page, example: str) -> Iterator[str]:
    """Yield the lines of the page."""
    head = [page.text(text) for text in ("setting", "default", "meaning")]
    yield from (f"# {page.text('Settings')}", "")
    yield from page.paragraphs(_ABOVE)
    settings = parse(example)
    for part in dict.fromkeys(setting.part for setting in settings):
        title, _, more = part.partition(": ")
        yield from (f"## {page.text(title)}", "")
        if more:
            yield from page.paragraphs(f"{more[:1].upper()}{more[1:]}")
        rows = [(each.name, each.default, each.meaning) for each in settings if each.part == part]
        yield from (*table(head, [_row(page, *row) for row in rows]), "")
    yield from (f"## {page.text(_FROM_THE_ENVIRONMENT_ONLY)}", "")
    yield from table(head, [_row(page, name, *told) for name, told in _ELSEWHERE.items()])


def _row(page: Page, name: str, default: str, meaning: str) -> tuple[str, ...]:
    return f"`{name}`", page.text(default), page.text(meaning)
