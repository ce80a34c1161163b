"""One finding, and the table entry it is made from: a problem has one name, one threshold and one remedy. Pure.

A rule is a function from :class:`Facts` to checks: one that is ok, or one for each problem that it finds. It says
nothing where it has no fact to stand on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial

from behindy_ops.errors import STILL_RUNNING, BehindyError, Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.manifest import Manifests
from behindy_ops.facts.outside import Past, Sighting
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.timers import Timed
from behindy_ops.facts.upstream import Answer, Upstream
from behindy_ops.facts.visitors import Visitors
from behindy_ops.project.names import Names
from behindy_ops.project.services import Expect, Service

HOST = "host"
"""The subject of what is about no single container or service."""


class Level(Enum):
    """How serious a check is. A refusal stands in the way of a deploy, or hurts users now."""

    OK = "ok"
    WARNING = "warning"
    REFUSAL = "refusal"


class FixKind(Enum):
    """What ``ops.doctor --fix`` can do; nothing else is safe without a person."""

    RECOVER = "finish or undo what an interrupted run left of"
    START = "start the container"
    CONNECT = "connect"
    RELOAD = "reload nginx"
    PRUNE = "remove images no rollback needs"


@dataclass(frozen=True, slots=True)
class Fix:
    """A safe remedy. ``target`` is a service or container, or empty where there is only one."""

    kind: FixKind
    target: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that can be wrong.

    Attributes:
        name: what it is called everywhere.
        threshold: from when on it is a problem, with the figure.
        remedy: what to do or type; ``{subject}`` and further words are filled in.
        symptom: what users or operators see of it; likewise.
        level: how serious it is, unless a rule says otherwise.
        kind: what a refusal is raised as.
        forcible: ``--force`` makes a warning of the refusal.
        users: they are hurt by it now, or will be by what it leads to in a moment.
        helps: the command in the remedy that helps most, where that is not the first one; empty if none does by itself.
    """

    name: str
    threshold: str
    remedy: str
    symptom: str = ""
    level: Level = Level.REFUSAL
    kind: Kind = Kind.HOST_NOT_READY
    forcible: bool = False
    users: bool = False
    helps: str | None = None

    @property
    def command(self) -> str:
        """What to type that helps most, with the words that are filled in yet to come; empty if nothing does."""
        if self.helps is not None:
            return self.helps
        found = _COMMAND.search(self.remedy)
        return found[0] if found else ""

    def check(
        self,
        name: str,
        found: str,
        /,
        *,
        subject: str = HOST,
        evidence: Iterable[str] = (),
        level: Level | None = None,
        fix: Fix | None = None,
        **words: str,
    ) -> Check:
        """Return the check that found this problem; ``words`` are for the remedy and the symptom."""
        told = (text.format(subject=subject, **words) for text in (self.remedy, self.symptom, self.command))
        remedy, symptom, command = told
        return Check(name, level or self.level, found, subject, self, remedy, symptom, tuple(evidence), fix, command)


_COMMAND = re.compile(
    r"\binv (?!ops\.doctor)[a-z]+\.(?:[a-z]+|\{\w+\})(?: (?:--[a-z-]+|\{\w+\}(?:-run)?|[A-Z]+\b|nginx\b))*"
)
"""A command in a remedy: a task, its options, and the words that stand for a value. What ``ops.doctor --fix`` would
do is a check's ``fix``, which is there or not."""

Risk = partial(Problem, level=Level.WARNING)
"""A problem that stands in nobody's way yet."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at, in one or two words; stable, for programs.
        found: what was found, with the figure.
        subject: the service or container it is about, or ``host``.
        problem: None when it is ok; ``remedy`` and ``symptom`` are what it says of those, filled in.
        evidence: the facts themselves, such as what a command wrote.
        fix: what ``ops.doctor --fix`` would do, or None.
        command: the one in the remedy that helps most; empty where none does by itself.
    """

    name: str
    level: Level
    found: str
    subject: str = HOST
    problem: Problem | None = None
    remedy: str = ""
    symptom: str = ""
    evidence: tuple[str, ...] = ()
    fix: Fix | None = None
    command: str = ""

    def error(self) -> BehindyError:
        """Return what a refusal is raised as."""
        kind = self.problem.kind if self.problem else Kind.HOST_NOT_READY
        return kind(self.found, state=STILL_RUNNING, remedy=self.remedy, lines=self.evidence)

    def data(self) -> dict[str, str]:
        """Return what ``--json`` prints of it."""
        return {
            "name": self.name,
            "level": self.level.value,
            "problem": self.problem.name if self.problem else "",
            "subject": self.subject,
            "found": self.found,
            "remedy": self.remedy,
        }


