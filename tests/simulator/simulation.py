"""A host to deploy to that is only simulated: the real engine runs on it, and every remote command is retold.

A command nobody has prepared is refused. A client can be killed, cut off, put to sleep or interrupted at any tick
(:mod:`tests.simulator.faults`), and what it had begun on the host goes on without it, as it would.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.deploy import goals, queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.errors import ConnectionLost, Kind, LeaseLost
from behindy_ops.host.command import Command, Result, wire
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.interrupts import Interrupts
from behindy_ops.host.lease import Holder, argv, refusal
from behindy_ops.host.session import Session
from behindy_ops.project.project import Project
from behindy_ops.project.services import Assets, HealthPolicy, Service, replicas, repository
from behindy_ops.project.settings import Settings
from tests.archives import image_of
from tests.simulator.docker import Behaviour
from tests.simulator.rules import Rules
from tests.simulator.scripts import body_of, each_of, fenced, lease, name_of
from tests.simulator.world import Process, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from behindy_ops.facts.local_image import LocalImage
    from behindy_ops.report.events import Event

__all__ = ["SERVICES", "SILENCE", "Behaviour", "ClientKilled", "SimHost", "Simulation"]

SILENCE = 60.0
"""Seconds after which the host frees a lease it no longer hears."""

_PROJECT = Project(Path(__file__).parents[2])
_PATIENCE = HealthPolicy(attempts=3, interval=3.0, look=1.0)

_IMAGE = "${BEHINDY_IMAGE_PREFIX:-behindy}/behindy-"

SERVICES = {
    service.name: service
    for service in (
        Service(
            "llmserver",
            f"{_IMAGE}llmserver:latest",
            8000,
            "/health",
            "/api/ai-stories/health",
            "/llm/health",
            drain=20,
            linger=5,
            watch=5,
            health=_PATIENCE,
            through="backend",
        ),
        Service(
            "backend",
            f"{_IMAGE}backend:latest",
            8080,
            "/health",
            "/api/health",
            "/api/health",
            watch=5,
            health=_PATIENCE,
        ),
        Service(
            "frontend",
            f"{_IMAGE}frontend:latest",
            3000,
            "/",
            "/",
            "/",
            watch=5,
            health=_PATIENCE,
            assets=Assets("/app/.next/static", "/_next/static"),
        ),
    )
}


class ClientKilled(BaseException):
    """The client's process has ended, at once."""


