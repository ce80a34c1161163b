"""A change of the host that a person has agreed to: shown, asked, locked, and looked at again before it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Session
from behindy_ops.report.events import Decision

Confirm = Callable[[str], bool]
"""Asks a person; False is a no. Where nobody can be asked it raises ``Kind.USAGE``."""

T = TypeVar("T")


def agree(
    session: Session,
    task: str,
    shown: T,
    look: Callable[[Survey], T],
    confirm: Confirm,
    *,
    question: str = "",
    wait: float = 0.0,
    matters: Callable[[T], object] = lambda seen: seen,
    kind: Kind = Kind.HOST_NOT_READY,
) -> T | None:
    """Ask, take the lock, and make sure that the host is still as it was shown.

    Args:
        task: what is about to change it, for whoever meets the lock; also what to type to see it again.
        shown: what was seen of the host without the lock.
        look: sees the same under the lock; it is given the survey that was taken with the lock.
        question: what to ask; nothing is asked if it is empty.
        wait: seconds to queue for the lock.
        matters: the part of it that must not have moved.
        kind: what it is an error of if that has moved.

    Returns:
        What was seen under the lock, or None if the answer was no.

    Raises:
        LockHeld: somebody else is changing the host.
        BehindyError: somebody else has changed it in the meantime.
    """
    if question and not confirm(question):
        session.emit(Decision(UNCHANGED))
        return None
    seen = look(session.lock(task, wait=wait))
    if matters(seen) != matters(shown):
        raise changed_meanwhile(task, kind)
    return seen


def changed_meanwhile(task: str, kind: Kind = Kind.HOST_NOT_READY) -> BehindyError:
    """Return the error for a host that is no longer as it was shown."""
    return kind(
        "Somebody else changed this on the host in the meantime.",
        state="Their change is in place; this run changed nothing.",
        remedy=f"See what is to be done now: inv {task}",
    )
