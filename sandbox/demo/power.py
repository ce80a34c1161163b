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


def lose_power(
    info: SandboxInfo, services: Sequence[str], traffic: Traffic, rate: float, say: Callable[[str], None]
) -> PowerCut:
    """Take the power from the worker with the most replicas until all run elsewhere, and give it back.

    Args:
        rate: requests a second of all traffic.

    Raises:
        Kind.SANDBOX: the swarm did not notice, or the replicas did not come to run again.
    """
    before = swarm.tasks(*services)
    held = Counter(task.node for task in before)
    number = max(range(2, len(info.nodes) + 1), key=lambda each: held[info.nodes[each - 1].name])
    name = info.nodes[number - 1].name
    say(f"Taking the power from {name}, with {held[name]} of {len(before)} replicas")
    was, begun = traffic.snapshot(), time.monotonic()
    nodes.kill(number)

    losses = [(was.lost, 0.0)]

    def look() -> None:
        lost = traffic.snapshot().lost
        if lost > losses[-1][0]:
            losses.append((lost, time.monotonic() - begun))

    def down() -> bool:
        look()
        return swarm.nodes_ready() < len(info.nodes)

    def elsewhere() -> bool:
        look()
        return sum(task.state == "Running" and task.node != name for task in swarm.tasks(*services)) == len(before)

    swarm.wait_until(down, _REPAIR_SECONDS, "the swarm missed the host")
    missed = time.monotonic() - begun
    say(f"    missed     {missed:5.1f} s")
    swarm.wait_until(elsewhere, _REPAIR_SECONDS, f"all {len(before)} replicas ran again")
    repaired = time.monotonic() - begun
    say(f"    repaired   {repaired:5.1f} s  all {len(before)} replicas run on the hosts that are left")
    nodes.start(number)
    look()
    swarm.wait_until(lambda: swarm.nodes_ready() == len(info.nodes), _REPAIR_SECONDS, "the host was Ready again")
    time.sleep(_AFTER_SECONDS)  # its return is under traffic too
    look()
    now = traffic.snapshot()
    say(f"{name} has its power back; {now.sent - was.sent} requests sent meanwhile, {now.lost - was.lost} lost")
    return PowerCut(
        node=name,
        held=held[name],
        replicas=len(before),
        lost_before=was.lost,
        allowed=round(rate * _LOST_SECONDS),
        last_lost=losses[-1][1],
        missed=missed,
        repaired=repaired,
    )
