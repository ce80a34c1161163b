"""``env.*``: thin tasks that parse, call and print. No value is ever shown."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING

from invoke import Context, task

from behindy_ops.project.paths import CHECKOUT
from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.optional_file import OptionalFile

if TYPE_CHECKING:
    from pathlib import Path

    from behindy_ops.env.place import Place, Proposal

_FILE = "the containers' values on this machine (default: host.env)"
_YES = "do not ask"
_JSON = "print one JSON object"
_WAIT = "how long to queue if the host is locked, such as 10m (default: not at all)"


def _path(file: str) -> Path:
    from pathlib import Path

    from behindy_ops.env.place import DEFAULT_FILE

    return Path(file).expanduser() if file else CHECKOUT / DEFAULT_FILE


@task(help={"json": _JSON})
@guarded
def check(_: Context, json: bool = False) -> None:
    """Compare the host's .env with what the services need."""
    from behindy_ops.env import verdict
    from behindy_ops.env.place import Place
    from behindy_ops.errors import EnvironmentInvalid
    from behindy_ops.report import show_lines

    place = Place(CHECKOUT)
    found = place.check()
    if json:
        print(json_.dumps(verdict.check_json(found, place.wanted), indent=2))
    else:
        show_lines(verdict.check_lines(found, place.wanted, place.where))
    if not found.complete:
        raise SystemExit(EnvironmentInvalid.exit_code)


@task(klass=OptionalFile, positional=[], help={"file": _FILE, "json": _JSON})
@guarded
def diff(_: Context, file: str = "", json: bool = False) -> None:
    """Show which names a file would change on the host."""
    from behindy_ops.env import verdict
    from behindy_ops.env.place import Place, read_file
    from behindy_ops.report import show_lines

    place = Place(CHECKOUT)
    proposal = place.propose(read_file(_path(file)))
    if json:
        print(json_.dumps(verdict.diff_json(proposal.diff), indent=2))
    else:
        show_lines(verdict.diff_lines(proposal.diff))


@task(klass=OptionalFile, positional=[], help={"file": _FILE, "yes": _YES, "wait": _WAIT, "json": _JSON})
@guarded
def push(_: Context, file: str = "", yes: bool = False, wait: str = "", json: bool = False) -> None:
    """Replace the host's .env by a file, after a yes."""
    from behindy_ops.env.place import Place, read_file

    place = Place(CHECKOUT)
    _propose(place, place.propose(read_file(_path(file))), "env.push", yes=yes, wait=wait, json=json)


@task(
    name="set",
    positional=["name"],
    help={
        "name": "which; its value is read from standard input, or asked for and not shown",
        "yes": _YES,
        "wait": _WAIT,
    },
)
@guarded
def set_(_: Context, name: str, yes: bool = False, wait: str = "") -> None:
    """Set one value on the host; it is never shown."""
    from behindy_ops.env import edit
    from behindy_ops.env.place import Place

    place = Place(CHECKOUT)
    edit.check_name(name)
    value = edit.read_value(name)
    _propose(
        place, place.propose(edit.with_value(place, name, value)), f"env.set {name}", yes=yes, wait=wait, json=False
    )


@task(name="edit", help={"yes": _YES, "wait": _WAIT})
@guarded
def edit_(_: Context, yes: bool = False, wait: str = "") -> None:
    """Edit the host's .env with $EDITOR; no copy stays here."""
    from behindy_ops.env import edit
    from behindy_ops.env.place import Place

    place = Place(CHECKOUT)
    changed = edit.edited(place)
    if changed is None:
        print("Nothing was changed.")
        return
    _propose(place, changed, "env.edit", yes=yes, wait=wait, json=False)


def _propose(place: Place, proposal: Proposal, what: str, *, yes: bool, wait: str, json: bool) -> None:
    """Show what differs, ask, and replace."""
    from behindy_ops.deploy.run import duration_option
    from behindy_ops.env import verdict
    from behindy_ops.report import show_lines
    from behindy_ops.report.text import Line, Tone
    from behindy_ops.tasks.ask import asker

    waiting = duration_option("wait", wait) or 0.0
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
        proposal, done = place.replace(proposal, what, waiting), True
    if json:
        print(json_.dumps({**verdict.diff_json(proposal.diff), "replaced": done}, indent=2))
        return
    show_lines(
        [Line(f"Replaced {place.where}." if done else "Nothing was changed.", Tone.GOOD if done else Tone.PLAIN)]
    )
