"""The certificate that nginx serves, as far as it matters whether users are let in. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Served"]


@dataclass(frozen=True, slots=True)
class Served:
    """The certificate that nginx serves.

    Attributes:
        days: left; negative once it has expired, None if nginx serves none.
        ready: days left of the newest file for the domain, None without one.
        distrust: why the host does not trust it, or empty.
    """

    days: float | None
    ready: float | None = None
    distrust: str = ""
