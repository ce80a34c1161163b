"""Where the reports are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.report.html import save
from sandbox.host.checkout import here

if TYPE_CHECKING:
    from behindy_ops.report.page import Page

__all__ = ["BENCH", "DEMO", "GROWTH", "LOSSES", "PEER", "SWARM", "written"]

DEMO, BENCH, LOSSES, GROWTH, SWARM, PEER = (
    Path("reports", f"{name}.html")
    for name in ("demo", "bench", "bench-deploys", "bench-growth", "bench-swarm", "bench-peer")
)
"""Below the checkout; git does not keep them."""


def written(page: Page, path: Path) -> Path:
    """Write a report below the checkout, over an earlier one, and return the path it was given.

    Raises:
        Kind.USAGE: something else is in its place.
    """
    file = here().root / path
    file.parent.mkdir(exist_ok=True)
    save(page, file)
    return path
