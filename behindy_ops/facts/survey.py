"""What one round trip reads from the host, as plain data."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Self

from behindy_ops.errors import BehindyError, Kind, RemoteCommandFailed
from behindy_ops.facts.changing import Changing, parse_changing
from behindy_ops.facts.container import OF_A_SERVICE, Container, parse_container
from behindy_ops.facts.draining import Draining, parse_draining
from behindy_ops.facts.image import Image, parse_image
from behindy_ops.facts.maintenance import Closed, parse_maintenance
from behindy_ops.facts.outside import elsewhere
from behindy_ops.facts.readings import parse_readings
from behindy_ops.facts.release import Labels, Release, remembered
from behindy_ops.facts.replies import Reply, read
from behindy_ops.facts.swarm import QUORUM, Seat, Swarm, who_is_unreached
from behindy_ops.facts.timers import Timed
from behindy_ops.facts.timers import parse as parse_timers
from behindy_ops.project.names import Names

RUN_ONCE = ("before", "after")
"""What a deploy runs once, in a container whose name ends like this: ``<service>-before``."""


class EngineKind(Enum):
    """What can be unusual about an engine: who runs it, how it numbers users, whence it came, who keeps its images."""

    ROOTLESS = "rootless"
    REMAPPED = "userns-remap"
    SNAP = "snap"
    CONTAINERD = "containerd"


class Trio(NamedTuple):
    """The three containers a service can have; no other names are ever used."""

    live: Container | None = None
    green: Container | None = None
    blue: Container | None = None


@dataclass(frozen=True, slots=True)
class Stanza:
    """What the host's compose file asks for a service, of that which can hurt.

    Attributes:
        limit: memory limit in bytes, 0 for none; ``reservation`` likewise.
        ports: host ports it publishes.
        container_name: the fixed name it gives the container, or empty.
        asks: ports of nginx that a value of its environment names, as in ``http://nginx:8000``.
    """

    limit: int = 0
    reservation: int = 0
    ports: tuple[str, ...] = ()
    container_name: str = ""
    image: str = ""
    asks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything a decision needs to know of the host.

    Attributes:
        names: what the project calls its things there, by its compose file here.
        problems: section name to what went wrong while it was read.
        directory: the host directory from the root on, by each of its names.
        engine: what is unusual about it.
        files: path below the host directory to its mode in octal digits.
        environment: names in the host's ``.env``, and whether each has a value.
        dollars: names in it whose value has a ``$`` that Compose takes for a variable of no value, to their line.
        stanzas: service to what the host's compose file asks for it; infrastructure too, by its key there.
        config: service to the hash of its configuration as it stands now.
        stale: names that nginx resolves only when it loads its configuration.
        listening: ports on which the nginx that runs listens for other containers; none if that could not be seen.
        memory: ``MemTotal``, ``MemAvailable``, ``SwapTotal``, ``SwapFree`` in bytes.
        disk: size and free bytes of the file system that holds Docker's data.
        usage: container id to bytes of memory in use, page cache not counted (as ``docker stats`` counts).
        draining: service to the previous container that the host drains by itself.
        jobs: service to what the host's timer does for it, and how the last run went.
        zone: the host's time zone, in seconds that it is ahead of UTC.
        maintenance: services that are closed to visitors, and since when and by whom.
        changing: who else changes the host at the moment: what is seen is theirs then, and not left by anybody.
        unread: releases that are kept and cannot be read: ``<service>/<id>``.
        now: the host's clock, seconds since the epoch.
        architecture: the engine's, as Docker names it: ``amd64``, ``arm64``.
        uptime: seconds since the host booted; unlike its clock, nobody sets that.
        token: whether what nginx has loaded knows the rehearsal's token: ``loaded``, or what keeps it from that:
            ``unloaded``, ``missing`` (not on the host as a whole), ``unmounted`` (nginx was started with a directory
            that has been replaced); empty where nobody knows.
        misled: how curl ended at the public name, and where that leads on the host, where nginx answers well past it.
        cluster: the swarm that the engine belongs to.
        skew: seconds that clock is ahead of ours, None if they were not compared.
    """

    names: Names = field(default_factory=Names)
    docker: str = ""
    compose: str = ""
    tools: frozenset[str] = frozenset()
    engine: frozenset[EngineKind] = frozenset()
    containers: dict[str, Container] = field(default_factory=dict)
    images: tuple[Image, ...] = ()
    network: bool = False
    directory: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, bool] = field(default_factory=dict)
    dollars: dict[str, int] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    stanzas: dict[str, Stanza] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    disk: tuple[int, int] = (0, 0)
    usage: dict[str, int] = field(default_factory=dict)
    now: float = 0.0
    uptime: float = math.inf
    architecture: str = ""
    token: str = ""
    skew: float | None = None
    stale: frozenset[str] = frozenset()
    listening: frozenset[int] = frozenset()
    releases: tuple[Release, ...] = ()
    unread: tuple[str, ...] = ()
    draining: dict[str, Draining] = field(default_factory=dict)
    jobs: dict[str, Timed] = field(default_factory=dict)
    zone: int = 0
    maintenance: dict[str, Closed] = field(default_factory=dict)
    changing: Changing | None = None
    problems: dict[str, str] = field(default_factory=dict)
    misled: tuple[int, tuple[str, ...]] | None = None
    cluster: Swarm = field(default_factory=Swarm)

    @property
    def docker_problem(self) -> str:
        """What docker wrote when it was asked for its version in vain."""
        return self.problems.get("versions", "")

    def compared(self, before: datetime, after: datetime) -> Self:
        """Return the survey with the host's clock compared to ours before and after; no skew if it fits between."""
        return replace(self, skew=self.now - min(max(self.now, before.timestamp()), after.timestamp()))

    def trio(self, service: str) -> Trio:
        return Trio(*map(self.containers.get, self.names.trio(service)))

    def answers_to(self, container: Container | None, name: str) -> bool:
        """Return whether a container keeps a name as an alias, whatever it is called: Compose gives those."""
        return container is not None and name in container.aliases.get(self.names.network, ())

    def once(self, service: str) -> Container | None:
        """Return the container of a command that runs once in a deploy of a service, or ran in one that died."""
        found = map(self.containers.get, (f"{service}-{what}" for what in RUN_ONCE))
        return next((container for container in found if container and Labels.once in container.labels), None)

    def age(self, container: Container) -> float:
        """Return the seconds since a container was started; a clock that was set right after the boot adds none."""
        started = datetime.fromisoformat(container.started).timestamp() if container.started else 0.0
        return min(self.now - started, self.uptime)

    def stanza(self, service: str) -> Stanza:
        """Return what the compose file asks for a service; for a further container of one, what it asks for that."""
        return self.stanzas.get(service) or self.stanzas.get(re.sub(r"-(?:[2-9]|10)\Z", "", service), Stanza())

    def released(self, service: str) -> tuple[Release, ...]:
        """Return the releases of a service the host remembers, newest first (ids begin with their time)."""
        own = (release for release in self.releases if release.service == service)
        return tuple(sorted(own, key=lambda release: release.id, reverse=True))


