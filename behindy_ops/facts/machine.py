"""What one round trip reads of a host that may have nothing on it yet, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from behindy_ops.facts import visitors
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Survey, engine_kind
from behindy_ops.facts.swarm import Swarm
from behindy_ops.facts.visitors import Visitors

ONE_SESSION = (
    "sshd accepts one session on a connection (MaxSessions 1): the lock takes that, and no command can follow."
)
"""What is found where a second channel is refused."""

MORE_SESSIONS = (
    "On the host, set MaxSessions 10 (2 at least) in /etc/ssh/sshd_config, or where below sshd_config.d/ it is set; "
    "then: sudo systemctl reload ssh"
)
"""What to do then."""


@dataclass(frozen=True, slots=True)
class HostFacts(Survey):
    """A host as it is: the machine, and of what a survey sees what needs nothing set up.

    Attributes:
        system: the distribution's id (``debian``).
        version: its number (``12``).
        name: as people write it.
        arch: as ``uname -m`` says it.
        next_groups: groups that a new login will have.
        root: the login is root, or may become it by ``sudo`` without a password.
        reboot: an update waits for one.
        running: containers that run now.
        swarm: the engine belongs to a Docker swarm, which takes no live-restore.
        live_restore: the engine has loaded that setting: containers outlive it.
        swappiness: ``vm.swappiness``, or -1 when it cannot be read.
        root_free: free bytes of the file system ``/``; None if that cannot be read.
        synchronized: by NTP; None where nothing tells.
        logging: the text of ``/etc/docker/daemon.json``, empty when there is none; None if the login may not read it.
        updates: security updates are installed automatically.
        directory: the host directory, as an absolute path.
        systemd: it is what starts things here; ``cron``: cron is there instead.
        timers: those of ours that are on, by the names of their systemd units.
        placed: SHA-256 of what host.setup places, by path, as far as it is there.
        certificate: whether the domain has one, as far as the login may look.
        visitors: whether nginx can tell them apart.
        sessions: how many channels sshd accepts on a connection; None where it refused none.
    """

    system: str = ""
    version: str = ""
    name: str = ""
    arch: str = ""
    user: str = ""
    next_groups: frozenset[str] = frozenset()
    root: bool = False
    container: bool = False
    reboot: bool = False
    running: int = 0
    swarm: bool = False
    live_restore: bool = False
    swappiness: int = -1
    root_free: int | None = None
    synchronized: bool | None = None
    logging: str | None = ""
    updates: bool = False
    systemd: bool = False
    cron: bool = False
    timers: frozenset[str] = frozenset()
    placed: dict[str, str] = field(default_factory=dict)
    certificate: bool = False
    visitors: Visitors = field(default_factory=Visitors)
    sessions: int | None = None


_DOCKER = frozenset({"engine", "compose", "running", "kind", "data", "swarm", "live"})
"""How the lines about Docker begin; what docker itself wrote begins otherwise."""


def parse(reply: Reply) -> HostFacts:
    """Read what ``host/facts.sh`` printed."""
    assigned = (line.partition("=") for line in reply.lines("system"))
    release = {name.strip(): value.strip().strip("\"'") for name, _, value in assigned}
    login, docker, clock, memory = (reply.values(name) for name in ("login", "docker", "clock", "memory"))
    told = [line for line in reply.lines("docker") if line.split(" ", 1)[0] not in _DOCKER]
    timers = reply.values("timers")
    disks = {
        mounted: (int(size), int(free)) for size, free, mounted in (line.split(" ", 2) for line in reply.lines("disk"))
    }
    holding = [mounted for mounted in disks if "/var/lib/docker/".startswith(f"{mounted.rstrip('/')}/")]
    data = docker.get("data") or max(holding, key=len, default="")
    return HostFacts(
        docker=docker.get("engine", ""),
        compose=docker.get("compose", ""),
        tools=frozenset(reply.lines("tools")),
        files=reply.values("files"),
        memory={name: int(value) * 1024 for name, value in memory.items() if name != "swappiness"},
        disk=disks.get(data, (0, 0)),
        engine=engine_kind(docker.get("kind", "")),
        now=float(clock.get("now", "0")),
        problems={"versions": " ".join(told).strip()} if told else {},
        system=release.get("ID", ""),
        version=release.get("VERSION_ID", ""),
        name=release.get("PRETTY_NAME", "unknown"),
        arch=login.get("arch", ""),
        user=login.get("user", ""),
        next_groups=frozenset(login.get("listed", "").split()),
        root=login.get("root") == "yes",
        container=login.get("container") == "yes",
        reboot=login.get("reboot") == "needed",
        running=int(docker.get("running") or 0),
        swarm=docker.get("swarm", "") not in ("", "inactive"),  # empty: a newer docker, of an engine that is off
        live_restore=docker.get("live") == "true",
        swappiness=int(memory.get("swappiness") or -1),
        root_free=disks.get("/", (0, None))[1],
        synchronized={"yes": True, "no": False}.get(clock.get("synchronized", "")),
        logging=None if "logging" in reply.problems else reply.text("logging").strip(),
        updates="automatic" in reply.lines("updates"),
        token=reply.values("token").get("token", ""),
        directory=tuple(reply.every("directory", "timers")),
        systemd="systemd" in timers,
        cron="cron" in timers,
        timers=frozenset(reply.every("on", "timers")),
        placed={path: digest for digest, path in (line.split("  ", 1) for line in reply.every("placed", "timers"))},
        visitors=visitors.parse(reply),
        cluster=Swarm.parse(reply),
        certificate="there" in reply.lines("certificate"),
    )
