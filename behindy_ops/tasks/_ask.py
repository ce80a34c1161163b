"""Asking for a yes before something is changed."""

from __future__ import annotations

import sys

from behindy_ops.errors import UsageError

__all__ = ["agreed"]


def agreed(question: str, *, yes: bool) -> bool:
    """Whether to go on: ``yes`` says so beforehand, else a person on the terminal.

    :raises UsageError: there is nobody to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask on.", state="Nothing was changed.", remedy="To go on without a question: --yes"
        )
    sys.stdout.flush()
    try:
        return input(f"{question} [yes/no] ").strip().lower() == "yes"
    except EOFError:
        return False
