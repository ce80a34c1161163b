"""How a task shows a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.errors import BehindyError
    from behindy_ops.host.session import Session
    from behindy_ops.project.settings import Settings
    from behindy_ops.report.text import Line
    from behindy_ops.views.view import Shown, View


def show(view: View[Any], *, json: bool) -> None:
    """Look at the host and show a view."""
    from behindy_ops.views.view import show as look_and_show

    show_by(lambda session: look_and_show(session, view), json=json)


def show_by(make: Callable[[Session], Shown], *names: str, json: bool, change: str = "", yes: bool = False) -> None:
    """Show what is made with a session on the host, which is closed before that.

    Args:
        names: as for :func:`client`.
        change: what it does to the host, which is asked before as :meth:`Client.confirm` does; empty for nothing.
        yes: the answer was given on the command line.
    """
    with client(*names, quiet=True, json=json) as this:
        if change:
            this.confirm(change, yes=yes)
        with this.connect() as session:
            shown = make(session)
    present(shown.lines, shown.data, shown.problem, json=json, settings=this.settings)


def present(
    lines: Sequence[Line],
    data: object,
    problem: BehindyError | None = None,
    *,
    json: bool,
    settings: Settings | None = None,
    told: bool = False,
) -> None:
    """Print what a task has found, and end with the error that is in it, if there is one.

    Args:
        lines: for people.
        data: for programs: one object, which has the error's fields, too; or a list, whose entries are printed one a
            line, and the error last.
        settings: whose environment, if one is chosen, stands above the lines and in the object.
        told: the lines say the error.
    """
    chosen = settings.environment if settings is not None else ""
    if not json:
        from behindy_ops.report import show_lines
        from behindy_ops.report.layout import heading

        show_lines([heading(settings.target), *lines] if settings is not None and chosen else lines)
    else:
        from json import dumps

        from behindy_ops.report.events import error_fields

        if isinstance(data, dict):
            whose = {"environment": chosen} if chosen else {}
            data = whose | data | (error_fields(problem) if problem is not None else {})
        if isinstance(data, list):
            print("".join(f"{dumps(entry)}\n" for entry in data), end="")
        else:
            print(dumps(data, indent=2))
    if problem is not None:
        fail(problem, json=json and isinstance(data, list), told=told)
