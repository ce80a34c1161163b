"""`inv bench`."""

from __future__ import annotations

from invoke import Context, task

from behindy_ops.tasks.guard import guarded

__all__ = ["bench"]


@task(help={"count": "deploys to measure over each link (default: 5)"})
@guarded
def bench(_: Context, count: int = 5) -> None:
    """Measure deploys: times, losses, near and far."""
    from behindy_ops.host.interrupts import ending_signals_raise
    from sandbox.bench.bench import run_bench

    with ending_signals_raise("What was started is ended; the sandbox stays up. To remove it: ./inv sandbox.down"):
        run_bench(count)
