"""One case of the matrix: a deploy under traffic, interrupted, then a plain deploy."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from sandbox.host import inner, lifecycle
from sandbox.traffic.generator import Traffic, TrafficResult, for_service
from tests.sandbox.interruption import Armed, Client, Kind, armed
from tests.sandbox.interruption_verdict import Case, Outage, Outcome
from tests.sandbox.support import (
    SERVICES,
    Ran,
    containers,
    deploy,
    ensure_infrastructure,
    inv,
    live_addresses,
    live_release,
    on_host,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.host.info import SandboxInfo

STATE = "/home/ubuntu/behindy-ops/state"
LOCK = f"{STATE}/lock"

FREED = f"timeout 90 flock {LOCK} date +%s.%N"
"""Prints when the lock became free, by the host's clock, which is this machine's."""

WATCH = "2"
QUIET_SECONDS = 4.0
OUTAGE_SECONDS = 90.0
OURS = frozenset({"bash", "timeout", "flock", "docker", "curl", "sleep", "docker-compose"})


def ensure_steady(release: Callable[[str, str], str]) -> None:
    """All three services live, nothing left over and nobody's hold, whatever the case before has done."""
    for tag in ("v1", "v2"):
        for service in SERVICES:
            release(service, tag)
    ensure_infrastructure()
    on_host("rm", "-f", f"{STATE}/hold.json", "/var/tmp/behindy-ops/hold.json")
    if set(containers()) > set(SERVICES):
        inv("deploy.recover", "--wait", "1m")
    if containers() == dict.fromkeys(SERVICES, "running") and all(live_addresses().values()):
        return
    lifecycle.reset(lambda _: None)
    for service in SERVICES:
        deploy(service, "v1").ok()


def other_tag(service: str) -> str:
    """A release that is not the live one."""
    return "v2" if live_release(service) == "v1" else "v1"


def run(case: Case, sandbox: SandboxInfo, tag: str) -> Outcome:
    """Interrupt a deploy of ``tag``, deploy it again, and look."""
    with Traffic(sandbox, for_service(case.service), max_seconds=280) as traffic:
        traffic.wait_until_flowing()
        ran, seconds, freed, outage = _interrupt(case, sandbox, tag, traffic)
        left = tuple(sorted(set(containers()) - set(SERVICES)))
        after = deploy(case.service, tag, watch=WATCH)
        wait_for(lambda: not leftover_processes(), 15, "that no process of an interrupted command is left")
        return Outcome(
            tag,
            ran,
            seconds,
            freed,
            left,
            outage,
            after,
            containers(),
            live_release(case.service) if case.service in containers() else "",
            inv("deploy.status", "--json").out,
            traffic.stop(),
        )


def _interrupt(case: Case, sandbox: SandboxInfo, tag: str, traffic: Traffic) -> tuple[Ran, float, float, Outage]:
    words = (f"deploy.{case.service}", "--tag", tag, "--watch", WATCH, "--json")
    with contextlib.ExitStack() as stack:
        clients: list[Client] = []
        fire = stack.enter_context(armed(case.kind, lambda: clients[0], sandbox.container))
        freeing = stack.enter_context(contextlib.closing(Armed(sandbox.container, FREED)))
        clients.append(stack.enter_context(Client(*words)))
        clients[0].until(case.moment.reached, timeout=90)
        time.sleep(case.moment.delay)
        before = traffic.snapshot() if case.kind.downs_host else None
        fired, fired_at = time.monotonic(), time.time()
        fire()
        ran = _after_kill(clients[0], freeing) if case.kind is Kind.KILL else clients[0].wait()
        seconds = clients[0].ended - fired
        freed = float(freeing.output()) - fired_at if case.kind is Kind.KILL else 0.0
        outage = _ride_out(traffic, before, fired) if before else Outage(0, 0.0)
    return ran, seconds, freed, outage


def _after_kill(client: Client, freeing: Armed) -> Ran:
    # From the kill on and not before: whoever waits for the lock gets it in place of the next client.
    freeing.fire()
    return client.wait()


def _ride_out(traffic: Traffic, before: TrafficResult, fired: float) -> Outage:
    """Wait until the site serves all streams again by itself; nobody has done anything by then."""
    inner.wait_for_engine()
    now, last_loss, at_loss = traffic.snapshot(), time.monotonic(), traffic.snapshot()
    while time.monotonic() - last_loss < QUIET_SECONDS or not _all_flow(at_loss, now):
        assert time.monotonic() - fired < OUTAGE_SECONDS, f"the site did not come back by itself: {now}"
        time.sleep(0.3)
        later = traffic.snapshot()
        if later.lost > now.lost:
            last_loss, at_loss = time.monotonic(), later
        now = later
    lost = now.lost - before.lost
    return Outage(lost, last_loss - fired if lost else 0.0)


def _all_flow(before: TrafficResult, now: TrafficResult) -> bool:
    good = {figures.name: figures.good for figures in before.streams}
    return all(figures.good > good[figures.name] for figures in now.streams)


def leftover_processes() -> list[str]:
    """What still runs on the host for the login user, containers not counted."""
    names = on_host("ps", "-u", "ubuntu", "-o", "comm=", check=False).split()
    return [name for name in names if name in OURS]
