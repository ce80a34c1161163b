"""What would tell of the machine a session was recorded on: it is replaced, and nothing of it may be left."""

from __future__ import annotations

import getpass
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["cleaning", "left", "of_this_machine", "require_none"]

_ALWAYS = re.compile(r"(?:/(?:home|root|tmp|var|work|Users|opt|srv)/|/root\b|\b[\w.-]+@(?!behindy)[\w-]+\b|[A-Z]:\\)")
"""Paths and logins, whoever's."""


def of_this_machine(root: Path, user: str, sandbox: str) -> dict[str, str]:
    """What is this machine's own, to what stands for it in a picture; the longest first.

    Args:
        root: the checkout.
        user: git's user name, or nothing.
        sandbox: the name of the sandbox's container.
    """
    own = {
        str(root): "~/behindy-ops",
        str(Path.home()): "~",
        platform.node(): "laptop",
        user: "kim",
        getpass.getuser(): "kim",
        sandbox: "sandbox",
    }
    kept = {text: instead for text, instead in own.items() if len(text) > 1}
    return dict(sorted(kept.items(), key=lambda pair: -len(pair[0])))


def cleaning(own: Mapping[str, str]) -> Callable[[str], str]:
    """Return what puts the stand-ins in place, where they are words of their own."""

    def cleaned(text: str) -> str:
        for word, instead in own.items():
            text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", instead, text)
        return text

    return cleaned


def left(text: str, own: Mapping[str, str] = {}) -> list[str]:
    """What of a machine is in a text; words that were broken over two lines are found, too."""
    joined = re.sub(r"\s+", "", text)
    found = [
        word
        for word in own
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) or (len(word) > 6 and word in joined)
    ]
    return [*found, *_ALWAYS.findall(text)]


def require_none(text: str, own: Mapping[str, str]) -> None:
    """Hold a text to have nothing of this machine in it.

    Raises:
        Kind.SANDBOX: there is something; nothing is to be written then.
    """
    if found := left(text, own):
        raise Kind.SANDBOX(f"The recording tells of this machine: {', '.join(found)}.", remedy="Have it replaced.")