class SimHost:
    """One connection to the simulated host, as :class:`behindy_ops.host.host.Host` is to a real one.

    Attributes:
        sent: every command it was given, in order.
        notices: it sees that its lease has ended; else it finds out when a change is refused.
    """

    def __init__(self, world: World, interrupts: Interrupts) -> None:
        self.world = world
        self.interrupts = interrupts
        self.remote_commands = 0
        self.sessions: int | None = None
        self.sent: list[Command] = []
        self.dead = self.broken = self.closed = self.notices = False
        self._silent = inf
        self._lease: Process | None = None
        self._mine: list[Process] = []
        self._underway: dict[Future[Result], tuple[Process, Command, float]] = {}

    def hears(self) -> float:
        """When the lease's process on the host will have heard nothing for too long."""
        return -inf if self.closed else self._silent + SILENCE

    def fall_silent(self) -> None:
        """The client is not heard any more, and the host does not know."""
        self._silent = self.world.now
        self.world.at(self._silent + SILENCE, lambda: None)

    def wake(self) -> None:
        """The client goes on, if its connection has not broken meanwhile."""
        if not self.broken:
            self._silent = inf

    def _fed(self) -> str:
        return "cut" if self.closed else "stalled" if self._silent < inf else "on"

    def hang_up(self, *, silently: bool) -> None:
        """The connection breaks; the host learns of it at once, or not at all."""
        self.broken = True
        for process in self._mine:
            process.listener = None
        if silently:
            self.fall_silent()
        else:
            self.closed = True

    def require_alive(self) -> None:
        if self.dead:
            raise ClientKilled
        if self.broken:
            raise ConnectionLost("The connection to the host was lost.", state="The site goes on serving.")

    def take_lease(self, holder: Holder, state_dir: str, mark: str, survey: tuple[str, ...]) -> str:
        self.require_alive()
        self.remote_commands += 1
        self.closed = False
        process = Process("lease")
        self.world.spawn(process, lease(self.world, process, self.hears, argv(holder, state_dir, mark, survey)[4:]))
        self._mine.append(process)
        while process.code is None and f"{mark} ready" not in process.out:
            self._wait_a_step()
        if f"{mark} ready" not in process.out:
            raise refusal(process.code or 0, "\n".join(process.out)) or LeaseLost("The host ended it meanwhile.")
        assert process.out[0] == f"{mark} lease"
        self._lease, process.token = process, holder.token
        return "\n".join(process.out[1:-1]) + "\n"

    def release(self) -> None:
        self.closed = self.closed or not self.broken

    def _wait_a_step(self) -> None:
        self.interrupts.check()
        self.require_alive()
        if self.notices and self._lease is not None and self._lease.code is not None:
            raise LeaseLost("Lost the deploy lock: the host has ended it.")
        self.world.step()
        self.require_alive()

    def run(self, command: Command) -> Result:
        return self.end(self.begin(command))

    def begin(self, command: Command) -> Future[Result]:
        self.require_alive()
        self.world.tick()
        self.require_alive()
        if command.changes and self._lease is None:
            wire(command)  # raises
        self.remote_commands += 1
        self.sent.append(command)
        process = Process(
            name_of(command),
            deadline=self.world.now + command.timeout,
            token=self._lease.token if self._lease else "",
            stdin=command.stdin.decode(),
            listener=command.on_line,
            feed=b"".join(command.feed or ()),
            fed=self._fed,
        )
        body = body_of(self.world, process, command)
        self.world.spawn(process, fenced(self.world, process, body) if command.changes else body)
        self._mine.append(process)
        future: Future[Result] = Future()
        self._underway[future] = process, command, self.world.now
        return future

    def end(self, future: Future[Result]) -> Result:
        process, command, begun = self._underway[future]
        while process.code is None:
            self._wait_a_step()
        self.require_alive()
        if command.changes and process.code == Code.LEASE_LOST:
            raise LeaseLost(f"Lost the deploy lock; refused to {command.title}.")
        out, err = ("".join(f"{line}\n" for line in lines) for lines in (process.out, process.err))
        if name_of(command) == "in_turn" and out.count(" errors\n") == 1:  # it did not come to the other
            self.sent[self.sent.index(command)] = each_of(command)[0]
        return Result(command, process.code, out, err, self.world.now - begun)

    def sleep(self, seconds: float) -> None:
        """Let time pass on the host while the client sleeps."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.step(end)
            if self.dead:
                raise ClientKilled


class Simulation:
    """A world with our services in it, and the commands an operator types.

    Attributes:
        clients: the connections of those at work, innermost last;
        connections: all there ever were.
        project: theirs; ``others`` are services of another project on the host.
    """

    def __init__(self, services: dict[str, Service] | None = None, *, rehearsals: bool = True) -> None:
        self.settings = Settings(host="simulated", domain="behindy.me", image_prefix="me")
        declared = (services or SERVICES).values()
        self.world = World({each.name: each for one in declared for each in replicas(one)}, rehearsals=rehearsals)
        self.rules = Rules(self.world)
        self.events: list[Event] = []
        self.clients: list[SimHost] = []
        self.connections: list[SimHost] = []
        self.project, self.others = _PROJECT, frozenset[str]()
        self.ahead = 0.0  # seconds that the client's clock is ahead of the host's
        self._drawn = 0

    @property
    def services(self) -> list[Service]:
        return [service for name, service in self.world.services.items() if name not in self.others]

    def forget(self) -> None:
        """What was told and sent so far is of no interest."""
        self.events.clear()
        self.connections.clear()
        self.world.history.clear()

    def digits(self, count: int) -> str:
        self._drawn += 1
        return f"{self._drawn:0{count}x}"[-count:]

    def build(self, service: str, tag: str, *layers: bytes, behaviour: Behaviour | None = None) -> LocalImage:
        """A build of this machine, which no registry has: two layers that all of a service share, and one of its own.

        Args:
            layers: others instead.
        """
        own = layers or (b"base", f"{service} needs".encode(), f"{service} {tag}".encode())
        image = image_of(*own, reference=f"{service}:{tag}", built=f"{service} {tag}")
        self.world.engine.built[image.id] = behaviour or Behaviour()
        return image

    def push(self, service: str, tag: str, behaviour: Behaviour | None = None) -> None:
        """A build pushes a release of a service."""
        name = repository(self.world.services[service], self.settings.image_prefix)
        self.world.engine.push(f"{name}:{tag}", behaviour or Behaviour())

    def deploy(
        self,
        *names: str,
        tag: str = "latest",
        force: bool = False,
        strategy: str = "",
        watch: float | None = None,
        wait: float = 0.0,
        wait_drain: bool = False,
        now: bool = False,
        drained: bool = True,
        images: Mapping[str, LocalImage] | None = None,
        committed: str = "",
        if_newer: bool = False,
    ) -> None:
        """As an operator does; ``drained``: time passes until the host has drained what was live before."""
        goal = Goal(tag=tag, force=force, watch=watch, recreate=strategy == "recreate", wait_drain=wait_drain)
        goal = replace(goal, images=images or {}, committed=committed, if_newer=if_newer)
        with self._settled(drained=drained):
            queue.deploy(self.connect, self._chosen(names), goal, wait=wait, now=now)

    def recreate(self, name: str, *, tag: str = "latest") -> None:
        """Deploy with an announced downtime, in which the rules about being served do not hold."""
        self.rules.announced.add(name)
        self.deploy(name, tag=tag, strategy="recreate")

    def roll_back(self, name: str, *, to: str = "", wait: float = 0.0, now: bool = False) -> None:
        with self._settled():
            queue.return_to(
                partial(goals.rollback, to=to),
                self.connect,
                self.world.services[name],
                what="rollback",
                enough=() if to else queue.WENT_BACK,
                wait=wait,
                now=now,
            )

    def restart(self, name: str) -> None:
        with self._settled():
            queue.return_to(goals.restart, self.connect, self.world.services[name], what="restart")

    def recover(self, *names: str, wait: float = 0.0, now: bool = False) -> None:
        with self._settled():
            queue.recover(self.connect, self._chosen(names), wait=wait, now=now)

    def _chosen(self, names: Sequence[str]) -> list[Service]:
        return [self.world.services[name] for name in names] or [each for each in self.services if not each.replica_of]

    @contextlib.contextmanager
    def _settled(self, *, drained: bool = True) -> Iterator[None]:
        try:
            yield
        finally:
            if not any(connection.dead for connection in self.connections[-1:]):
                self.world.pass_time(0.5)  # in which the lock is given back
                if drained:
                    self.drained()

    def drained(self) -> None:
        """Let time pass until the host drains nothing any more."""
        while self.world.draining:
            self.world.step()

    @contextlib.contextmanager
    def connect(self) -> Iterator[Session]:
        """Open the real session, with all it decides, on a simulated connection."""
        world, interrupts = self.world, Interrupts()
        if not world.up:
            raise Kind.HOST_UNREACHABLE("Cannot reach the host: no answer.")
        host = SimHost(world, interrupts)
        self.clients.append(host)
        self.connections.append(host)
        try:
            yield Session(
                host,
                self.project,
                self.settings,
                self.services,
                self.events.append,
                "somebody@somewhere",
                interrupts=interrupts,
                clock=lambda: world.now,
                sleep=host.sleep,
                now=lambda: datetime.fromtimestamp(world.now + self.ahead, UTC),
                randomness=self.digits,
            )
        finally:
            self.clients.remove(host)
            host.release()
