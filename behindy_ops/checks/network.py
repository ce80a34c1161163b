"""The network that the services share: is it there, who should be on it, and who answers to which name? Pure.

Compose gives a container its service's name as an alias, and aliases survive a rename. So a service's container must
have none of its own names as an alias, or after a switch two containers answer to one name.
"""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Problem, Risk, ok
from behindy_ops.errors import Kind
from behindy_ops.facts.container import OVERLAY, Container
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.swarm import Seat
from behindy_ops.project.names import Names

NO_NETWORK = Problem(
    "network missing",
    "the Docker network that nginx and the services share does not exist",
    "Make it, and start nginx, the database and the cache: inv host.up",
    "Containers do not find each other: Could not resolve host.",
    kind=Kind.NETWORK_MISSING,
    users=True,
)
OFF_NETWORK = Problem(
    "off the network",
    "a container that belongs to the project is not on its network",
    "Connect it: inv ops.network --fix",
    "Could not resolve host: {asked_as}; 502 if it is a service.",
    kind=Kind.NGINX_NOT_READY,
    users=True,
)
OWN_ALIAS = Problem(
    "alias",
    "the live container has its candidate's name as a DNS alias, or its own where a swarm is to take over",
    "Take it over at a quiet moment (a moment of downtime): inv host.adopt {subject}",
    "After a switch users get two releases in turn, or the old one.",
    users=True,
)
NAMED_BY_COMPOSE = Risk(
    "alias by Compose",
    "the live container has its own name as a DNS alias, as Compose gives it",
    "Its next deploy takes it over: inv deploy.{subject} --tag TAG",
    "After that deploy, other containers that ask for it meet either release until this one is gone; users do not.",
)
SHARED_NAME = Risk(
    "name taken twice",
    "a container answers to a name that is another's, or that a switch hands on",
    "Remove it at a quiet moment (it is down meanwhile), then deploy it again: docker rm -f {subject}",
    "Whoever asks for that name gets one container or the other.",
    users=True,
)
UNASKED = Risk(
    "name not answered",
    "the database or the cache does not answer to the name it is asked for by",
    "On the host (whoever is connected to it notices): docker network disconnect {network} {subject} && docker network "
    "connect --alias {asked_as} {network} {subject}",
    "Could not resolve host: {asked_as}; services that need it fail their health checks.",
    users=True,
)


def exists(facts: Facts) -> Iterable[Check]:
    """The network itself."""
    if facts.survey.network:
        yield ok("network", facts.names.network)
    else:
        found = f"The Docker network {facts.names.network} does not exist, so nothing could reach a container."
        yield NO_NETWORK.check("network", found)


def members(facts: Facts) -> Iterable[Check]:
    """Containers that should be on it and are not."""
    if not facts.survey.network:
        return
    for name, asked_as in expected(facts).items():
        container = facts.survey.containers.get(name)
        if container is not None and not container.joins(facts.names.network):
            yield off_network(facts, "network", container, asked_as)
    for name, asked_as in beside_all_nodes(facts).items():
        container, network = facts.survey.containers.get(name), overlay(facts)
        if container is not None and network not in container.addresses:
            yield off_network(facts, "network", container, asked_as, network)


def overlay(known: Facts) -> str:
    """Return the network of all nodes, on which a swarm runs services; empty where it runs none."""
    lives = (known.survey.trio(service.name).live for service in known.services)
    return f"{known.names.network}{OVERLAY}" if any(live and live.replicas is not None for live in lives) else ""


def beside_all_nodes(known: Facts) -> dict[str, str]:
    """Return which containers have to be on that network, too, and the name that each is asked for by."""
    apart = known.names.apart
    return {one: name for name, one in known.beside.items() if name not in apart} if overlay(known) else {}


