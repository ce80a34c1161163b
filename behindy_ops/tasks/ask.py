"""The one question a task asks before it changes something that a person should have seen first."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from behindy_ops.errors import UNCHANGED, Kind, Stopped, signals_raise

if TYPE_CHECKING:
    from collections.abc import Callable


def ask(question: str, *, otherwise: str, json: bool = False) -> bool:
    """Ask on the terminal, and return whether the answer was yes.

    Args:
        otherwise: what to do where there is no terminal.
        json: standard output is a program's, be it shown on a terminal.

    Raises:
        Kind.USAGE: there is none.
    """
    if not sys.stdin.isatty():
        raise Kind.USAGE("There is no terminal to ask on.", state=UNCHANGED, remedy=otherwise)
    return _typed(f"{question} [yes/no] ", json=json).lower() in {"y", "yes"}


def asker(task: str, yes: bool, place: str = "", *, json: bool = False) -> Callable[[str], bool]:
    """Return what asks a question and returns whether the answer was yes.

    Args:
        task: what to type again with ``--yes``, for where there is no terminal.
        yes: the answer was given on the command line.
        place: what stands before each question: the environment and the host.
        json: as for :func:`ask`.
    """
    otherwise = f"Read what it would do above, then: inv {task} --yes"
    about = f"{place}: " if place else ""
    return lambda question: yes or ask(f"{about}{question}", otherwise=otherwise, json=json)


def confirm(question: str, *, yes: bool, json: bool = False) -> None:
    """Ask before a change, where there is a terminal.

    Raises:
        Kind.INTERRUPTED: the answer was no.
    """
    if yes or not sys.stdin.isatty() or ask(question, otherwise="", json=json):
        return
    raise Kind.INTERRUPTED("The answer was no.", state=UNCHANGED)


def line(question: str, option: str, *, json: bool = False) -> str:
    """Ask for a text on the terminal, and return what was typed.

    Args:
        option: the one that answers it, for where there is no terminal.
        json: as for :func:`ask`.

    Raises:
        Kind.USAGE: there is none.
    """
    if not sys.stdin.isatty():
        raise Kind.USAGE("There is no terminal to ask on.", state=UNCHANGED, remedy=f"Give it as an option: {option}")
    return _typed(f"{question}: ", json=json)


def _typed(prompt: str, *, json: bool) -> str:
    sys.stdout.flush()
    # A session puts signals off to the end of a step; a question is left at once, since nothing was begun.
    with signals_raise(_left, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if json or not sys.stdout.isatty():  # what a program reads there is no place for a question
            print(prompt, end="", file=sys.stderr, flush=True)
            prompt = ""
        return input(prompt).strip()


def _left(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else Stopped(number)
