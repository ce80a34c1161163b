"""``host.adopt``: how each service was started, and what brings it under this tool's care.

The next deploy does, without downtime. Only where the container has the candidate's name as an alias, or a swarm takes
over what Compose has named, those aliases have to go first; that takes a moment of downtime and a yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from behindy_ops.checks.network import must_lose_aliases
from behindy_ops.checks.preflight import docker_problem
from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.facts.figures import MB
from behindy_ops.facts.release import Labels
from behindy_ops.facts.survey import Survey
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service
from behindy_ops.report.layout import sentence
from behindy_ops.report.text import Line, Tone

PATIENCE = 10
"""Seconds to wait for a moment without an open connection."""

_NOT_THERE = "not there"


class Method(StrEnum):
    """What brings a service under this tool's care."""

    NONE = "none"
    """It is there already, or there is nothing to take over."""
    DEPLOY = "deploy"
    """Its next deploy takes it over, without downtime."""
    MOMENT = "moment"
    """Its aliases are taken away first, which needs a moment of downtime."""


@dataclass(frozen=True, slots=True)
class Adoptee:
    """A live container.

    Attributes:
        started: ``this tool``, ``Compose (project NAME)``, ``docker run``, or ``not there``.
        memory: its limit in bytes, 0 for none.
    """

    service: str
    started: str
    method: Method
    aliases: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    restart: str = ""
    memory: int = 0
    networks: tuple[str, ...] = ()


def describe(survey: Survey, services: Sequence[Service]) -> list[Adoptee]:
    """Return how each service was started, and what takes it over.

    Raises:
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    if (problem := docker_problem(survey)) is not None:
        raise problem
    return [_describe(survey, service.name) for service in services]


def _describe(survey: Survey, name: str) -> Adoptee:
    live = survey.trio(name).live
    if live is None:
        return Adoptee(name, _NOT_THERE, Method.NONE)
    project = live.labels.get("com.docker.compose.project", "")
    ours = Labels.release in live.labels
    started = "this tool" if ours else f"Compose (project {project})" if project else "docker run"
    aliased = must_lose_aliases(survey, name)
    method = Method.MOMENT if aliased else Method.NONE if ours else Method.DEPLOY
    given = live.aliases.get(survey.names.network, ())
    aliases = tuple(dict.fromkeys(alias for alias in given if alias != live.id[:12]))
    return Adoptee(
        name, started, method, aliases, live.published, live.restart_policy, live.memory, tuple(sorted(live.addresses))
    )


def lines(adoptees: Sequence[Adoptee]) -> list[Line]:
    """Return the view in 80 columns."""
    return [line for adoptee in adoptees for line in _lines(adoptee)]


def _lines(adoptee: Adoptee) -> Iterator[Line]:
    yield Line(f"{adoptee.service}: {adoptee.started}", Tone.STRONG)
    if adoptee.started == _NOT_THERE:
        return
    limit = f"{adoptee.memory // MB} MB" if adoptee.memory else "none"
    aliases, published = ", ".join(adoptee.aliases), ", ".join(adoptee.published)
    yield from sentence(
        f"aliases: {aliases or 'none'}; published ports: {published or 'none'}; restart policy: "
        f"{adoptee.restart or 'no'}; memory limit: {limit}; networks: {', '.join(adoptee.networks)}",
        Tone.PLAIN,
        "  ",
    )
    if adoptee.method is Method.DEPLOY:
        deploy = f"inv deploy.{adoptee.service}"
        yield from sentence(f"Its next deploy takes it over, without downtime: {deploy}", indent="  ")
        if published:
            yield from sentence(f"That closes its published ports ({published}).", Tone.CAREFUL, "  ")
    if adoptee.method is Method.MOMENT:
        yield from sentence(
            f"It keeps {', '.join(adoptee.aliases)} as a DNS alias. Taking that away needs a moment of downtime: "
            f"requests in progress are cut off, unless within {PATIENCE} s there is a moment without an open "
            "connection; requests that arrive during it fail.",
            Tone.CAREFUL,
            "  ",
        )


def as_json(adoptees: Sequence[Adoptee]) -> dict[str, object]:
    """``{"services": [{"service", "started", "method", "aliases", "published", "restart", "memory", "networks"}]}``."""
    return {"services": [asdict(adoptee) for adoptee in adoptees]}


def adopt(session: Session, adoptees: Sequence[Adoptee], confirm: Confirm, *, task: str, wait: float = 0.0) -> None:
    """Take the aliases away where they have to go before a deploy, after a yes.

    Args:
        adoptees: what was shown.
        task: what to type to see them again.
        wait: seconds to queue for the lock.

    Raises:
        RemoteCommandFailed: it could not be done.
    """
    aliased = [adoptee for adoptee in adoptees if adoptee.method is Method.MOMENT]
    services = [service for service in session.services if service.name in {adoptee.service for adoptee in aliased}]
    if not services:
        return

    def look(survey: Survey) -> list[Adoptee]:
        return describe(survey, services)

    question = f"Take the aliases from {', '.join(service.name for service in services)} now?"
    if agree(session, task, aliased, look, confirm, question=question, wait=wait):
        for service in services:
            _unalias(session, service)


def _unalias(session: Session, service: Service) -> None:
    with session.step("adopt", f"Take the aliases from {service.name}") as step, session.interrupts.shielded():
        where = (session.names.proxy.container, session.names.network, service.name)
        argv = script("host/unalias", *where, str(service.port), str(PATIENCE))
        title = f"take the aliases from {service.name}"
        result = session.host.run(Command(argv, title=title, timeout=PATIENCE + 60, changes=True))
        if not result.ok:
            raise RemoteCommandFailed(
                f"Could not take the aliases from {service.name}: {result.how()}.",
                state=f"{service.name} may be off the network, or nginx may not know its new address.",
                remedy="inv ops.network --fix; then inv ops.nginx --reload",
                lines=result.last_lines(3),
            )
        count = result.reply().values()["cut"]
        step.detail = "at a quiet moment" if count == "0" else f"{count} open connection(s) were cut"
