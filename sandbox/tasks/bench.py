"""`inv bench`."""

from __future__ import annotations

from invoke import Context, task

from behindy_ops.tasks.guard import guarded

__all__ = ["bench"]


@task(
    help={
        "count": "deploys to measure over each link (default: 5)",
        "deploys": "instead: so many deploys over all services in turn, under every kind of request, such as 100",
    }
)
@guarded
def bench(_: Context, count: int = 5, deploys: int = 0) -> None:
    """Measure deploys: times, losses, near and far."""
    from behindy_ops.host.interrupts import ending_signals_raise
    from sandbox.bench.bench import run_bench
    from sandbox.bench.losses import run_losses

    with ending_signals_raise("What was started is ended; the sandbox stays up. To remove it: ./inv sandbox.down"):
        if deploys:
            run_losses(deploys)
        else:
            run_bench(count)
