"""`inv demo`."""

from __future__ import annotations

from invoke import Context, task

from behindy_ops.tasks._run import guarded

__all__ = ["demo"]


@task
@guarded
def demo(_: Context) -> None:
    """Show the main job for real: replace three services under traffic, on a throwaway host in a container."""
    from behindy_ops.sandbox.demo import run_demo
    from behindy_ops.sandbox.signals import ending_signals_raise

    with ending_signals_raise():
        run_demo()
