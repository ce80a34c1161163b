"""``host.adopt``: how each service was started, and what moves it under this tool's care.

Behind an nginx with plain upstreams the next deploy does, without downtime. Behind ours, which asks for the name again
and again, an alias that Compose gave has to go first; that takes a moment of downtime and a yes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from behindy_ops.checks.preflight import docker_problem
from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.facts.release import Labels
from behindy_ops.facts.survey import NETWORK, NGINX, answers_to
from behindy_ops.host.command import Command, script
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.layout import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service

__all__ = ["Found", "adopt", "as_json", "describe", "lines", "unalias"]

PATIENCE = 10
"""Seconds to look for a moment without an open connection."""


@dataclass(frozen=True, slots=True)
class Found:
    """A live container.

    :param started: ``this tool``, ``Compose (project NAME)``, ``docker run``, or ``not there``.
    :param way: ``none`` (it is ours), ``deploy`` (its next deploy takes it over) or ``moment`` (its aliases go first).
    :param memory: its limit in bytes, 0 for none.
    """

    service: str
    started: str
    way: str
    aliases: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    restart: str = ""
    memory: int = 0
    networks: tuple[str, ...] = ()


def describe(survey: Survey, services: Sequence[Service]) -> list[Found]:
    """Say what was found for each service.

    :raises Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    if (problem := docker_problem(survey)) is not None:
        raise problem
    return [_found(survey, service.name) for service in services]


def _found(survey: Survey, name: str) -> Found:
    live = survey.trio(name).live
    if live is None:
        return Found(name, "not there", "none")
    project = live.labels.get("com.docker.compose.project", "")
    ours = Labels.release in live.labels
    started = "this tool" if ours else f"Compose (project {project})" if project else "docker run"
    aliased = live.running and any(answers_to(live, one) for one in (name, f"{name}-green"))
    way = "moment" if aliased and name not in survey.stale else "none" if ours else "deploy"
    aliases = tuple(one for one in live.aliases.get(NETWORK, ()) if one != live.id[:12])
    return Found(
        name, started, way, aliases, live.published, live.restart_policy, live.memory, tuple(sorted(live.addresses))
    )


def lines(found: Sequence[Found]) -> list[Line]:
    """The view in 80 columns."""
    told: list[Line] = []
    for one in found:
        told.append(Line(f"{one.service}: {one.started}", Tone.STRONG))
        if one.started == "not there":
            continue
        limit = f"{one.memory // 2**20} MB" if one.memory else "none"
        told += sentence(
            f"aliases: {', '.join(one.aliases) or 'none'}; published ports: {', '.join(one.published) or 'none'}; "
            f"restart policy: {one.restart or 'no'}; memory limit: {limit}; networks: {', '.join(one.networks)}",
            Tone.PLAIN,
            "  ",
        )
        if one.way == "deploy":
            told += sentence(f"Its next deploy takes it over, without downtime: inv deploy.{one.service}", indent="  ")
            if one.published:
                told += sentence(f"Its published ports ({', '.join(one.published)}) close then.", Tone.CAREFUL, "  ")
        if one.way == "moment":
            told += sentence(
                f"It keeps {one.service} as a DNS alias. Taking that away needs a moment of downtime: what is under "
                f"way is cut, unless no connection is open for a moment within {PATIENCE} s; what comes then fails.",
                Tone.CAREFUL,
                "  ",
            )
    return told


def as_json(found: Sequence[Found]) -> dict[str, object]:
    """``{"services": [{"service", "started", "way", "aliases", "published", "restart", "memory", "networks"}]}``."""
    return {"services": [asdict(one) for one in found]}


def unalias(service: Service) -> Command:
    """Take the aliases away from a live container."""
    argv = script("host/unalias", NGINX, NETWORK, service.name, str(service.port), str(PATIENCE))
    return Command(argv, title=f"take the aliases from {service.name}", timeout=PATIENCE + 60, changes=True)


def adopt(session: Session, wait: float, ask: Callable[[str], bool], found: Sequence[Found]) -> bool:
    """Take the aliases away where they have to go before a deploy, after a yes.

    :returns: whether anything was done.
    :raises RemoteCommandFailed: it could not be done.
    """
    wanted = [one.service for one in found if one.way == "moment"]
    if not wanted or not ask(f"Take the aliases from {', '.join(wanted)} now?"):
        return False
    survey = session.lock(f"adoption of {', '.join(wanted)}", wait=wait)
    for one in describe(survey, [service for service in session.services if service.name in wanted]):
        if one.way == "moment":
            _take(session, next(service for service in session.services if service.name == one.service))
    return True


def _take(session: Session, service: Service) -> None:
    with session.step("adopt", f"Take the aliases from {service.name}") as step, session.interrupts.shielded():
        result = session.host.run(unalias(service))
        if not result.ok:
            raise RemoteCommandFailed(
                f"The aliases of {service.name} could not be taken away: {result.how()}.",
                state=f"{service.name} may be off the network, or nginx may not know its new address.",
                remedy="inv ops.network --fix; then inv ops.nginx --reload",
                lines=result.last_lines(3),
            )
        count = result.reply().values()["cut"]
        step.detail = "at a quiet moment" if count == "0" else f"{count} open connection(s) were cut"
