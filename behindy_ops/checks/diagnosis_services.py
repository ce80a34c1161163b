"""Rules about the deployed services."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from behindy_ops.checks.diagnosis import Facts, Finding, Fix, FixKind, Severity
from behindy_ops.checks.preflight import missing_names
from behindy_ops.facts.leftovers import Recovery, decide, serves
from behindy_ops.facts.release import previous_release
from behindy_ops.project.services import repository

if TYPE_CHECKING:
    from behindy_ops.facts.container import Container

__all__ = ["RULES"]


def leftovers(facts: Facts) -> Iterable[Finding]:
    """Section 7.1 and 7.4: a candidate that failed, a name that is missing, a previous release still beside."""
    for service in facts.services:
        trio = facts.survey.trio(service.name)
        recovery = decide(trio)
        if recovery is Recovery.NOTHING:
            continue
        bearers = [one for one in (trio.live, trio.green, trio.blue) if one is not None]
        missing = trio.live is None
        yield Finding(
            "name missing" if missing and trio.blue else "leftover",
            service.name,
            f"502: nothing has the name {service.name}."
            if missing
            else "None for users; the next deploy mends it first.",
            recovery.value[0].upper() + recovery.value[1:] + ".",
            tuple(_how(one) for one in bearers),
            f"inv deploy.recover {service.name}",
            Severity.TROUBLE if missing or not serves(trio.live) else Severity.RISK,
            Fix(FixKind.RECOVER, service.name),
        )


def killed(facts: Facts) -> Iterable[Finding]:
    """Section 7.2: a container that was killed because it used up its memory."""
    for service in facts.services:
        trio = facts.survey.trio(service.name)
        for container in (trio.live, trio.green, trio.blue):
            if container is None or not container.oom_killed:
                continue
            live = container is trio.live
            yield Finding(
                "OOM",
                container.name,
                "Container killed by OOM" + ("; 502 until it is back." if live else "; users never met it."),
                f"It needs more memory than its limit of {container.memory // 2**20} MB.",
                (_how(container),),
                f"Raise mem_limit and memswap_limit of {service.name} in the compose file within the host's memory "
                f"(inv ops.mem), or go back: inv deploy.rollback {service.name}",
                fix=Fix(FixKind.START, container.name) if live and not container.running else None,
            )


def killed_before(facts: Facts) -> Iterable[Finding]:
    """The same, of a container that Docker has started again: only the kernel and Docker's events remember."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        times = [at for name, at in facts.kills if name == service.name]
        if live is None or live.oom_killed or not times:
            continue
        yield Finding(
            "OOM",
            service.name,
            "Container killed by OOM; 502 until Docker had started it again.",
            f"It needs more memory than its limit of {live.memory // 2**20} MB, or the host had none left.",
            (f"{len(times)} time{'s' if len(times) != 1 else ''}, last at {max(times)}", _how(live)),
            f"See inv ops.mem. Raise mem_limit and memswap_limit of {service.name} in the compose file, or go back: "
            f"inv deploy.rollback {service.name}",
            Severity.RISK,
        )


