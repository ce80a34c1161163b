"""What one round trip reads of a host that may have nothing on it yet, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Survey


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system: its size and what is free, in bytes, and where it is mounted."""

    size: int
    free: int
    mounted: str


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host as it is.

    Attributes:
        system: the distribution's id (``debian``).
        version: its number (``12``).
        name: as people write it.
        arch: as ``uname -m`` says it.
        next_groups: groups that a new login will have.
        root: the login is root, or may become it by ``sudo`` without a password.
        reboot: an update waits for one.
        docker: the engine's version; empty when it does not respond.
        docker_problem: what it said then.
        running: containers that run now.
        memory: as in ``/proc/meminfo``, in bytes.
        swappiness: ``vm.swappiness``, or -1 when it cannot be read.
        now: the host's clock, seconds since the epoch.
        synchronized: by NTP; None where nothing tells.
        logging: the text of ``/etc/docker/daemon.json``.
        updates: security updates are installed automatically.
        files: modes in octal digits by path below the host directory, ``.`` for itself; ``link`` for a link.
        certificate: whether the domain has one, as far as the login may look.
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
    tools: frozenset[str] = frozenset()
    docker: str = ""
    docker_problem: str = ""
    compose: str = ""
    running: int = 0
    memory: Mapping[str, int] = field(default_factory=dict)
    swappiness: int = -1
    disks: tuple[Disk, ...] = ()
    now: float = 0.0
    synchronized: bool | None = None
    logging: str = ""
    updates: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    certificate: bool = False

    def disk(self, path: str) -> Disk | None:
        """Return the file system that holds an absolute path."""
        holding = [
            disk for disk in self.disks if path == disk.mounted or path.startswith(disk.mounted.rstrip("/") + "/")
        ]
        return max(holding, key=lambda disk: len(disk.mounted), default=None)

    def as_survey(self, skew: float | None = None) -> Survey:
        """Return what a survey would have said of this host, as far as that was looked at.

        Args:
            skew: seconds its clock is ahead of ours.
        """
        disk = self.disk("/var/lib/docker")
        return Survey(
            docker=self.docker,
            compose=self.compose,
            tools=self.tools,
            files={path: (mode, 0, 0) for path, mode in self.files.items()},
            memory=dict(self.memory),
            disk=(disk.size, disk.free) if disk else (0, 0),
            now=self.now,
            skew=skew,
            problems={"versions": self.docker_problem} if self.docker_problem else {},
        )


def parse(reply: Reply) -> HostFacts:
    """Read what ``host/facts.sh`` printed."""
    release = dict(_assignment(line) for line in reply.lines("system") if "=" in line)
    login, docker, clock, memory = (reply.values(name) for name in ("login", "docker", "clock", "memory"))
    told = [line for line in reply.lines("docker") if line.split(" ", 1)[0] not in {"engine", "compose", "running"}]
    return HostFacts(
        system=release.get("ID", ""),
        version=release.get("VERSION_ID", ""),
        name=release.get("PRETTY_NAME", "unknown"),
        arch=login.get("arch", ""),
        user=login.get("user", ""),
        next_groups=frozenset(login.get("listed", "").split()),
        root=login.get("root") == "yes",
        container=login.get("container") == "yes",
        reboot=login.get("reboot") == "needed",
        tools=frozenset(reply.lines("tools")),
        docker=docker.get("engine", ""),
        docker_problem=" ".join(told).strip(),
        compose=docker.get("compose", ""),
        running=int(docker.get("running") or 0),
        memory={name: int(value) * 1024 for name, value in memory.items() if name != "swappiness"},
        swappiness=int(memory.get("swappiness") or -1),
        disks=tuple(_disk(line) for line in reply.lines("disk")),
        now=float(clock.get("now", "0")),
        synchronized={"yes": True, "no": False}.get(clock.get("synchronized", "")),
        logging=reply.text("logging").strip(),
        updates="automatic" in reply.lines("updates"),
        files=reply.values("files"),
        certificate="there" in reply.lines("certificate"),
    )


def _assignment(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), value.strip().strip("\"'")


def _disk(line: str) -> Disk:
    size, free, mounted = line.split(" ", 2)
    return Disk(int(size), int(free), mounted)