def started_from(container: Container) -> str:
    """Return the directory of the Compose file a container was started with; empty where Compose did not start it."""
    return container.labels.get("com.docker.compose.project.working_dir", "")


def engine_kind(text: str) -> frozenset[EngineKind]:
    """Read what ``described_engine`` in lib/data.sh says."""
    words = text.split()
    signs = {
        EngineKind.ROOTLESS: "name=rootless" in words or (words[:1] == ["/"] and "own-socket" in words),
        EngineKind.REMAPPED: "name=userns" in words,
        EngineKind.SNAP: bool(words) and words[-1].startswith("/snap/"),
        EngineKind.CONTAINERD: "io.containerd.snapshotter.v1" in words,
    }
    return frozenset(kind for kind, there in signs.items() if there)


def _no_manager(swarm: Swarm) -> BehindyError | None:
    """Return what is wrong where names in a swarm cannot be asked for."""
    state = "Nothing changed; what runs goes on."
    if swarm.seat is Seat.WORKER:
        return Kind.HOST_NOT_READY(
            "The host is a worker of a swarm, which does not tell what runs there.",
            state=state,
            remedy="Name a manager as BEHINDY_HOST; on the host, docker info names them (Manager Addresses).",
        )
    if swarm.seat is Seat.LEADERLESS:
        what = f"The host's swarm has no leader: {who_is_unreached(swarm.unreached)}."
        return Kind.NO_QUORUM(what, state=state, remedy=QUORUM)
    return None


def parse(text: str, mark: str, names: Names | None = None) -> Survey:
    """Read what the survey printed; ``names`` are those of the project that was asked about.

    Raises:
        RemoteCommandFailed: it is cut short or cannot be read.
    """
    reply = read(text, mark)
    problems = reply.problems
    unread = [name for name in ("containers", "images") if name in problems and "versions" not in problems]
    strangers = next((problems[name] for name in unread if "API version" in problems[name]), "")
    if unread and not strangers and (why := _no_manager(Swarm.parse(reply))):
        raise why
    if unread and not strangers:  # to take this for "there are none" would make a first deploy out of any
        raise RemoteCommandFailed(
            f"Docker on the host did not list its {' and '.join(unread)}.",
            state="Nothing changed.",
            remedy="Try again; if it stays so, log in and look (docker ps -a, docker images).",
            lines=tuple(problems[unread[0]].splitlines()[-5:]),
        )
    try:
        found = _named(_survey(reply), names or Names())
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise RemoteCommandFailed(
            f"What the host printed cannot be read: {error}.",
            state="Nothing changed.",
            remedy="Is its Docker older than 20.10? See: docker version",
        ) from error
    # The engine answers, but not to this docker: one of the two was updated, and the other not started again since.
    return replace(found, docker="", problems={**problems, "versions": strangers}) if strangers else found


