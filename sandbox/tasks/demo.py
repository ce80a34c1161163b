"""`inv demo`."""

from __future__ import annotations

from invoke import Context, task

from behindy_ops.tasks.guard import guarded

__all__ = ["demo"]


@task(help={"nodes": "how many hosts: more than one are a swarm, of which one loses its power in the end (default: 1)"})
@guarded
def demo(_: Context, nodes: int = 1) -> None:
    """Replace three services under traffic, for real.

    In the sandbox, which stays up afterwards. It fails if a single request was
    lost.
    """
    from behindy_ops.host.interrupts import ending_signals_raise
    from sandbox.demo.demo import run_demo

    with ending_signals_raise("What was started is ended; the sandbox stays up. To remove it: ./inv sandbox.down"):
        run_demo(nodes)