def ok(name: str, found: str, subject: str = HOST) -> Check:
    return Check(name, Level.OK, found, subject)


@dataclass(frozen=True, slots=True)
class Served:
    """The certificate that nginx serves.

    Attributes:
        days: left; negative once it has expired, None if nginx serves none.
        ready: days left of the newest file for the domain, None without one.
        distrust: why the host does not trust it, or empty.
        until: when it expires (RFC 3339).
    """

    days: float | None
    ready: float | None = None
    distrust: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a host.

    Attributes:
        survey: what a survey saw.
        services: those to be judged.
        host_dir: the directory of the project on the host.
        domain: the public one; empty for a project of which nothing is public.
        image_prefix: what stands before ``/behindy-<service>`` in an image's name.
        machine: what was seen of the machine below; empty where nobody looked.
        supported: which systems host.setup knows, where this is none of them.
        image: reference of the image to be deployed, where the registry was asked for it.
        manifests: what the registry said, or None if it was not asked.
        upstreams: how each service answered, or None for those nobody asked.
        nginx_errors: last lines of nginx's error log.
        beside: what the compose file declares beside the services: compose name to container name.
        kills: OOM kills that are known: container and when (ISO 8601).
        certificate: what nginx serves, or None where nobody looked.
        outside: what this machine saw at the public URL, and ``past`` what the host did; likewise.
        rules: of Docker's firewall: ``gone``, ``passed`` by all connections, or empty.
        unscheduled: of what the host is to do by itself, what is not there as it should be.
        timers: how what it does by itself went, as far as somebody looked.
        visitors: whether nginx can tell them apart; empty where nobody looked.
        engine: what runs the services, by the settings (``Settings.engine``).
    """

    survey: Survey
    services: tuple[Service, ...] = ()
    host_dir: str = ""
    domain: str = ""
    image_prefix: str = ""
    machine: HostFacts = field(default_factory=HostFacts)
    supported: str = ""
    image: str = ""
    manifests: Manifests | None = None
    upstreams: tuple[Upstream, ...] = ()
    nginx_errors: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    kills: tuple[tuple[str, str], ...] = ()
    certificate: Served | None = None
    outside: Sighting | None = None
    past: Past | None = None
    rules: str = ""
    unscheduled: tuple[str, ...] = ()
    timers: tuple[Timed, ...] = ()
    visitors: Visitors = field(default_factory=Visitors)
    engine: str = ""

    def well(self, service: str, answer: Answer) -> bool:
        """Return whether that is what the service is expected to answer."""
        declared = (each.expect for each in self.services if each.name == service)
        return next(declared, Expect()).met(answer.status)

    @property
    def names(self) -> Names:
        return self.survey.names

    @property
    def nginx(self) -> str:
        """The name of its container."""
        return self.survey.names.proxy.container


Rule = Callable[[Facts], Iterable[Check]]


def examine(rules: Iterable[Rule], facts: Facts) -> tuple[Check, ...]:
    """Return what the rules find, in their order."""
    return tuple(check for rule in rules for check in rule(facts))


def forced(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks as ``--force`` leaves them: refusals about memory, disk and the directory are warnings."""
    return tuple(
        replace(check, level=Level.WARNING) if check.problem and check.problem.forcible else check for check in checks
    )


def first_refusal(checks: Iterable[Check]) -> BehindyError | None:
    """Return the first refusal's error, or None. The checks are in the order of dependence."""
    return next((check.error() for check in checks if check.level is Level.REFUSAL), None)


def state_of(container: Container) -> str:
    """Return a container's state as evidence: ``backend: exited, exit code 137, OOM-killed``."""
    health = f", {container.health}" if container.health else ""
    code = "" if container.running else f", exit code {container.exit_code}"
    oom = ", OOM-killed" if container.oom_killed else ""
    restarts = f", {container.restarts} restarts" if container.restarts else ""
    return f"{container.name}: {container.status}{health}{code}{oom}{restarts}"
