"""Figures as people read them: bytes, ages, durations. Pure."""

from __future__ import annotations

MB = 2**20
"""Bytes. All figures are binary, as those of ``free -m``."""


def size(count: float) -> str:
    """Return bytes as ``900 B``, ``12 kB``, ``851 MB``, ``12.3 GB``."""
    if count < 1024:
        return f"{count:.0f} B"
    if count < MB:
        return f"{count / 1024:.0f} kB"
    if count < 10_000 * MB:
        return f"{count / MB:.0f} MB" if count >= 10 * MB else f"{count / MB:.1f} MB"
    return f"{count / 2**30:.1f} GB"


def age(seconds: float) -> str:
    """Return a span in its largest unit: ``42 s``, ``5 min``, ``3 h``, ``12 d``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (unit != "min" and seconds >= 1.5 * length):
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def took(seconds: float) -> str:
    """Return how long something took: ``0.4 s``, ``42.0 s``, ``2 min 05 s``."""
    if seconds < 99.95:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
