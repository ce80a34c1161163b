"""What is to be released: ``python -m sandbox.tasks.release FILE`` writes its notes and prints a step's outputs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import behindy_ops

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["notes"]

CHECKOUT = Path(__file__).resolve().parents[2]


def notes(changelog: str, version: str) -> str:
    """Return what the changelog says of a version; empty as long as something is not released yet.

    Raises:
        ValueError: it says nothing of this version, or the newest section with a number is of another.
    """
    parts = re.split(r"^## \[([^\]]+)\].*$", changelog, flags=re.MULTILINE)[1:]
    sections = {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    waiting = sections.pop("Unreleased", "")
    newest = next(iter(sections), "")
    if newest != version or not sections[newest]:
        raise ValueError(
            f"CHANGELOG.md has {newest or 'no version'} on top, and behindy_ops/__init__.py says {version}."
        )
    return "" if waiting else sections[newest]


def main(arguments: Sequence[str]) -> int:
    """Write the notes, and say whether this is to be released; return the exit code."""
    version = behindy_ops.__version__
    try:
        text = notes((CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    Path(arguments[0]).write_text(f"{text}\n", encoding="utf-8")
    print(f"version={version}", f"ready={'true' if text else 'false'}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