def _named(survey: Survey, names: Names) -> Survey:
    """Return a survey in which what Compose tells by its own keys is told by the services' names."""
    config = {names.service(stanza): value for stanza, value in survey.config.items()}
    stanzas = {names.service(stanza): asked for stanza, asked in survey.stanzas.items()}
    return replace(survey, names=names, config=config, stanzas=stanzas)


def _survey(reply: Reply) -> Survey:
    lines = reply.lines
    containers = _each_once(map(parse_container, lines("containers")))
    versions = lines("versions")
    engine = [json.loads(word) for word in versions[0].split()] if versions else [""]
    machine = reply.values("machine")
    disk = (machine.get("disk") or "0 0").split()
    kept = dict(_kept(lines("releases")))
    return Survey(
        docker=engine[0],
        architecture=engine[-1],
        compose=versions[1].lstrip("v") if len(versions) > 1 else "",
        tools=frozenset(lines("tools")),
        engine=engine_kind(machine.get("engine", "")),
        containers={container.name: container for container in containers},
        images=tuple(parse_image(line) for line in lines("images")),
        network="networks" not in reply.problems,
        directory=tuple(lines("directory")),
        files={path: mode for mode, _, _, path in reply.rows("files_")},
        environment={words[0]: words[1] == "set" for words in reply.rows("environment") if len(words) == 2},
        dollars={words[1]: int(words[2]) for words in reply.rows("environment") if len(words) == 3},
        config={words[0]: words[1] for words in reply.rows("configured") if len(words) == 2},
        stanzas=parse_stanzas(reply.rows("stanzas")),
        memory={name: int(value) * 1024 for name, value in machine.items() if name[:3] in ("Mem", "Swa")},
        disk=(int(disk[0]), int(disk[1])),
        usage={identity: reading.memory for identity, reading in parse_readings(lines("usage")).items()},
        now=float(machine.get("now", "0")),
        uptime=float(machine.get("uptime", "inf")),
        releases=tuple(release for release in kept.values() if release is not None),
        unread=tuple(place for place, release in kept.items() if release is None),
        draining=parse_draining(reply.rows("draining")),
        jobs={job.name: job for job in parse_timers(line for line in lines("jobs") if not line.startswith("zone "))},
        zone=_zone(next(iter(lines("jobs")), "")),
        maintenance=parse_maintenance(reply.values("maintenance")),
        changing=parse_changing(lines("changing")),
        stale=frozenset(reply.every("stale", "nginx_")),
        listening=frozenset(int(port, 16) for port in reply.every("port", "nginx_")),
        token=reply.values("nginx_").get("token", ""),
        problems=dict(reply.problems),
        misled=_misled(reply.values("public_")),
        cluster=Swarm.parse(reply),
    )


def _each_once(containers: Iterable[Container]) -> list[Container]:
    """Return containers and services of a swarm, without tasks of releases on this node, also of one that goes."""
    return [one for one in containers if not {OF_A_SERVICE, Labels.release} <= one.labels.keys()]


def _zone(line: str) -> int:
    """Read ``zone +0900``."""
    match = re.fullmatch(r"zone ([+-])([0-9]{2})([0-9]{2})", line)
    return 0 if match is None else int(f"{match[1]}1") * (int(match[2]) * 3600 + int(match[3]) * 60)


def _misled(told: dict[str, str]) -> tuple[int, tuple[str, ...]] | None:
    leads = tuple(told.get("leads", "").split())
    return (int(told["failed"]), leads) if "failed" in told and elsewhere(leads) else None


def parse_stanzas(rows: list[list[str]]) -> dict[str, Stanza]:
    """Read what ``declared`` in lib/compose.sh prints: service, what of its stanza, value."""
    found: dict[str, dict[str, list[str]]] = {}
    for words in rows:
        if len(words) == 3:
            found.setdefault(words[0], {}).setdefault(words[1], []).append(words[2])
    return {
        service: Stanza(
            limit=int(values.get("mem_limit", ["0"])[0]),
            reservation=int(values.get("mem_reservation", ["0"])[0]),
            ports=tuple(values.get("port", ())),
            image=values.get("image", [""])[0],
            container_name=values.get("container_name", [""])[0],
            asks=tuple(sorted(map(int, set(values.get("asks", ()))))),
        )
        for service, values in found.items()
    }


def _kept(lines: Iterable[str]) -> Iterator[tuple[str, Release | None]]:
    for line in lines:
        place, status, description = f"{line}  ".split(" ", 2)
        yield place, remembered(place, status, description)
