"""``host.setup``: show the plan, ask, carry it out under the lock, and look whether the host is ready then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.errors import Kind, RemoteCommandFailed
from behindy_ops.host.command import Command, script
from behindy_ops.provision.run import UNCHANGED, Confirm, look
from behindy_ops.provision.setup import Plan, Step
from behindy_ops.report import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from behindy_ops.facts.machine import HostFacts
    from behindy_ops.host.session import Connect, Session
    from behindy_ops.report.events import Event

__all__ = ["set_up"]


def set_up(connect: Connect, confirm: Confirm, *, wait: float = 0.0) -> None:
    """Give the host what it lacks.

    :param wait: seconds to queue for the lock.
    :raises Kind.HOST_NOT_READY: it cannot be done on this system, or not by this login.
    :raises Kind.SETUP_FAILED: a step failed.
    """
    with connect() as session:
        facts = look(session)
        plan = Plan.of(facts)
        _tell(plan, facts, session.emit)
        _require_possible(plan, facts)
        if not plan.steps:
            session.emit(events.Decision(f"{facts.name} has all that a deploy needs; nothing to do."))
            return
        if not confirm("Do this on the host?"):
            session.emit(events.Decision("Nothing was changed."))
            return
        _make_host_directory(session, facts)
        session.lock("host.setup", wait=wait)
        for step in plan.steps:
            _carry_out(session, facts, step)
    _look_again(connect)


def _tell(plan: Plan, facts: HostFacts, emit: Callable[[Event], None]) -> None:
    if plan.steps:
        emit(events.Plan(f"{facts.name}, login {facts.user}. To be done:", tuple(step.title for step in plan.steps)))
    for note in plan.notes:
        emit(events.Note(note))


def _require_possible(plan: Plan, facts: HostFacts) -> None:
    if plan.obstacle:
        raise Kind.HOST_NOT_READY(
            plan.obstacle,
            state="Nothing was changed.",
            remedy="Install Docker Engine, Compose v2 and the tools named by hand, then run this again for the rest.",
        )
    if plan.needs_root and not facts.root:
        raise Kind.HOST_NOT_READY(
            f"{facts.user} may not become root on the host without a password (sudo -n), which this needs.",
            state="Nothing was changed.",
            remedy="Ask the host's administrator for the line below in /etc/sudoers.d/behindy, while you set up.",
            lines=(f"{facts.user} ALL=(ALL) NOPASSWD:ALL",),
        )


def as_root(facts: HostFacts, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line as root runs it."""
    return argv if facts.user == "root" else ("sudo", "-n", *argv)


def _make_host_directory(session: Session, facts: HostFacts) -> None:
    """Without it there is no place for the lock; the one thing that is done before the lock is taken."""
    if "." in facts.files:
        return
    where = session.settings.host_dir
    made = session.host.run(Command(("mkdir", "-p", "-m", "750", where), title=f"make the directory {where}"))
    if not made.ok and facts.root:
        argv = as_root(facts, script("host/setup", "directory", where, facts.user))
        made = session.host.run(Command(argv, title=f"make the directory {where}"))
    made.require(state="Nothing else was changed.", remedy="Check BEHINDY_HOST_DIR.")


def _carry_out(session: Session, facts: HostFacts, step: Step) -> None:
    if step.words:
        argv = as_root(facts, script("host/setup", *step.words))
    else:
        argv = script("host/directories", session.settings.host_dir)
    stdin = step.stdin.encode("utf-8")
    with session.step(step.name, step.title) as running:
        command = Command(
            argv, title=step.title, timeout=step.timeout, stdin=stdin, changes=True, on_line=running.progress
        )
        try:
            session.host.run(command).require()
        except RemoteCommandFailed as error:
            raise Kind.SETUP_FAILED(
                error.what,
                state="The steps before it are done and stay so.",
                remedy="The lines below say why. Mend that, then run inv host.setup again: it goes on from there.",
                lines=error.lines,
            ) from error


def _look_again(connect: Connect) -> None:
    """A new connection, since a login knows only the groups it began with."""
    with connect() as session, session.step("verify", "Look whether the host is ready") as step:
        facts = look(session)
        left = Plan.of(facts).steps
        if left or not facts.docker or not facts.compose:
            raise Kind.SETUP_FAILED(
                "The host is still not ready.",
                state=UNCHANGED.replace("Nothing was changed", "All steps were done"),
                remedy="See what is missing: inv host.check",
                lines=tuple(one.title for one in left) or (facts.docker_problem,),
            )
        step.detail = f"Docker {facts.docker}, Compose {facts.compose}"
