"""nginx: does it run, is its configuration valid, and what does it make of the services? Pure."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks import network
from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Level, Problem, Risk, ok, state_of
from behindy_ops.errors import Kind

NGINX_MISSING = Problem(
    "nginx missing",
    "there is no container nginx",
    "Make it: inv host.up",
    "Nobody reaches the site.",
    kind=Kind.NGINX_NOT_READY,
    users=True,
)
NGINX_STOPPED = Problem(
    "nginx stopped",
    "the container nginx is not running, or restarts over and over",
    "Its log says why: inv ops.logs nginx. Start it: inv ops.doctor --fix",
    "Nobody reaches the site: connections are refused.",
    kind=Kind.NGINX_NOT_READY,
    users=True,
)
BAD_CONFIGURATION = Problem(
    "nginx configuration",
    "nginx -t refuses the files on the host",
    "Correct the file that is named, in nginx/ here, and put it there: inv host.sync",
    "None yet for users: nginx keeps running with what it has loaded. Its next restart takes the site down.",
    kind=Kind.NGINX_NOT_READY,
    helps="",
)
NOT_INSIDE = Problem(
    "nginx inside",
    "a service is to ask http://nginx:<port>, and the nginx that runs does not listen there",
    "Put this project's nginx/ on the host, and start nginx with it: inv host.sync, then inv host.up. Until then "
    "{subject} can ask the other service itself: inv env.set NAME, for the value that names nginx",
    "{subject} cannot reach what it asks through nginx: connection refused.",
    kind=Kind.NGINX_NOT_READY,
    users=True,
)
STATIC_NAMES = Risk(
    "static upstream",
    "nginx's configuration has names that it resolves only when it loads",
    "Now: inv ops.nginx --reload. For good, put this project's nginx/ on the host: inv host.sync",
    "502 and 504 after a switch, until nginx is reloaded.",
    users=True,
)


def nginx(facts: Facts) -> Iterable[Check]:
    """The container."""
    container = facts.survey.containers.get(facts.nginx)
    theirs = f" It is that of the project in {facts.names.shared}." if facts.names.shared else ""
    if container is None:
        yield NGINX_MISSING.check("nginx", f"There is no nginx container.{theirs}", subject=facts.nginx)
    elif not container.running or container.restarting:
        ending = "restarts over and over" if container.restarting else "is not running"
        yield NGINX_STOPPED.check(
            "nginx",
            f"The nginx container {ending} ({container.status}, exit code {container.exit_code}).{theirs}",
            subject=facts.nginx,
            evidence=(state_of(container), *facts.nginx_errors[-3:]),
            fix=None if container.restarting or theirs else Fix(FixKind.START, facts.nginx),
        )
    elif facts.names.network not in container.addresses:
        yield network.off_network(facts, "nginx", container, facts.nginx)
    else:
        yield ok("nginx", f"runs, on the network {facts.names.network}", facts.nginx)


def configuration(facts: Facts) -> Iterable[Check]:
    """Its files on the host, tried by the nginx that runs."""
    container = facts.survey.containers.get(facts.nginx)
    if container is None or not container.running:
        return
    problem = facts.survey.problems.get("nginx_", "")
    if problem:
        yield BAD_CONFIGURATION.check(
            "nginx configuration",
            "nginx's configuration files on the host are not valid: it keeps running with what it has loaded, and a "
            "restart would take the site down.",
            subject=facts.nginx,
            evidence=problem.splitlines()[-5:],
        )
    else:
        yield ok("nginx configuration", "valid", facts.nginx)


def inside(facts: Facts) -> Iterable[Check]:
    """Whether nginx listens where the services are to ask it for each other: nginx/internal.conf."""
    listening, nginx = facts.survey.listening, facts.names.proxy.stanza or facts.nginx
    for service in facts.services if listening else ():
        asked = facts.survey.stanza(service.name).asks
        deaf = ", ".join(f"http://{nginx}:{port}" for port in asked if port not in listening)
        if deaf:
            yield NOT_INSIDE.check(
                "nginx inside",
                f"{service.name} is to ask {deaf}, and the nginx that runs does not listen there.",
                subject=service.name,
                evidence=(f"nginx listens on: {', '.join(map(str, sorted(listening)))}",),
            )
        elif asked:
            said = f"{service.name} is answered at {', '.join(f'http://{nginx}:{port}' for port in asked)}"
            yield ok("nginx inside", said, service.name)


def static_names(facts: Facts) -> Iterable[Check]:
    """After a rename nginx keeps the address of the container that had the name: docs/design.md, "Plain upstreams"."""
    names = [service.name for service in facts.services if service.name in facts.survey.stale]
    if not names:
        return
    hurt = any(facts.well(one.service, one.direct) and one.public.status in (502, 504) for one in facts.upstreams)
    yield STATIC_NAMES.check(
        "static upstream",
        "nginx's configuration has plain upstreams, whose names it resolves only when it loads.",
        subject=facts.nginx,
        evidence=[f"resolved at load only: {name}" for name in names],
        level=Level.REFUSAL if hurt else None,
        fix=Fix(FixKind.RELOAD) if hurt else None,
    )
