"""`inv record`."""

from __future__ import annotations

from invoke import Context, task

from behindy_ops.tasks.guard import guarded

__all__ = ["record"]


@task
@guarded
def record(_: Context) -> None:
    """Record the documents' terminal sessions, for real."""
    from behindy_ops.host.interrupts import ending_signals_raise
    from sandbox.recording.record import run_record

    with ending_signals_raise("What was started is ended; the sandbox stays up. To remove it: ./inv sandbox.down"):
        run_record()
