"""The containers' values in the host's .env; none is ever shown."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.tasks.client import Client, client
from behindy_ops.tasks.options import task, waiting
from behindy_ops.tasks.show import present

if TYPE_CHECKING:
    from behindy_ops.env.candidate import Proposal
    from behindy_ops.env.diff import Diff
    from behindy_ops.host.session import Session
    from behindy_ops.project.project import Project

_FILE = "the containers' values on this machine (default: host.env)"


def _path(project: Project, file: str) -> Path:
    from behindy_ops.env.candidate import DEFAULT_FILE

    return Path(file).expanduser() if file else project.root / DEFAULT_FILE


@task()
def check(_: Context, json: bool = False) -> None:
    """Compare the host's .env with what the services need.

    Names that are missing, empty, unknown, or still have the placeholder of
    .env.example. Exit code 85 if something is missing.
    """
    from behindy_ops.env import check as checking

    with client(services=False, quiet=True) as this, this.connect() as session:
        verdict = checking.check(session)
        name = checking.where(session)
    data, problem = checking.as_json(verdict), checking.problem(verdict, name)
    present(checking.lines(verdict, name), data, problem, json=json, settings=this.settings, told=True)


@task(help={"file": _FILE})
def diff(_: Context, file: str = "", json: bool = False) -> None:
    """Show which names a file would change on the host.

    Added, removed or changed, and which services are affected; never a value.
    """
    from behindy_ops.env.candidate import propose, read_file
    from behindy_ops.env.diff import lines

    with client(services=False, quiet=True) as this:
        candidate = read_file(_path(this.project, file), this.project)
        with this.connect() as session:
            changes = _diff(session, propose(session, candidate))
    present(lines(changes), asdict(changes), json=json, settings=this.settings)


@task(help={"file": _FILE})
def push(_: Context, file: str = "", yes: bool = False, wait: str = "", json: bool = False) -> None:
    """Replace the host's .env by a file, after a yes.

    Shows the names first. The last 5 files are kept on the host.
    """
    from behindy_ops.env.candidate import propose, read_file

    seconds = waiting(wait)
    with client(services=False, quiet=True, json=json) as this:
        candidate = read_file(_path(this.project, file), this.project)
        with this.connect() as session:
            task = f"env.push {file}".strip()
            _push(this, session, propose(session, candidate), task, yes=yes, seconds=seconds, json=json)


_typed: dict[str, str] = {}
"""The value that was read, by its name: where the task is begun once more there is nothing left to read."""


@task(
    name="set",
    help={
        "name": "which one; its value is read from standard input, or asked for and not shown",
    },
)
def set_(_: Context, name: str, yes: bool = False, wait: str = "") -> None:
    """Set one value on the host; it is never shown.

    It is read from standard input, or asked for.
    """
    from behindy_ops.deploy.engines.choice import begun_before
    from behindy_ops.env import edit
    from behindy_ops.env.candidate import propose

    seconds = waiting(wait)
    with client(services=False, quiet=True) as this:
        edit.check_name(name)
        value = _typed.pop(name) if begun_before() else edit.read_value(name)
        _typed[name] = value
        with this.connect() as session:
            proposal = propose(session, edit.with_value(session, name, value))
            _push(this, session, proposal, f"env.set {name}", yes=yes, seconds=seconds)


@task(name="edit")
def edit_(_: Context, yes: bool = False, wait: str = "") -> None:
    """Edit the host's .env with $EDITOR; we leave no copy here.

    Shows the names that changed, and asks, before it replaces the file.
    """
    from behindy_ops.env import edit, probe
    from behindy_ops.env.candidate import propose
    from behindy_ops.host.change import changed_meanwhile

    seconds = waiting(wait)
    with client(services=False, quiet=True) as this:
        with this.connect() as session:
            sha256, body = probe.fetch(session)
        # No connection is kept open while somebody edits; it would be dead by the time they save.
        candidate = edit.edited(body, this.project.example.encode("utf-8"), print)
        if candidate is None:
            print(UNCHANGED)
            return
        with this.connect() as session:
            proposal = propose(session, candidate)
            if proposal.comparison.sha256 != sha256:
                raise changed_meanwhile("env.edit", Kind.LEASE_LOST)
            _push(this, session, proposal, "env.edit", yes=yes, seconds=seconds)


def _diff(session: Session, proposal: Proposal) -> Diff:
    from behindy_ops.env.diff import diff as compare

    return compare(proposal.comparison, proposal.wanted, session.project.compose.deployable)


def _push(
    this: Client, session: Session, proposal: Proposal, task: str, *, yes: bool, seconds: float, json: bool = False
) -> None:
    """Show what differs, ask, and replace."""
    from behindy_ops.checks.environment import UNKNOWN
    from behindy_ops.env.candidate import checks
    from behindy_ops.env.check import where
    from behindy_ops.env.diff import lines
    from behindy_ops.env.push import push as replace
    from behindy_ops.report import show_lines
    from behindy_ops.report.text import Line, Tone

    def show(proposal: Proposal) -> None:
        if json:
            return
        show_lines(lines(_diff(session, proposal)))
        unknown = [check.subject for check in checks(proposal) if check.problem is UNKNOWN]
        show_lines([Line(f"{name}: unknown to the services; pushed all the same", Tone.CAREFUL) for name in unknown])

    replaced = replace(session, proposal, this.asker(task, yes), task=task, wait=seconds, show=show)
    done = Line(f"Replaced {where(session)}.", Tone.GOOD) if replaced else Line(UNCHANGED)
    changes = _diff(session, replaced or proposal)
    present([done], {**asdict(changes), "replaced": replaced is not None}, json=json, settings=this.settings)
