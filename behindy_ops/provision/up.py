"""``host.up``: nginx, PostgreSQL and Redis run as the host's compose file has them; a yes before one is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.errors import Kind, RemoteCommandFailed
from behindy_ops.host.command import Command, script
from behindy_ops.host.host import new_mark
from behindy_ops.provision import infra
from behindy_ops.provision.run import UNCHANGED, Confirm
from behindy_ops.report import events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.errors import BehindyError
    from behindy_ops.host.command import Result
    from behindy_ops.host.session import Session

__all__ = ["bring_up"]

HEALTH_SECONDS = 120
"""A new database takes some 10 s to be made; a slow disk several times that."""


def bring_up(session: Session, confirm: Confirm, *, wait: float = 0.0) -> None:
    """Start what does not run, replace what was made of another configuration, wait until all are healthy.

    :param wait: seconds to queue for the lock.
    :raises Kind.NOT_HEALTHY: one did not become healthy in time.
    """
    changes = [one for one in _look(session) if one.action is not infra.Action.LEAVE]
    replaced = [one for one in changes if one.action is infra.Action.RECREATE]
    if not changes:
        session.emit(events.Decision("nginx, PostgreSQL and Redis run as the compose file has them; nothing to do."))
        return
    session.emit(events.Plan("To be done:", tuple(one.sentence for one in changes)))
    if replaced and not confirm(f"Replace {', '.join(one.wanted.service for one in replaced)}?"):
        session.emit(events.Decision("Nothing was changed."))
        return
    session.lock("host.up", wait=wait)
    if [one for one in _look(session) if one.action is not infra.Action.LEAVE] != changes:
        raise Kind.HOST_NOT_READY(
            "The host was changed by somebody else meanwhile.",
            state="Nothing was changed by this run.",
            remedy="Look at what is to be done anew: inv host.up",
        )
    _carry_out(session, changes)


def _look(session: Session) -> list[infra.Change]:
    mark = new_mark()
    where = session.settings.host_dir
    result = session.host.run(
        Command(script("host/infra_look", mark, where), title="look at what Compose runs", timeout=60)
    )
    if not result.ok:
        raise _unready(result, where)
    wanted, running, network = infra.parse(result.reply(mark))
    if taken := infra.obstacles(wanted, running):
        raise Kind.HOST_NOT_READY(
            f"Compose did not make the container {taken[0]}, so it cannot start its own of that name.",
            state=UNCHANGED,
            remedy="Move it under this tool's care: inv host.adopt; or remove it at a quiet moment.",
        )
    return infra.plan(wanted, running, network=network)


def _unready(result: Result, where: str) -> BehindyError:
    lines = result.last_lines()
    match result.exit_code:
        case 80 | 81:
            return Kind.FILES_MISSING(
                f"The host has no {where}/compose/docker-compose.yml.",
                state=UNCHANGED,
                remedy="Put it there: inv host.sync",
            )
        case 83:  # a database that is made without its password keeps that for ever
            return Kind.ENVIRONMENT_FILE_MISSING(
                f"The host has no {where}/.env, so PostgreSQL and Redis would be made without their passwords.",
                state=UNCHANGED,
                remedy="Put it there: inv env.push",
            )
        case 65:
            return Kind.COMPOSE_INVALID(
                "The compose file on the host is not valid.",
                state=UNCHANGED,
                remedy="Correct it here, then: inv host.sync",
                lines=lines,
            )
        case 82 | 127:
            return Kind.HOST_NOT_READY(
                "Docker cannot be used on the host.", state=UNCHANGED, remedy="Set it up: inv host.setup", lines=lines
            )
    return RemoteCommandFailed(
        f"Could not look at what Compose runs: {result.how()}.", state=UNCHANGED, remedy="Try again.", lines=lines
    )


def _carry_out(session: Session, changes: Sequence[infra.Change]) -> None:
    names = ", ".join(one.wanted.service for one in changes)
    settings = session.settings
    with session.step("up", f"Start {names}; wait until healthy") as step:
        argv = script("host/infra_up", settings.host_dir, settings.domain, str(HEALTH_SECONDS), *infra.words(changes))
        command = Command(
            argv, title=f"start {names}", timeout=HEALTH_SECONDS + 900, changes=True, on_line=step.progress
        )
        result = session.host.run(command)
        if result.exit_code == 68:
            raise Kind.NOT_HEALTHY(
                f"Not healthy within {HEALTH_SECONDS} s: {names}.",
                state="It was started and left as it is, to be looked at.",
                remedy="The lines below are the end of its log. Mend the cause, then run inv host.up again.",
                lines=result.last_lines(20),
            )
        if result.exit_code == 67:
            raise Kind.HOST_NOT_READY(
                "An image could not be pulled.",
                state=UNCHANGED,
                remedy="Look at the host's network and the image's name in the compose file, then try again.",
                lines=result.last_lines(),
            )
        result.require(state="What was started runs on.", remedy="Run inv host.up again: it goes on from there.")
        if "placeholder certificate" in result.stdout:
            session.emit(events.Note("nginx runs with a placeholder certificate nobody trusts: inv host.certs"))
