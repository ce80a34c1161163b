"""`inv docs`."""

from __future__ import annotations

from pathlib import Path

from invoke import Context, task

from behindy_ops.tasks.guard import guarded

__all__ = ["docs"]

CHECKOUT = Path(__file__).resolve().parents[2]


@task(help={"check": "change nothing; end with 81 if a page is not as the code has it"})
@guarded
def docs(_: Context, check: bool = False) -> None:
    """Make docs/reference/ and docs/ko/reference/ from the code.

    The tables of tasks, options, settings, exit codes and JSON. lint checks
    them. What is still without Korean is named, and goes into
    sandbox/reference/ko/.
    """
    from sandbox.reference import pages

    if check:
        pages.check(CHECKOUT)
        print("docs/reference/ and docs/ko/reference/ are as the code has them.")
        return
    found = pages.make(CHECKOUT)
    written = pages.write(CHECKOUT, found)
    print(f"Written: {', '.join(written)}" if written else "Nothing to write: all pages are as the code has them.")
    pages.require_korean(found)
