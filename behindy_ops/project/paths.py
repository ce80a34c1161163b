"""Where this checkout is: the folder with the compose and nginx files, the settings and the tests."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CHECKOUT"]

CHECKOUT = Path(__file__).resolve().parents[2]
