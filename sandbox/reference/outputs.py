"""What ``--json`` prints, by task: frozen data whose fields are those of the JSON.

What the package itself has as dataclasses is taken from there. The classes in this file have the form of what it makes
of dictionaries; tests compare them with what is really made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from behindy_ops.env.diff import Diff
from behindy_ops.provision.adopt import Adoptee
from behindy_ops.report import events
from behindy_ops.scaffold.missing import Missing
from behindy_ops.views import certs, disk, env, mem, network, nginx, prune, ps, stats, status
from sandbox.host.info import SandboxInfo

__all__ = ["EVENTS", "OUTPUTS", "Form", "Output"]


@dataclass(frozen=True)
class Init(Missing):
    """Of ``init``: with ``--check`` what is missing, else the rest."""

    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckData:
    """A check, as ``Check.data`` has it."""

    name: str
    level: str
    problem: str
    subject: str
    found: str
    remedy: str


@dataclass(frozen=True)
class Readiness:
    """Whether a service can be deployed."""

    service: str
    ready: bool
    checks: tuple[CheckData, ...]


@dataclass(frozen=True)
class DeployCheck:
    """Of ``deploy.check``."""

    services: tuple[Readiness, ...]


@dataclass(frozen=True)
class HostCheck:
    """Of ``host.check``."""

    host: str
    ready: bool
    checks: tuple[CheckData, ...]
    helps_most: str


@dataclass(frozen=True)
class ListedRelease:
    """A release that the host remembers, in the list of them."""

    id: str
    service: str
    repository: str
    tag: str
    digest: str
    image_id: str
    config: str
    previous: bool
    created: str
    committed: str
    status: str
    live: bool
    on_disk: bool


@dataclass(frozen=True)
class Releases:
    """Of ``deploy.releases``."""

    service: str
    releases: tuple[ListedRelease, ...]


@dataclass(frozen=True)
class HistoryEntry:
    """A line of the host's history."""

    at: str
    event: str
    kind: str
    environment: str
    service: str
    release: str
    tag: str
    digest: str
    previous: str
    who: str
    seconds: dict[str, float]
    outcome: str
    reason: str


@dataclass(frozen=True)
class FixData:
    """What ``ops.doctor --fix`` does."""

    kind: str
    target: str
    does: str


@dataclass(frozen=True)
class Finding:
    """What the doctor found."""

    name: str
    subject: str
    symptom: str
    cause: str
    evidence: tuple[str, ...]
    remedy: str
    severity: str
    fix: FixData | None


@dataclass(frozen=True)
class Doctor:
    """Of ``ops.doctor``."""

    healthy: bool
    services: tuple[str, ...]
    findings: tuple[Finding, ...]
    fixed: tuple[FixData, ...]
    helps_most: str


@dataclass(frozen=True)
class LogLine:
    """A line of a log."""

    container: str
    task: str
    node: str
    at: str
    text: str


@dataclass(frozen=True)
class EnvCheck:
    """Of ``env.check``."""

    missing: tuple[str, ...]
    empty: tuple[str, ...]
    placeholder: tuple[str, ...]
    dollar: tuple[str, ...]
    unknown: tuple[str, ...]
    mode: str
    present: bool
    complete: bool
    needed_by: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Pushed(Diff):
    """Of ``env.push``."""

    replaced: bool = False


@dataclass(frozen=True)
class Adoption:
    """Of ``host.adopt``."""

    services: tuple[Adoptee, ...]


@dataclass(frozen=True)
class Held:
    """A hold for maintenance."""

    who: str
    message: str
    since: str


@dataclass(frozen=True)
class Leased:
    """A run that is at work."""

    who: str
    what: str
    since: str


@dataclass(frozen=True)
class Lock:
    """Of ``lock.status``."""

    hold: Held | None
    lease: Leased | None


class Form(Enum):
    """How the objects come; the value is the sentence that says so."""

    ONE = "One object."
    LINES = "One object on each line."
    INIT = "With --check one object on each line, for each thing that is missing; else one object."
    EVENTS = "Events, one on each line, as they happen: the last section of this page."


@dataclass(frozen=True)
class Output:
    """What a task prints with ``--json``.

    Attributes:
        kind: the class of its object; None for events.
        view: what its field ``view`` says, if it has one.
    """

    kind: type | None
    form: Form = Form.ONE
    view: str = ""


_EVENTS = Output(None, Form.EVENTS)

OUTPUTS: dict[str, Output] = {
    "init": Output(Init, Form.INIT),
    **dict.fromkeys(("deploy.SERVICE", "deploy.all", "deploy.rollback", "deploy.recover"), _EVENTS),
    "deploy.maintenance": _EVENTS,
    "deploy.status": Output(status.StatusView, view="status"),
    "deploy.check": Output(DeployCheck),
    "deploy.releases": Output(Releases),
    "deploy.history": Output(HistoryEntry, Form.LINES),
    "ops.doctor": Output(Doctor, view="doctor"),
    "ops.ps": Output(ps.PsView, view="ps"),
    "ops.mem": Output(mem.MemoryView, view="mem"),
    "ops.stats": Output(stats.StatsView, view="stats"),
    "ops.disk": Output(disk.DiskView, view="disk"),
    "ops.prune": Output(prune.PruneView, view="prune"),
    "ops.network": Output(network.NetworkView, view="network"),
    "ops.nginx": Output(nginx.NginxView, view="nginx"),
    "ops.env": Output(env.EnvView, view="env"),
    "ops.certs": Output(certs.CertsView, view="certs"),
    "ops.logs": Output(LogLine, Form.LINES),
    "ops.restart": _EVENTS,
    "db.backup": _EVENTS,
    "db.fetch": _EVENTS,
    "db.restore": _EVENTS,
    "env.check": Output(EnvCheck),
    "env.diff": Output(Diff),
    "env.push": Output(Pushed),
    "host.adopt": Output(Adoption),
    "host.check": Output(HostCheck),
    "lock.status": Output(Lock),
    "sandbox.info": Output(SandboxInfo),
}
"""Every task with ``--json``."""

EVENTS: tuple[type[events.Event], ...] = (
    events.DeployStarted,
    events.StepStarted,
    events.StepProgress,
    events.StepDone,
    events.StepFailed,
    events.Decision,
    events.Note,
    events.Warning_,
    events.Logs,
    events.Plan,
    events.TakenBack,
    events.Recovered,
    events.DeployFinished,
    events.Failed,
)
"""Every event that is told."""
