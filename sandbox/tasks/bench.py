"""`inv bench`."""

from __future__ import annotations

from dataclasses import replace

from invoke import Context, task

from behindy_ops.tasks.guard import guarded

__all__ = ["bench"]


@task(
    help={
        "count": "deploys to measure over each link (default: 5); with --growth and --swarm, times of each median (3)",
        "deploys": "instead: so many deploys over all services in turn, under every kind of request, such as 100",
        "peer": "instead: beside Kamal, where you have installed it; writes benchmarks/peer.md",
        "growth": "instead: with ever more services, images, history and requests; writes benchmarks/growth.md",
        "swarm": "instead: on a swarm of 1, 3 and 5 hosts with ever more replicas; writes benchmarks/swarm.md",
        "only": "with --growth: these parts, such as images,nginx; prints and writes nothing",
    }
)
@guarded
def bench(
    _: Context,
    count: int = 0,
    deploys: int = 0,
    peer: bool = False,
    growth: bool = False,
    swarm: bool = False,
    only: str = "",
) -> None:
    """Measure deploys: times, losses, near and far; how they grow.

    In the sandbox. Writes benchmarks/results.md, or what the option says.
    """
    from behindy_ops.host.interrupts import ending_signals_raise
    from sandbox.bench.bench import run_bench
    from sandbox.bench.growth import PLAN, narrowed, run_growth
    from sandbox.bench.losses import run_losses
    from sandbox.bench.peer import run_peer
    from sandbox.bench.swarm import run_swarm

    with ending_signals_raise("What was started is ended; the sandbox stays up. To remove it: ./inv sandbox.down"):
        if growth:
            plan = narrowed(PLAN, only)
            run_growth(replace(plan, rounds=count or plan.rounds), write=not only)
        elif swarm:
            run_swarm(count or 3)
        elif deploys:
            run_losses(deploys)
        elif peer:
            run_peer(count or 5)
        else:
            run_bench(count or 5)
