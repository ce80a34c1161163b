"""The machine as ``host.check`` and ``host.setup`` see it: one look, without the lock, that needs nothing installed."""

from __future__ import annotations

from behindy_ops.checks import docker
from behindy_ops.checks.check import Facts, examine, first_refusal
from behindy_ops.facts.machine import HostFacts, parse
from behindy_ops.host.session import Session


def look(session: Session) -> HostFacts:
    """Inspect the machine in one round trip."""
    settings = session.settings
    return parse(session.ask("host/facts", settings.host_dir, settings.domain, title="inspect the host", timeout=90))


def require_docker(facts: HostFacts) -> None:
    """Check that Docker and Compose can be used.

    Raises:
        Kind.HOST_NOT_READY: they cannot.
    """
    checks = examine((docker.engine, docker.compose), Facts(survey=facts))
    if (problem := first_refusal(checks)) is not None:
        raise problem
