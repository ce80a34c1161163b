"""What must hold at every tick of a simulation, and what must have been reached when all has come to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.facts.release import Labels
from tests.simulator.docker import ROUTED, Box
from tests.simulator.world import CACHE

if TYPE_CHECKING:
    from tests.simulator.world import World


class Rules:
    """docs/design.md, "Promise", as assertions over the simulated host."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stood: set[str] = set()
        self.hurried: set[str] = set()  # services whose previous release need not be idle (--now)
        self.announced: set[str] = set()  # services whose downtime was told (--strategy recreate)
        self._seen: dict[str, int] = {}
        world.checks += [self._routed, self._one_at_a_time]
        world.engine.before_stop = self._before_stop
        world.engine.before_rename = self._before_rename

    def release_of(self, box: Box) -> str:
        return box.labels.get(Labels.release, "")

    def status_of(self, box: Box) -> str | None:
        name = box.labels.get(Labels.service, box.name)
        kept = self.world.dirs.get((name, self.release_of(box)))
        return kept.status if kept else None

    def _routed(self) -> None:
        """What nginx routes to is there and serves."""
        for service in self.world.services:
            live = self.world.live(service)
            if live is not None:
                self._seen[service] = self.world.engine.epoch
                if service not in self.stood and self.status_of(live) == "stands":
                    self.stood.add(service)
            if service in self.stood - self.announced:
                self._name(service, live)
                if self.world.engine.up:
                    self._answer(service, live)

    def _name(self, service: str, live: Box | None) -> None:
        """A routed name points at a container, but between the two renames of a swap (and if that was torn)."""
        if live is None and self._seen[service] == self.world.engine.epoch:
            swaps = [process for process in self.world.processes if process.name == "swap" and process.changing]
            assert swaps, f"{service} points at nothing"

    def _answer(self, service: str, live: Box | None) -> None:
        """A request that comes now is answered, unless what has the name is a bad release or has just crashed."""
        found = self.world.engine.resolve(service)
        assert len(found) < 2, f"{service} answers with two addresses"
        if not found:
            blue = self.world.engine.named(f"{service}-blue")
            asked = [box for box in (live, blue) if box is not None]
            excused = any(not box.image.behaviour.good or box.status == "restarting" for box in asked)
            assert excused or (blue is not None and blue.running), f"nobody serves {service}"

    def _one_at_a_time(self) -> None:
        for process in self.world.busy:
            if process.changing and self.world.leased:
                assert process.token == self.world.leased, f"{process.name} goes on under somebody else's lease"

    def _before_stop(self, box: Box) -> None:
        """A good container that served users is stopped only when nobody can be sent to it any more."""
        name = box.labels.get(Labels.service, "")
        now = self.world.now
        to_it = (self.world.stale.get(name), *map(self.world.led, ROUTED))
        assert all(each is not box for each in to_it), f"{box.name} is stopped while nginx sends users to it"
        if name not in self.stood - self.announced or not box.image.behaviour.good or now < box.ready:
            return
        assert box.name not in ROUTED, f"{box.name} is stopped while it serves"
        service = self.world.services[box.labels.get(Labels.replica_of, name)]
        quiet = max(CACHE, service.linger if box.name.endswith("-blue") else 0.0)
        assert now - box.named >= quiet, f"{box.name} is stopped {now - box.named:.1f} s after it lost its name"
        idle = box.busy <= now or name in self.hurried
        assert idle or now - box.named >= service.drain, f"{box.name} is stopped before it is idle"

    def _before_rename(self, box: Box, name: str) -> None:
        """A bad release never takes traffic, as far as it could be known."""
        if name not in ROUTED:
            return
        behaviour = box.image.behaviour
        assert behaviour.inside == 200, f"{box.name} is bad and gets the name"
        assert not behaviour.exits, f"{box.name} is dead and gets the name"
        assert self.world.now >= box.proven, f"{box.name} has not started and gets the name"
        if self.world.rehearsals and self.world.services[name].rehearsal:
            assert behaviour.rehearsal == 200, f"{box.name} would have failed a rehearsal and gets the name"

    def at_rest(self, service: str) -> str:
        """Why a service is not at rest with one good live container, or an empty string."""
        engine, live = self.world.engine, self.world.live(service)
        names = (f"{service}-{what}" for what in ("green", "blue", "before", "after"))
        left = [name for name in names if engine.named(name) is not None]
        if left:
            return f"{left} left behind"
        if live is None or not live.running or self.world.now < live.ready:
            return f"{service} is {'gone' if live is None else live.status}"
        if (
            engine.resolve(service) != [live]
            or live.policy not in ("always", "unless-stopped")
            or live.image.behaviour.outside != 200
        ):
            return f"{service} is live and does not serve: {live}"
        if self.status_of(live) == "failed":
            return f"{service} is live with a release that is marked failed"
        return "" if self.world.locked is None else "the lock is held"
