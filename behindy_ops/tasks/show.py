"""How a task shows a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from behindy_ops.tasks.client import client

if TYPE_CHECKING:
    from collections.abc import Callable

    from behindy_ops.host.session import Session
    from behindy_ops.views.view import Shown, View


def show(view: View[Any], *, json: bool) -> None:
    """Look at the host and show a view."""
    from behindy_ops.views.view import show as look_and_show

    show_by(lambda session: look_and_show(session, view), json=json)


def show_by(make: Callable[[Session], Shown], *names: str, json: bool) -> None:
    """Show what is made with a session on the host; it is closed before that.

    Args:
        make: looks, and changes what there is to change.
        names: the services it is about; none for all.
        json: as data, for programs.
    """
    with client(*names, quiet=True) as this, this.connect() as session:
        shown = make(session)
    present(shown, json=json)


def present(shown: Shown, *, json: bool) -> None:
    """Print a view, and raise what is raised after it."""
    if not json:
        from behindy_ops.report import show_lines

        show_lines(shown.lines)
    else:
        from json import dumps

        if isinstance(shown.data, list):  # one object a line
            print("".join(f"{dumps(entry)}\n" for entry in shown.data), end="")
        else:
            print(dumps(shown.data, indent=2))
    if shown.problem is not None:
        raise shown.problem
