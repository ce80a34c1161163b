"""The deployed services, and the containers beside them that they need. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Level, Problem, Risk, ok, state_of
from behindy_ops.checks.environment import lacking
from behindy_ops.errors import Kind
from behindy_ops.facts.leftovers import Recovery, incomplete, leftover, serves
from behindy_ops.facts.release import released_as
from behindy_ops.facts.upstream import Upstream
from behindy_ops.project.services import replicas

_LOG = "Its log says why: inv ops.logs {subject}"
_BACK = "Go back: inv deploy.rollback {subject}"

DEPENDENCY_MISSING = Problem(
    "dependency missing",
    "there is no container of the database, the cache or another service of the compose file",
    "Make it: inv host.up",
    "Services that need it fail their health checks.",
    users=True,
)
DEPENDENCY_STOPPED = Problem(
    "dependency stopped",
    "the container of the database, the cache or another service of the compose file is not running",
    f"Start it: inv ops.doctor --fix. {_LOG}",
    "Services that need it fail their health checks.",
    users=True,
)
NAME_MISSING = Problem(
    "name missing",
    "an interrupted run left no container with the name of the service",
    "inv deploy.recover {subject}",
    "502: nothing has the name {subject}.",
    users=True,
)
LEFTOVER = Risk(
    "leftover",
    "an interrupted run left a container beside the live one",
    "inv deploy.recover {subject}",
    "None for users; the next deploy recovers it first.",
)
INCOMPLETE = Risk(
    "replicas",
    "a container of a service is missing, has another release than its first one, or is one too many; or a service "
    "does not run as it is declared: by the swarm, or with so many tasks",
    "Deploy what is live once more, which makes them alike: inv deploy.{subject} {tag}",
    "None while the others serve; there are fewer of them, or two releases answer.",
)
STOPPED = Problem(
    "stopped",
    "the live container is not running",
    f"{_LOG}. Start it: inv ops.doctor --fix. {_BACK}",
    "502: nginx reaches nobody.",
    users=True,
)
NO_TASK = Problem(
    "no task runs",
    "no task of the live release runs on any node of the swarm",
    f"Why each ended: inv ops.ps. {_LOG}. {_BACK}",
    "502: nginx reaches nobody.",
    users=True,
)
RESTARTING = Problem(
    "restarting",
    "the live container exits and is started over and over",
    f"{_LOG}. {_BACK}",
    "502: nginx reaches nobody.",
    users=True,
)
CALLS_ITSELF_UNHEALTHY = Problem(
    "own health check failed",
    "the live container runs, and its own health check (of the compose file or the image) fails",
    f"{_LOG}. {_BACK}",
    "The service may not do its work.",
    users=True,
)
LEADS_ELSEWHERE = Problem(
    "name leads elsewhere",
    "inside nginx the name of a service does not lead to the live container alone",
    "See who answers to it: inv ops.network. If nobody else does: inv ops.nginx --reload",
    "Users get another container than the live one, or none.",
    users=True,
)
UNHEALTHY = Problem(
    "health check failed",
    "the service does not answer nginx on its internal path with 200 to 399, or with what x-deploy.expect.status says",
    f"{_LOG}. {_BACK}",
    "Health check failed: {subject} is not responding well.",
    users=True,
)
BAD_GATEWAY = Problem(
    "bad gateway",
    "nginx answers 502, 503 or 504 for a service that answers nginx well",
    "inv ops.nginx --reload",
    "HTTP {status} through {url}",
    users=True,
)
NOT_PUBLIC = Problem(
    "public URL",
    "the service answers nginx well, but not through its public URL",
    "See inv ops.nginx and inv ops.certs; compare how it answers with the public Host header. Where only the host "
    "does not reach it by its public name: BEHINDY_PUBLIC_ADDRESS=127.0.0.1 (.env.example).",
    "{url}: {said}, though the service itself is well.",
    users=True,
)
IN_MAINTENANCE = Risk(
    "in maintenance",
    "the service is closed to visitors",
    "Open it again: inv deploy.maintenance {subject} --off",
    "503 with a page of yours, until it is opened.",
)
PUBLISHED = Problem(
    "published port",
    "a service, the database or the cache publishes a port",
    "Take `ports` out of the stanza {stanza} in compose/ here (nginx reaches it without), then: inv host.sync; {apply}",
    "A second container cannot start beside the first (port is already allocated), and the port is open to the world.",
    kind=Kind.COMPOSE_INVALID,
    helps="",
)
STATIC_HEALTH = Risk(
    "static health",
    "x-deploy.external is /health, which nginx answers by itself",
    "Name a path of {subject} itself in the compose file.",
    "A deploy is taken for healthy whatever the service does.",
)


def dependencies(facts: Facts) -> Iterable[Check]:
    """The database, the cache, and what else the compose file declares beside the services; nginx has its own rules."""
    for stanza, name in facts.beside.items():
        container = facts.survey.containers.get(name)
        if name == facts.nginx:
            continue
        if container is None:
            yield DEPENDENCY_MISSING.check("dependencies", f"There is no container {name}.", subject=name)
        elif not container.running:
            yield DEPENDENCY_STOPPED.check(
                "dependencies",
                f"The container {name} is not running.",
                subject=name,
                evidence=(state_of(container),),
                fix=Fix(FixKind.START, name),
            )
        elif container.published and stanza in {role.stanza for role in facts.names.dependencies}:
            yield PUBLISHED.check(
                "ports",
                f"{name} is open to the world on {', '.join(container.published)}.",
                subject=name,
                evidence=(f"published: {', '.join(container.published)}",),
                level=Level.WARNING,
                stanza=stanza,
                apply="inv host.up",
            )


def leftovers(facts: Facts) -> Iterable[Check]:
    """A candidate that failed, a name that is missing, a previous release still beside: docs/design.md, "Reconcile"."""
    for service in facts.services:
        trio = facts.survey.trio(service.name)
        recovery = leftover(facts.survey, service.name)
        if recovery is Recovery.NOTHING:
            drains, changing = facts.survey.draining.get(service.name), facts.survey.changing
            found = f"none; the host drains {service.name}-blue: {drains.described()}" if drains else "none"
            found = f"none is told while somebody works: {changing.described()}" if changing else found
            yield ok("leftovers", found, service.name)
            continue
        problem = NAME_MISSING if trio.live is None and trio.blue is not None else LEFTOVER
        yield problem.check(
            "leftovers",
            f"{recovery.value[0].upper()}{recovery.value[1:]}.",
            subject=service.name,
            evidence=map(state_of, filter(None, (*trio, facts.survey.once(service.name)))),
            level=Level.WARNING if serves(trio.live) else Level.REFUSAL,
            fix=Fix(FixKind.RECOVER, service.name),
        )


def several(facts: Facts) -> Iterable[Check]:
    """Whether a service with several containers has all of them, of one release."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if service.replica_of or live is None or facts.survey.changing:
            continue
        others = [facts.survey.trio(each.name).live for each in replicas(service)[1:]]
        if any(other is not None and not other.running for other in others):
            continue  # `stopped` tells
        if why := incomplete(facts.survey, service):
            found = f"{why[0].upper()}{why[1:]}"
            if live.replicas is None and not service.tasks:
                alike = f"{service.name} is declared with {service.replicas} container"
                found += f": {alike}{'s' if service.replicas > 1 else ''}, alike (x-deploy.replicas)"
            found += "."
            tag = released_as(live).tag
            yield INCOMPLETE.check("replicas", found, subject=service.name, tag=tag)


