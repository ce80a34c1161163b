"""``ops.doctor``: the troubles of the handbook, recognised from facts, each with its cause, evidence and remedy. Pure.

The rules are those of section 7 of the specification and of what has gone wrong for its users so far. A rule says
nothing where it has no fact to stand on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from behindy_ops.facts.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from behindy_ops.project.services import Service
    from behindy_ops.views.network import NetworkView
    from behindy_ops.views.nginx import NginxView

__all__ = ["Facts", "Finding", "Fix", "FixKind", "Severity", "diagnose"]


class Severity(Enum):
    """``TROUBLE``: users are hurt or the next step will fail. ``RISK``: nothing hurts yet."""

    TROUBLE = "trouble"
    RISK = "risk"


class FixKind(Enum):
    """What ``--fix`` can do; nothing else is safe without a person."""

    RECOVER = "finish or undo what an interrupted run left"
    START = "start the container"
    CONNECT = "connect to the network"
    RELOAD = "reload nginx"
    PRUNE = "remove images no rollback needs"


@dataclass(frozen=True, slots=True)
class Fix:
    """A safe remedy. ``target`` is a service or container, or empty where there is only one."""

    kind: FixKind
    target: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One trouble.

    :param name: its stable name, for programs.
    :param subject: the service or container it is about, or ``host``.
    :param symptom: what users or operators see.
    :param cause: why, from the facts.
    :param evidence: the facts themselves.
    :param remedy: what to do or type.
    :param fix: what ``--fix`` would do, or None.
    """

    name: str
    subject: str
    symptom: str
    cause: str
    evidence: tuple[str, ...]
    remedy: str
    severity: Severity = Severity.TROUBLE
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What one look brought.

    :param image_prefix: what stands before ``/behindy-<service>`` in an image's name.
    :param beside: what the compose file declares beside the services: compose name to container name.
    :param kills: OOM kills that are known: container and when (ISO 8601).
    :param stale: names that nginx resolves only when it loads its configuration.
    """

    survey: Survey
    nginx: NginxView
    network: NetworkView
    services: tuple[Service, ...]
    image_prefix: str = ""
    beside: dict[str, str] = field(default_factory=dict)
    kills: tuple[tuple[str, str], ...] = ()
    stale: tuple[str, ...] = ()


def diagnose(facts: Facts, only: Sequence[str] = ()) -> list[Finding]:
    """Return every trouble, the worst first.

    :param only: services of interest; what is about the host, nginx, the database or the cache is told all the same.
    """
    found = [finding for rule in rules() for finding in rule(facts)]
    names = {service.name for service in facts.services}
    told = [one for one in found if not only or one.subject in only or one.subject.split("-")[0] not in names]
    return sorted(_without_repeats(told), key=lambda one: one.severity is Severity.RISK)


def rules() -> Iterable[Callable[[Facts], Iterable[Finding]]]:
    """Return the rules, in the order in which a person would look: the cause of several symptoms comes first."""
    from behindy_ops.checks import diagnosis_host, diagnosis_services

    return (*diagnosis_host.RULES, *diagnosis_services.RULES)


def _without_repeats(found: Sequence[Finding]) -> list[Finding]:
    """Of several findings about one subject that have the same fix, or are the same trouble, the first tells all."""
    kept: list[Finding] = []
    for one in found:
        twin = any(
            one.subject == other.subject and (one.name == other.name or (one.fix is not None and one.fix == other.fix))
            for other in kept
        )
        if not twin:
            kept.append(one)
    return kept
