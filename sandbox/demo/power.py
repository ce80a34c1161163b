"""A worker of a swarm loses its power under traffic: what that costs, and for how long it shows."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from sandbox.demo.report import PowerCut
from sandbox.host import nodes, swarm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.generator import Traffic

__all__ = ["lose_power"]

_REPAIR_SECONDS = 120.0
_LOST_SECONDS = 0.5
"""Seconds of all traffic that may be lost: what a host had begun, and what is sent to it until another is asked."""
_AFTER_SECONDS = 2.0


class _Since:
    """What has been lost, and how long it is, since a moment."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._begun, self.began = time.monotonic(), time.time()
        self.before = self.now = traffic.snapshot()
        self.last_lost = 0.0

    def look(self) -> None:
        lost, self.now = self.now.lost, self._traffic.snapshot()
        if self.now.lost > lost:
            self.last_lost = self.seconds

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def until(self, condition: Callable[[], bool]) -> float | None:
        """Wait until it holds and return when that was, or None if it did not in time."""
        end = self.seconds + _REPAIR_SECONDS
        while self.seconds < end:
            if condition():
                return self.seconds
            self.look()
        return None


def lose_power(
    info: SandboxInfo, services: Sequence[str], traffic: Traffic, rate: float, say: Callable[[str], None]
) -> PowerCut:
    """Take the power from the worker with the most replicas until all run elsewhere, and give it back.

    Args:
        info: a sandbox whose nodes are a swarm.
        services: whose replicas are looked at.
        traffic: to be running.
        rate: requests a second of all traffic.
        say: is told what is being done.

    Raises:
        Kind.SANDBOX: the host did not come back.
    """
    before = swarm.tasks(*services)
    held = Counter(task.node for task in before)
    number = max(range(2, len(info.nodes) + 1), key=lambda each: held[info.nodes[each - 1].name])
    name, replicas = info.nodes[number - 1].name, len(before)

    def elsewhere() -> bool:
        return sum(task.state == "Running" and task.node != name for task in swarm.tasks(*services)) == replicas

    say(f"Taking the power from {name}, with {held[name]} of {replicas} replicas")
    since = _Since(traffic)
    nodes.kill(number)
    missed = since.until(lambda: swarm.nodes_ready() < len(info.nodes))
    say(f"    missed     {_seconds(missed)}")
    repaired = since.until(elsewhere)
    how = "" if repaired is None else f"  all {replicas} replicas run on the hosts that are left"
    say(f"    repaired   {_seconds(repaired)}{how}")
    nodes.start(number)
    swarm.wait_until(lambda: swarm.nodes_ready() == len(info.nodes), _REPAIR_SECONDS, f"{name} was Ready again")
    since.look()
    time.sleep(_AFTER_SECONDS)  # its return is under traffic too
    since.look()
    sent, lost = since.now.sent - since.before.sent, since.now.lost - since.before.lost
    say(f"{name} has its power back; {sent} requests sent meanwhile, {lost} lost")
    return PowerCut(
        node=name,
        held=held[name],
        replicas=replicas,
        lost_before=since.before.lost,
        allowed=round(rate * _LOST_SECONDS),
        last_lost=since.last_lost,
        missed=missed,
        repaired=repaired,
        began=since.began,
    )


def _seconds(seconds: float | None) -> str:
    return "  never" if seconds is None else f"{seconds:5.1f} s"
