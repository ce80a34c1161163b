"""What can strike at any tick: clients that die, hang or come twice, a daemon or a whole host that restarts."""

from __future__ import annotations

import contextlib
import signal
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, LockHeld
from tests.simulator.simulation import SILENCE, ClientKilled

if TYPE_CHECKING:
    from tests.simulator.simulation import SimHost, Simulation

__all__ = ["Fault", "heal", "plan", "plan_during"]


class Fault(Enum):
    """The value says what happens."""

    KILLED = "the client dies, and the host learns of it at once"
    VANISHED = "the client dies with its network: the host learns of it a minute later"
    CUT = "the connection breaks, and the host learns of it at once"
    CUT_SILENTLY = "the connection breaks, and the host learns of it a minute later"
    ASLEEP = "the client sleeps longer than its lease lasts, and finds out when a change is refused"
    AWAKES = "the client sleeps longer than its lease lasts, and sees that when it wakes"
    OVERTAKEN = "the client sleeps longer than its lease lasts, and another one comes meanwhile"
    SECOND = "a second client comes"
    SIGNAL = "the client gets SIGINT"
    SIGNAL_LATE = "the client gets SIGINT and has already waited for what may be waited for"
    REBOOT = "the host restarts, and is back when it is looked for"
    REBOOT_LONG = "the host restarts, which takes half a minute"
    CRASH = "the live application crashes, and Docker starts it again"
    STUCK = "for half a minute Docker can stop a container and not remove it"
    DOCKERD = "dockerd restarts, and is back for the next command"
    DOCKERD_LONG = "dockerd restarts, which takes three seconds"
    DOCKERD_AWAY = "dockerd ends, and is back after 25 seconds"


def plan(simulation: Simulation, after: int, fault: Fault) -> None:
    """Let it strike so many ticks from now."""
    tick = simulation.world.ticks + max(1, after)
    simulation.world.plan.setdefault(tick, []).append(partial(strike, simulation, fault))


def heal(simulation: Simulation) -> None:
    """Let nothing strike any more, wait until every lease has ended, and put all in order by two commands."""
    simulation.world.plan.clear()
    simulation.world.pass_time(90)
    for _ in range(2):
        with contextlib.suppress(BehindyError):
            simulation.recover()
        simulation.world.pass_time(20)


def plan_during(simulation: Simulation, script: str, fault: Fault, *, tick: int = 1) -> None:
    """Let it strike once, at that tick of the next run of a script."""
    ticks = 0

    def look() -> None:
        nonlocal ticks
        if ticks < tick and any(process.name == script for process in simulation.world.processes):
            ticks += 1
            if ticks == tick:
                strike(simulation, fault)

    simulation.world.checks.append(look)


def strike(simulation: Simulation, fault: Fault) -> None:
    world = simulation.world
    match fault:
        case Fault.REBOOT | Fault.REBOOT_LONG:
            for client in simulation.clients:
                client.hang_up(silently=False)
            world.reboot(0 if fault is Fault.REBOOT else 30)
        case Fault.DOCKERD | Fault.DOCKERD_LONG | Fault.DOCKERD_AWAY:
            world.engine.go_down({Fault.DOCKERD: 0, Fault.DOCKERD_LONG: 3, Fault.DOCKERD_AWAY: 25}[fault])
        case Fault.CRASH:
            crash(simulation)
        case Fault.STUCK:
            world.engine.stuck_until = world.now + 30
        case Fault.SECOND:
            second_client(simulation)
        case _ if simulation.clients:
            _strike_client(simulation, simulation.clients[-1], fault)


def _strike_client(simulation: Simulation, client: SimHost, fault: Fault) -> None:
    match fault:
        case Fault.KILLED | Fault.VANISHED:
            client.dead = True
            client.hang_up(silently=fault is Fault.VANISHED)
            raise ClientKilled
        case Fault.CUT | Fault.CUT_SILENTLY:
            client.hang_up(silently=fault is Fault.CUT_SILENTLY)
        case Fault.ASLEEP | Fault.AWAKES | Fault.OVERTAKEN:
            client.notices = fault is Fault.AWAKES
            client.fall_silent()
            simulation.world.pass_time(SILENCE + 1)
            if fault is Fault.OVERTAKEN:
                second_client(simulation)
            client.wake()
        case Fault.SIGNAL | Fault.SIGNAL_LATE if client.interrupts.requested is None:
            client.interrupts._note(signal.SIGINT, None)
            if fault is Fault.SIGNAL_LATE:
                client.interrupts._since = float("-inf")


def crash(simulation: Simulation) -> None:
    """The live container that was started last crashes."""
    engine = simulation.world.engine
    live = [box for box in map(engine.named, simulation.world.services) if box is not None and box.running]
    if engine.up and live:
        engine.kill(max(live, key=lambda box: box.started).id)


def second_client(simulation: Simulation) -> None:
    """Another client tries to put the host in order; while the lease is held it is refused and changes nothing."""
    world = simulation.world
    holder = world.leased
    begun = len(simulation.connections)
    try:
        simulation.recover()
    except LockHeld:
        assert not simulation.connections[begun].sent, "a client that is refused changes something"
    except (BehindyError, ClientKilled):
        pass
    else:
        assert not holder or world.leased != holder, "a second client is let in"