def expected(known: Facts) -> dict[str, str]:
    """Return whose containers should be on it where they exist, and the name that each is asked for by."""
    joining = filter(known.names.meets_nginx, known.services)
    ours = [name for service in joining for name in known.names.trio(service.name)]
    beside = {container: name for name, container in known.beside.items() if name not in known.names.apart}
    return beside | {name: name for name in ours}


def off_network(facts: Facts, looked_at: str, container: Container, asked_as: str, network: str = "") -> Check:
    """Return the check that found a container outside of the network."""
    return OFF_NETWORK.check(
        looked_at,
        f"The container {container.name} is not on the network {network or facts.names.network}.",
        subject=container.name,
        evidence=(f"{container.name}: it is not connected",),
        fix=Fix(FixKind.CONNECT, container.name),
        asked_as=asked_as,
    )


def aliases(facts: Facts) -> Iterable[Check]:
    """Whether each service's name is its container's alone, so that a switch hands on all of it."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if live is None or not any(facts.survey.answers_to(live, name) for name in facts.names.trio(service.name)[:2]):
            yield ok("aliases", f"{service.name} answers to its container's name alone", service.name)
            continue
        evidence = (f"aliases: {', '.join(further_names(live, facts.names))}",)
        said = f"{service.name} was not started by this tool and keeps its name as a DNS alias"
        if must_lose_aliases(facts.survey, service.name):
            said += ", so after a switch users would get both releases."
            yield OWN_ALIAS.check("aliases", said, subject=service.name, evidence=evidence)
        else:
            said += "; nginx is led past that, so users meet one release."
            yield NAMED_BY_COMPOSE.check("aliases", said, subject=service.name, evidence=evidence)


def must_lose_aliases(survey: Survey, service: str) -> bool:
    """Whether a service's live container has a name that a deploy cannot leave to it.

    Its own name it may keep until it is removed: nginx is led past that. Its candidate's would be asked in a rehearsal;
    and in a swarm what is deployed has another name, so that nothing would lead past the old one.
    """
    live, green = survey.trio(service).live, survey.names.trio(service)[1]
    if live is None or not live.running:
        return False
    manages = survey.cluster.seat is Seat.MANAGER and service not in survey.stale
    return survey.answers_to(live, green) or (manages and survey.answers_to(live, service))


def names(facts: Facts) -> Iterable[Check]:
    """Names on the network that two containers answer to, and names that nobody answers to."""
    on_it = {name: one for name, one in facts.survey.containers.items() if facts.names.network in one.addresses}
    taken = {name: {name, *further_names(container, facts.names)} for name, container in on_it.items()}
    lives = {service.name for service in facts.services}
    guarded = {name for live in lives for name in facts.names.trio(live)}
    asked_as = {container: name for name, container in facts.beside.items()}
    for name, container in on_it.items():
        own = set(further_names(container, facts.names))
        evidence = (f"aliases: {', '.join(sorted(own)) or 'none'}",)
        others: set[str] = set().union(*(taken[other] for other in taken if other != name))
        doubled = (own - {name, asked_as.get(name)}) & (guarded | others)
        if name in lives:
            doubled.discard(f"{name}-green")  # that is the alias of a container somebody else started
        if doubled or name in own & guarded - lives:
            said = ", ".join(sorted(doubled)) or name
            said = f"{name} answers to {said} too: whoever asks for that gets one or the other."
            yield SHARED_NAME.check("aliases", said, subject=name, evidence=evidence)
        elif (asked := asked_as.get(name, name)) not in taken[name]:
            yield UNASKED.check(
                "aliases",
                f"{name} does not answer to {asked}, the name it is asked for by.",
                subject=name,
                evidence=evidence,
                asked_as=asked,
                network=facts.names.network,
            )


def further_names(container: Container, names: Names) -> tuple[str, ...]:
    """Return a container's aliases. Docker adds the first digits of the id; nobody asks for those."""
    return tuple(sorted(set(container.aliases.get(names.network, ())) - {container.id[:12]}))
