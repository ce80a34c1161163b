"""``host.check``: is a host fit for deploys, and what gives it what is missing? One round trip; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from behindy_ops.checks import docker, rules
from behindy_ops.checks.advice import closing, helps_most
from behindy_ops.checks.check import Check, Facts, Level, examine, first_refusal
from behindy_ops.checks.swarm import UNREACHED
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.swarm import Node
from behindy_ops.host.nodes import joining_of
from behindy_ops.host.session import Reach, Session
from behindy_ops.project.services import Service
from behindy_ops.provision import timers
from behindy_ops.provision.recipes import SUPPORTED, recipe
from behindy_ops.provision.setup import Plan, look
from behindy_ops.report.layout import sentence
from behindy_ops.report.text import ASCII, LEVEL_TONES, Line, Marks, Tone, entry


def require_docker(facts: HostFacts) -> None:
    """Check that Docker and Compose can be used.

    Raises:
        Kind.HOST_NOT_READY: they cannot.
    """
    checks = examine((docker.engine, docker.compose), Facts(survey=facts))
    if (problem := first_refusal(checks)) is not None:
        raise problem


def check_host(session: Session, reach: Reach | None = None, services: Sequence[Service] = ()) -> tuple[Check, ...]:
    """Look at the host and judge it; and at the nodes of its swarm, as far as they are reached by SSH.

    Args:
        reach: opens a session on one of those; without it they are left out.
        services: those that are declared, as far as the compose file can be read.
    """
    before = session.now()
    facts = replace(look(session).compared(before, session.now()), sessions=session.host.sessions)
    settings = session.settings
    checks = findings(
        facts, host_dir=settings.host_dir, domain=settings.domain, engine=settings.engine, services=services
    )
    nodes = facts.cluster.nodes if reach else ()
    return (*checks, *(check for node in nodes if reach and node.ready for check in _of_a_node(session, reach, node)))


def _of_a_node(session: Session, reach: Reach, node: Node) -> Iterator[Check]:
    """What of a node no manager knows."""
    if not node.ssh:
        return
    (host,) = joining_of([node.ssh])
    try:
        with reach(host.settings(session.settings)) as there:
            before = there.now()
            facts = look(there).compared(before, there.now())
    except BehindyError as error:
        yield UNREACHED.check("nodes", f"{node.name} is not reached as {node.ssh}: {error.what}", subject=node.name)
        return
    for check in examine(rules.NODE, Facts(survey=facts, machine=facts)):
        there_ = f"{host.named(session.settings)} inv host"
        remedy, command = check.remedy.replace(": inv host", f": {there_}"), check.command.replace("inv host", there_)
        yield replace(check, subject=node.name, found=f"{node.name}: {check.found}", remedy=remedy, command=command)


def findings(
    facts: HostFacts, *, host_dir: str, domain: str, engine: str = "", services: Sequence[Service] = ()
) -> tuple[Check, ...]:
    """Return all checks, in the order in which things depend on each other.

    Where host.setup would be refused, since this login may not become root, each remedy says so.
    """
    supported = SUPPORTED if recipe(facts.system, facts.version) is None else ""
    unscheduled = (*timers.missing(facts, domain), *(() if timers.are_on(facts, domain) else ("a timer is off",)))
    known = Facts(
        survey=facts,
        host_dir=host_dir,
        domain=domain,
        machine=facts,
        supported=supported,
        unscheduled=unscheduled,
        visitors=facts.visitors,
        engine=engine,
        services=tuple(services),
    )
    checks = examine(rules.HOST, known)
    if facts.root or not Plan.of(facts, domain).needs_root:
        return checks
    setup = ": inv host.setup"
    needs = f"{setup} (once {facts.user} may use sudo without a password)"
    return tuple(replace(check, remedy=check.remedy.replace(setup, needs)) for check in checks)


def is_ready(checks: Sequence[Check]) -> bool:
    return first_refusal(checks) is None


def as_json(checks: Sequence[Check], host: str) -> dict[str, object]:
    """Return ``{"host", "ready", "checks": [{"name", "level", "problem", "subject", ...}], "helps_most"}``."""
    found = [check.data() for check in checks]
    return {"host": host, "ready": is_ready(checks), "checks": found, "helps_most": helps_most(checks)}


def problem(checks: Sequence[Check], host: str) -> BehindyError | None:
    """Return why a deploy would be refused, with what helps most; None if none would."""
    missing = [check for check in checks if check.level is Level.REFUSAL]
    if not missing:
        return None
    names = ", ".join(check.problem.name if check.problem else check.name for check in missing)
    return Kind.HOST_NOT_READY(f"{host} is not ready for a deploy: {names}.", remedy=helps_most(checks))


def as_lines(checks: Sequence[Check], host: str, marks: Marks = ASCII) -> list[Line]:
    """Return the checks for a person, each with its remedy below it; in the end what helps most."""
    signs = {Level.OK: marks.done, Level.WARNING: marks.warning, Level.REFUSAL: marks.failed}
    column = max(len(check.name) for check in checks) + 2
    lines = []
    for check in checks:
        name, tone = f"  {signs[check.level]} {check.name:<{column}}", LEVEL_TONES[check.level.value]
        lines += entry(name, check.found, tone, remedy=check.remedy)
    missing = sum(check.level is Level.REFUSAL for check in checks)
    careful = sum(check.level is Level.WARNING for check in checks)
    verdict = f"{missing} missing for a deploy" if missing else f"{host} is ready for a deploy"
    more = f"; {careful} more to look at" if careful else ""
    lines.append(Line(f"{verdict}{more}.", Tone.BAD if missing else Tone.GOOD))
    return [*lines, *sentence(closing(checks), Tone.STRONG)]