def stopped(facts: Facts) -> Iterable[Check]:
    """502 because the live container does not run, or one that says of itself that it is not well."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if serves(live) or live is None or service.schedule:
            continue
        if live.running and not live.restarting:
            yield CALLS_ITSELF_UNHEALTHY.check(
                "live",
                "The live container runs, but its own health check fails.",
                subject=service.name,
                evidence=(state_of(live),),
            )
            continue
        if live.replicas is not None:
            yield NO_TASK.check(
                "live",
                f"No task of the live release runs; it is to have {live.replicas}.",
                subject=service.name,
                evidence=(state_of(live), *filter(None, (live.trouble,))),
            )
            continue
        ending = "exits and is started over and over" if live.restarting else "is not running"
        yield (RESTARTING if live.restarting else STOPPED).check(
            "live",
            f"The live container {ending} (exit code {live.exit_code}).",
            subject=service.name,
            evidence=(state_of(live),),
            fix=None if live.restarting else Fix(FixKind.START, service.name),
        )


def answers(facts: Facts) -> Iterable[Check]:
    """A service that runs and does not answer well, and one that does but not to the world, as nginx sees them."""
    nginx = facts.survey.containers.get(facts.nginx)
    for upstream in facts.upstreams if nginx is not None and nginx.running else ():
        live = facts.survey.trio(upstream.service).live
        if live is None or not live.running or live.restarting or not upstream.address:
            continue
        name = upstream.service
        # nginx sees as many of its addresses as there are networks that both are on.
        leads_there = bool(upstream.resolves) and {upstream.address, *live.all_addresses} >= {*upstream.resolves}
        if not leads_there:
            leads = ", ".join(upstream.resolves) or "nowhere"
            yield LEADS_ELSEWHERE.check(
                "answers",
                f"Inside nginx the name {name} leads to {leads}, but the live container is at {upstream.address}.",
                subject=name,
            )
        if upstream.resolves and not facts.well(name, upstream.direct):
            yield UNHEALTHY.check(
                "answers",
                f"{name} does not answer nginx well ({upstream.direct.said}). {_why_unhealthy(facts, name)}",
                subject=name,
                evidence=(f"asked from inside nginx: {upstream.direct.said}", state_of(live)),
            )
        elif leads_there and not facts.well(name, upstream.public) and not _is_closed(facts, upstream):
            yield _not_reached(facts, upstream)


_CLOSED = 503
"""What nginx answers for a service in maintenance."""


def _is_closed(facts: Facts, upstream: Upstream) -> bool:
    """Whether it is answered 503 because it, or what it is asked through, is in maintenance."""
    asked = {name for one in facts.services if one.name == upstream.service for name in (one.name, one.through)}
    return upstream.public.status == _CLOSED and not asked.isdisjoint(facts.survey.maintenance)


def maintenance(facts: Facts) -> Iterable[Check]:
    """Whether a service is closed to visitors."""
    for service in facts.services:
        if (closed := facts.survey.maintenance.get(service.name)) is not None:
            found = f"{service.name} is in maintenance {closed.described()}: visitors get 503."
            yield IN_MAINTENANCE.check("maintenance", found, subject=service.name)


def _not_reached(facts: Facts, upstream: Upstream) -> Check:
    status = upstream.public.status
    if status in (502, 503, 504):
        leads = f"the name leads to {', '.join(upstream.resolves)}, the live container is {upstream.address}"
        return BAD_GATEWAY.check(
            "answers",
            f"nginx answers {status} for {upstream.service}, which is well: it asks another address than the live "
            "container's.",
            subject=upstream.service,
            evidence=(leads, *facts.nginx_errors[-3:]),
            fix=Fix(FixKind.RELOAD),
            status=str(status),
            url=upstream.url,
        )
    past = facts.past
    misled = past is not None and past.misled and not status
    named = [f"the name leads to {', '.join(past.leads) or 'nothing'} on the host"] if past else []
    return NOT_PUBLIC.check(
        "answers",
        f"{upstream.service} is well, but not through the public URL ({upstream.public.said}): "
        + (
            "the host does not reach it by its public name, though nginx answers well at 127.0.0.1."
            if misled
            else "TLS, a route, a header it rejects, or a service on the way."
        ),
        subject=upstream.service,
        evidence=(f"directly: {upstream.direct.said}; through nginx: {upstream.public.said}", *named),
        url=upstream.url,
        said=upstream.public.said,
    )


def _why_unhealthy(facts: Facts, name: str) -> str:
    service = next(one for one in facts.services if one.name == name)
    if missing := lacking(facts.survey, service):
        return f"The host's .env has no value for {', '.join(missing)}."
    needed = {role.container for role in facts.names.dependencies} | {service.through}
    containers = facts.survey.containers
    if down := sorted(name for name in needed if name in containers and not containers[name].running):
        return f"What it depends on is not running: {', '.join(down)}."
    return "The release itself answers with an error or not at all; what it depends on is running."


def ports(facts: Facts) -> Iterable[Check]:
    """A service that publishes a port cannot run twice, and the port is open to the world."""
    for service in facts.services:
        declared = facts.survey.stanza(service.name).ports
        live = facts.survey.trio(service.name).live
        published = live.published if live else ()
        if not declared and not published:
            yield ok("ports", f"{service.name} publishes none", service.name)
            continue
        found = (
            f"The compose file on the host publishes port {', '.join(declared)} of {service.name}: a second container "
            "cannot start beside the first, and the port is open to the world."
            if declared
            else f"{service.name} publishes {', '.join(published)} until its next deploy."
        )
        yield PUBLISHED.check(
            "ports",
            found,
            subject=service.name,
            evidence=(
                f"in the compose file: {', '.join(declared) or 'none'}",
                f"of the live container: {', '.join(published) or 'none'}",
            ),
            level=None if declared else Level.WARNING,
            stanza=service.stanza,
            apply=f"inv deploy.{service.name}",
        )


def static_health(facts: Facts) -> Iterable[Check]:
    """A check that proves nothing."""
    for service in facts.services:
        if service.external == "/health":
            yield STATIC_HEALTH.check(
                "static health",
                "x-deploy.external is /health, which nginx answers by itself.",
                subject=service.name,
                evidence=("nginx/site.conf: location = /health returns 200",),
            )
