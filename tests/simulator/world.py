"""The simulated host: time, processes in small steps, files, locks, and what a request through nginx gets.

Nothing sleeps. Every step of every process is a *tick*, at which the rules are checked and a fault may strike.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from behindy_ops.project.services import replicas
from tests.simulator.docker import Behaviour, Box, Clock, Engine

if TYPE_CHECKING:
    from behindy_ops.project.services import Service

CACHE = 2.0
"""Seconds nginx may use an address after it was resolved."""


@dataclass(frozen=True)
class Wait:
    """What a process waits for: a moment, or something that becomes true before it."""

    until: float = inf
    condition: Callable[[], bool] | None = None


Body = Generator[Wait | None, None, int]


@dataclass(eq=False)
class Process:
    """A command that runs on the host, whether or not its client still lives.

    Attributes:
        token: of the lease under which it changes something.
        changing: the fence has let it pass.
        listener: gets each line of its output, while somebody listens.
        feed: what its client sends it besides.
        fed: how that goes: ``on``, or ``stalled`` while the client is not heard, or ``cut``.
    """

    name: str
    deadline: float = inf
    token: str = ""
    stdin: str = ""
    listener: Callable[[str], None] | None = None
    feed: bytes = b""
    fed: Callable[[], str] = lambda: "on"
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    code: int | None = None
    changing: bool = False
    body: Body | None = None
    waiting: Wait | None = None

    def echo(self, line: str) -> None:
        self.out.append(line)
        if self.listener is not None:
            self.listener(line)

    def ready(self, now: float) -> bool:
        wait = self.waiting
        return (
            wait is None or now >= min(wait.until, self.deadline) or (wait.condition is not None and wait.condition())
        )

    def advance(self, now: float) -> None:
        assert self.body is not None
        if now >= self.deadline:
            self.end(124)
            return
        try:
            self.waiting = next(self.body)
        except StopIteration as stop:
            self.code = stop.value

    def end(self, code: int) -> None:
        """Kill it; what its shell does on its way out is done."""
        assert self.body is not None
        self.body.close()
        self.code = code


@dataclass
class ReleaseDir:
    """What is kept of a release."""

    description: str
    status: str
    config: str


@dataclass
class Drain:
    """What the host drains by itself; ``word`` is what a command has told whoever does it."""

    container: str
    release: str
    until: float
    word: str = ""


class World(Clock):
    """One host.

    Attributes:
        plan: tick to what strikes there.
        config: service to the hash of its configuration.
        locked: the process that holds the lease's ``flock``.
        busy: processes that hold the shared lock while they change something.
    """

    no_root = False
    knows_replicas = True
    registry_refuses = False

    def __init__(self, services: dict[str, Service], *, rehearsals: bool = True) -> None:
        super().__init__()
        self.services = services
        self.rehearsals = rehearsals
        self.engine = Engine(self)
        self.processes: list[Process] = []
        self.ticks = 0
        self.plan: dict[int, list[Callable[[], None]]] = {}
        self.checks: list[Callable[[], None]] = []
        self.config = dict.fromkeys((each.stanza for each in services.values()), "c0ffee")
        self.dirs: dict[tuple[str, str], ReleaseDir] = {}
        self.static_files: set[tuple[str, str]] = set()  # service and release of those that nginx can serve
        self.history: list[str] = []
        self.draining: dict[str, Drain] = {}
        self.timers: dict[str, dict[str, str]] = {}  # name to what of it is on the host, by path
        self.maintenance: dict[str, str] = {}
        self.up, self.boots, self.booted = True, 0, self.now - 1000
        self.locked: Process | None = None
        self.leased = ""  # token of the lease that was granted
        self.lock_json = ""
        self.busy: set[Process] = set()
        self.available, self.used = 1024 * 2**20, 0  # bytes of memory: left on the host, used by each container
        self.stale: dict[str, Box] = {}  # names that nginx has resolved when it loaded
        self.reload_fails = False
        self.answered_by = ""  # address of whom nginx asked last
        self._turn = 0
        self._cached: dict[str, tuple[float, list[Box]]] = {}
        self._links: dict[str, tuple[float, Box | None]] = {}
        nginx = self.engine.create("nginx", self.engine.push("nginx:1", _nginx()))
        self.engine.start(nginx.id)
        self.now += 5

    def spawn(self, process: Process, body: Body) -> Process:
        process.body = body
        self.processes.append(process)
        return process

    def step(self, limit: float = inf) -> None:
        """One process does its next small step; if none can, time passes up to the next thing that happens."""
        self.fire()
        ready = [process for process in self.processes if process.ready(self.now)]
        if ready:
            self._turn += 1
            process = ready[self._turn % len(ready)]
            process.advance(self.now)
            if process.code is not None and process in self.processes:
                self.processes.remove(process)
        else:
            moments = [min(process.waiting.until, process.deadline) for process in self.processes if process.waiting]
            moment = min([limit, self.next_event, *moments])
            assert moment < inf, "everything waits for something that never happens"
            self.now = max(self.now, moment)
            self.fire()
        self.tick()

    def tick(self) -> None:
        self.ticks += 1
        self.now += 0.002
        for check in self.checks:
            check()
        for fault in self.plan.pop(self.ticks, ()):
            fault()

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.step(end)

    def reboot(self, seconds: float) -> None:
        """Everything stops where it is; the files stay, the kernel's locks do not."""
        self.up = False
        self.boots += 1
        self.booted = self.now
        processes, self.processes = self.processes, []
        lock_json = self.lock_json
        for process in processes:
            process.end(-1)
        self.lock_json = lock_json  # a trap does not run when the power goes
        self.locked, self.leased = None, ""
        self.busy.clear()
        self.draining.clear()
        self._cached.clear()
        self._links.clear()
        boots = self.boots
        self.at(self.now + seconds, lambda: self._booted(boots))
        self.engine.go_down(seconds)

    def _booted(self, boots: int) -> None:
        self.up = self.up or boots == self.boots

    def connected(self, service: str) -> int:
        """How many connections the previous container of a service has."""
        box = self.engine.named(f"{service}-blue")
        return int(box is not None and box.busy > self.now)

    def live(self, service: str) -> Box | None:
        return self.engine.named(service)

    # What a request gets. nginx asks the live name, then blue, then the live name again; a rehearsal asks green only.

    @property
    def uptime(self) -> float:
        """What /proc/uptime tells: seconds since it booted."""
        return self.now - self.booted

    def ask_inside(self, box: Box) -> tuple[int, int]:
        """Curl from inside nginx straight to a container: (HTTP status, curl's exit code)."""
        if not box.running:
            return 0, 6
        if self.now < box.ready:
            return 0, 7
        return box.image.behaviour.inside, 0

    def ask_outside(self, path: str, *, rehearsal: bool, replica: str = "") -> tuple[int, int, str]:
        """Curl to the public URL: (HTTP status, curl's exit code, the candidate that nginx names).

        Args:
            replica: number of the one that is asked for; else those of a service are asked in turn.
        """
        nginx = self.engine.named("nginx")
        if not self.engine.up or nginx is None or not nginx.running or self.now < nginx.ready:
            return 0, 7, "none"
        first, *rest = self._hops(path)
        number = (replica if self.knows_replicas else "") or ("1" if rehearsal else "")
        first = self._replica(first, number)
        asked = "none" if not rehearsal else f"-{number}-green" if number > "1" else "-green"
        if rehearsal:
            box = self._answering(f"{first}-green")
        elif first in self.stale:
            box = self.stale[first] if self.stale[first].running and self.now >= self.stale[first].ready else None
        else:
            box = self._answering(first, cached=True) or self._answering(f"{first}-blue") or self._last(first)
        self.answered_by = "" if box is None else box.address
        for name in rest:
            if box is not None and box.image.behaviour.outside == 200:
                box = self._answering(name)
        if box is None:
            return 502, 0, asked
        return (box.image.behaviour.rehearsal if rehearsal else box.image.behaviour.outside), 0, asked

    def _replica(self, service: str, number: str) -> str:
        declared = replicas(self.services[service])
        if number:
            return declared[int(number) - 1].name
        if not self.knows_replicas:  # its files are from before there were several
            return service
        self._turn += 1
        return declared[self._turn % len(declared)].name

    def _last(self, name: str) -> Box | None:
        """Whom nginx asks where neither a live container nor its previous one takes a request: another replica."""
        service = self.services[name]
        first = self.services[service.replica_of or name]
        other = service.replica_of or replicas(first)[min(1, first.replicas - 1)].name
        return self._answering(other)

    def _hops(self, path: str) -> list[str]:
        for service in self.services.values():
            if path == service.rehearsal:
                return [service.name]
            if path == service.external:
                return [name for name in (service.through, service.name) if name]
        raise AssertionError(f"nobody has prepared an answer for {path}")

    def _answering(self, name: str, *, cached: bool = False) -> Box | None:
        boxes = self.nginx_resolves(name) if cached else self.engine.resolve(name)
        return next((box for box in boxes if box.running and self.now >= box.ready), None)

    def lead(self, name: str, box: Box | None) -> None:
        """Have nginx ask one container, whatever it knows of a name, until it has forgotten that."""
        if box is None:
            self._links.pop(name, None)
        else:
            self._links[name] = (self.now + CACHE, box)

    def led(self, name: str) -> Box | None:
        until, box = self._links.get(name, (0.0, None))
        return box if self.now < until else None

    def nginx_resolves(self, name: str) -> list[Box]:
        """As nginx does: an address is used for up to two seconds, whatever happens meanwhile."""
        if (led := self.led(name)) is not None:
            return [led]
        until, boxes = self._cached.get(name, (0.0, []))
        if self.now >= until:
            boxes = self.engine.resolve(name)
            if boxes:
                self._cached[name] = (self.now + CACHE, boxes)
        return boxes


def _nginx() -> Behaviour:
    return Behaviour(boot=0.2)
