"""``env.*``: thin tasks that parse, call and print. No value is ever shown."""

from __future__ import annotations

import contextlib
import json as json_
from typing import TYPE_CHECKING

from invoke import Context, task

from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.options import JSON, WAIT, YES, OptionalFile, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from behindy_ops.env.place import Place, Proposal

_FILE = "the containers' values on this machine (default: host.env)"


def _path(place: Place, file: str) -> Path:
    from pathlib import Path

    from behindy_ops.env.place import DEFAULT_FILE

    return Path(file).expanduser() if file else place.project.root / DEFAULT_FILE


@contextlib.contextmanager
def _place() -> Iterator[Place]:
    from behindy_ops.env.place import Place

    with client(services=False, quiet=True) as this:
        yield Place(this.connect, this.project, this.settings)


@task(help={"json": JSON})
@guarded
def check(_: Context, json: bool = False) -> None:
    """Compare the host's .env with what the services need."""
    from behindy_ops.env import verdict
    from behindy_ops.errors import Kind
    from behindy_ops.report import show_lines

    with _place() as place:
        found = place.check()
    if json:
        print(json_.dumps(verdict.check_json(found, place.wanted), indent=2))
    else:
        show_lines(verdict.check_lines(found, place.wanted, place.where))
    if not found.complete:
        raise SystemExit(Kind.ENVIRONMENT_INVALID.exit_code)


@task(klass=OptionalFile, positional=[], help={"file": _FILE, "json": JSON})
@guarded
def diff(_: Context, file: str = "", json: bool = False) -> None:
    """Show which names a file would change on the host."""
    from behindy_ops.env import verdict
    from behindy_ops.env.place import read_file
    from behindy_ops.report import show_lines

    with _place() as place:
        proposal = place.propose(read_file(_path(place, file)))
    if json:
        print(json_.dumps(verdict.diff_json(proposal.diff), indent=2))
    else:
        show_lines(verdict.diff_lines(proposal.diff))


@task(klass=OptionalFile, positional=[], help={"file": _FILE, "yes": YES, "wait": WAIT, "json": JSON})
@guarded
def push(_: Context, file: str = "", yes: bool = False, wait: str = "", json: bool = False) -> None:
    """Replace the host's .env by a file, after a yes."""
    from behindy_ops.env.place import read_file

    with _place() as place:
        proposal = place.propose(read_file(_path(place, file)))
        _propose(place, proposal, "env.push", yes=yes, wait=wait, json=json)


@task(
    name="set",
    positional=["name"],
    help={
        "name": "which; its value is read from standard input, or asked for and not shown",
        "yes": YES,
        "wait": WAIT,
    },
)
@guarded
def set_(_: Context, name: str, yes: bool = False, wait: str = "") -> None:
    """Set one value on the host; it is never shown."""
    from behindy_ops.env import edit

    with _place() as place:
        edit.check_name(name)
        value = edit.read_value(name)
        proposal = place.propose(edit.with_value(place, name, value))
        _propose(place, proposal, f"env.set {name}", yes=yes, wait=wait, json=False)


@task(name="edit", help={"yes": YES, "wait": WAIT})
@guarded
def edit_(_: Context, yes: bool = False, wait: str = "") -> None:
    """Edit the host's .env with $EDITOR; no copy stays here."""
    from behindy_ops.env import edit

    with _place() as place:
        changed = edit.edited(place)
        if changed is None:
            print("Nothing was changed.")
            return
        _propose(place, changed, "env.edit", yes=yes, wait=wait, json=False)


def _propose(place: Place, proposal: Proposal, what: str, *, yes: bool, wait: str, json: bool) -> None:
    """Show what differs, ask, and replace."""
    from behindy_ops.env import verdict
    from behindy_ops.report import show_lines
    from behindy_ops.report.text import Line, Tone
    from behindy_ops.tasks.ask import asker

    seconds = waiting(wait)
    place.require_good(proposal)
    if not json:
        show_lines(verdict.diff_lines(proposal.diff))
        show_lines(
            [
                Line(f"{name}: unknown to the services; it goes there too", Tone.CAREFUL)
                for name in proposal.check.unknown
            ]
        )
    done = False
    if place.needs_writing(proposal) and asker(what, yes)(f"Replace {place.where}?"):
        proposal, done = place.replace(proposal, what, seconds), True
    if json:
        print(json_.dumps({**verdict.diff_json(proposal.diff), "replaced": done}, indent=2))
        return
    show_lines(
        [Line(f"Replaced {place.where}." if done else "Nothing was changed.", Tone.GOOD if done else Tone.PLAIN)]
    )