def stopped(facts: Facts) -> Iterable[Finding]:
    """Section 7.4: 502 because the live container does not run."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if live is None or (live.running and not live.restarting):
            continue
        yield Finding(
            "restarting" if live.restarting else "stopped",
            service.name,
            "502: nginx reaches nobody.",
            f"The live container {'ends and is started over and over' if live.restarting else 'does not run'} "
            f"(exit code {live.exit_code}).",
            (_how(live),),
            f"Its log says why: inv ops.logs {service.name}. "
            f"{'Go' if live.restarting else 'Start it: inv ops.doctor --fix; or go'} back: "
            f"inv deploy.rollback {service.name}",
            fix=None if live.restarting else Fix(FixKind.START, service.name),
        )


def unhealthy(facts: Facts) -> Iterable[Finding]:
    """Section 7.1: it runs and does not answer well; the cause is looked for in what it depends on."""
    for upstream in facts.nginx.upstreams:
        live = facts.survey.trio(upstream.service).live
        if live is None or not live.running or live.restarting or not upstream.resolves:
            continue
        if not upstream.direct.good:
            said = f"HTTP {upstream.direct.status}" if upstream.direct.status else upstream.direct.problem
            yield Finding(
                "health check failed",
                upstream.service,
                f"Health check failed - {upstream.service} not responding well.",
                _why_unhealthy(facts, upstream.service),
                (f"asked from inside nginx: {said}", _how(live)),
                f"Its log says why: inv ops.logs {upstream.service}. Go back: inv deploy.rollback {upstream.service}",
            )
        elif upstream.public.status in (502, 503, 504):
            yield Finding(
                "bad gateway",
                upstream.service,
                f"HTTP {upstream.public.status} through {upstream.url}",
                "The service is well, but nginx does not reach it: it asks another address than the live container's.",
                (
                    f"the name leads to {', '.join(upstream.resolves)}, the live container is {upstream.address}",
                    *facts.nginx.errors[-3:],
                ),
                "inv ops.nginx --reload",
                fix=Fix(FixKind.RELOAD),
            )
        elif not upstream.public.good:
            said = f"HTTP {upstream.public.status}" if upstream.public.status else upstream.public.problem
            yield Finding(
                "public URL",
                upstream.service,
                f"{upstream.url}: {said}, though the service itself is well.",
                "Something between the world and the service: TLS, a route, a header it does not like, or a service on "
                "the way.",
                (f"directly: HTTP {upstream.direct.status}; through nginx: {said}",),
                "See inv ops.nginx and inv ops.certs; compare how it answers with the public Host header.",
            )


def _why_unhealthy(facts: Facts, service: str) -> str:
    declared = next(one for one in facts.services if one.name == service)
    missing = missing_names(facts.survey.environment, declared.required_env)
    if missing:
        return f"The host's .env has no value for {', '.join(missing)}."
    down = [
        name
        for name, container in facts.survey.containers.items()
        if not container.running and name in ("postgres", "redis", declared.through)
    ]
    if down:
        return f"What it depends on does not run: {', '.join(sorted(down))}."
    return "The release itself answers with an error or not at all; what it depends on runs."


def environment(facts: Facts) -> Iterable[Finding]:
    """A value that is missing is met by the next deploy, or by a restart."""
    if ".env" not in facts.survey.files:
        yield Finding(
            "no environment file",
            "host",
            "Deploys are refused.",
            "The host has no .env.",
            (),
            "Make it from compose/.env.example and put it there: inv env.push",
        )
        return
    for service in facts.services:
        missing = missing_names(facts.survey.environment, service.required_env)
        if missing:
            yield Finding(
                "value missing",
                service.name,
                f"The next deploy of {service.name} is refused, or its health check fails.",
                f"The host's .env has no value for {', '.join(missing)}.",
                tuple(f"{name}: {'empty' if name in facts.survey.environment else 'missing'}" for name in missing),
                f"Add it: inv env.set {missing[0]}",
            )


def configuration(facts: Facts) -> Iterable[Finding]:
    """What the compose file asks for and has hurt before."""
    for service in facts.services:
        stanza = facts.survey.stanzas.get(service.name)
        live = facts.survey.trio(service.name).live
        ports = stanza.ports if stanza else ()
        published = ports or (live.published if live else ())
        if published:
            yield Finding(
                "published port",
                service.name,
                "A second container cannot start beside the first (port is already allocated), and the port is open to "
                "the world.",
                f"{service.name} publishes {', '.join(published)}.",
                (
                    f"in the compose file: {', '.join(ports) or 'none'}",
                    f"of the live container: {', '.join(live.published if live else ()) or 'none'}",
                ),
                f"Take `ports` out of the stanza {service.name} in the compose file, then deploy {service.name}.",
                Severity.TROUBLE if ports else Severity.RISK,
            )
        if service.external == "/health":
            yield Finding(
                "static health",
                service.name,
                "A deploy is taken for healthy whatever the service does.",
                "x-deploy.external is /health, which nginx answers by itself.",
                ("nginx/site.conf: location = /health returns 200",),
                f"Name a path of {service.name} itself in the compose file.",
                Severity.RISK,
            )


def images(facts: Facts) -> Iterable[Finding]:
    """Images removed that a rollback would need; images that were built on the host."""
    there = {image.id for image in facts.survey.images}
    for service in facts.services:
        previous = previous_release(facts.survey, service.name)
        if previous is not None and previous.image_id not in there:
            yield Finding(
                "rollback image gone",
                service.name,
                "A rollback has to pull first, or cannot be done.",
                f"The image of the previous release ({previous.tag}) is no longer on the host; `docker image prune -a` "
                "takes those.",
                (f"release {previous.id}: {previous.image_id[:19]}",),
                "A rollback pulls it again by its digest, while the registry has it. To clean up: inv ops.prune, which "
                "keeps it.",
                Severity.RISK,
            )
        own = repository(service, facts.image_prefix)
        built = sorted({tag for image in facts.survey.images if not image.digests for tag in image.references(own)})
        if built:
            yield Finding(
                "built on the host",
                service.name,
                "The host runs out of memory while it builds.",
                "An image of this service came from no registry: it was built here.",
                tuple(built[:3]),
                "Build on GitHub's runners and push; deploys pull. Remove it: inv ops.prune",
                Severity.RISK,
            )


def _how(container: Container) -> str:
    oom = ", OOM-killed" if container.oom_killed else ""
    health = f", {container.health}" if container.health else ""
    restarts = f", {container.restarts} restarts" if container.restarts else ""
    code = "" if container.running else f", exit code {container.exit_code}"
    return f"{container.name}: {container.status}{health}{code}{oom}{restarts}"


RULES: Final[tuple[Callable[[Facts], Iterable[Finding]], ...]] = (
    killed,
    killed_before,
    leftovers,
    stopped,
    unhealthy,
    environment,
    configuration,
    images,
)
