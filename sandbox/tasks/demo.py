"""`inv demo`."""

from __future__ import annotations

from invoke import Context, task

from behindy_ops.tasks.guard import guarded

__all__ = ["demo"]


@task
@guarded
def demo(_: Context) -> None:
    """Replace three services under traffic, for real."""
    from sandbox.demo.demo import run_demo
    from sandbox.traffic.signals import ending_signals_raise

    with ending_signals_raise("What was started is ended; the sandbox stays up. To remove it: ./inv sandbox.down"):
        run_demo()
