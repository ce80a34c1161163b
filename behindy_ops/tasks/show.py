"""How a task shows a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.errors import BehindyError
    from behindy_ops.host.session import Session
    from behindy_ops.report.text import Line
    from behindy_ops.views.view import Shown, View


def show(view: View[Any], *, json: bool) -> None:
    """Look at the host and show a view."""
    from behindy_ops.views.view import show as look_and_show

    show_by(lambda session: look_and_show(session, view), json=json)


def show_by(make: Callable[[Session], Shown], *names: str, json: bool) -> None:
    """Show what is made with a session on the host, which is closed before that; ``names`` as for :func:`client`."""
    with client(*names, quiet=True) as this, this.connect() as session:
        shown = make(session)
    present(shown.lines, shown.data, shown.problem, json=json)


def present(lines: Sequence[Line], data: object, problem: BehindyError | None = None, *, json: bool) -> None:
    """Print what a task has found, and end with the error that is in it, if there is one.

    Args:
        lines: for people.
        data: for programs: one object, or a list, whose entries are printed one a line.
    """
    if not json:
        from behindy_ops.report import show_lines

        show_lines(lines)
    else:
        from json import dumps

        if isinstance(data, list):
            print("".join(f"{dumps(entry)}\n" for entry in data), end="")
        else:
            print(dumps(data, indent=2))
    if problem is not None:
        fail(problem)
