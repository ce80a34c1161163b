"""What this container is: which service, which release, with which fault. Read from the image's environment."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["PORTS", "Release"]

PORTS = {"frontend": 3000, "backend": 8080, "llmserver": 8000}


@dataclass(frozen=True)
class Release:
    """One release of one service; ``boot_seconds`` is how long it sleeps before it listens."""

    service: str
    tag: str
    fault: str
    boot_seconds: float

    @property
    def port(self) -> int:
        """The port the real service listens on; any other service says its own in PORT."""
        return PORTS.get(self.service) or int(os.environ.get("PORT", "8000"))

    @classmethod
    def from_environment(cls) -> Release:
        fault = os.environ.get("SAMPLE_FAULT", "")
        boot_seconds = 20.0 if fault == "slow-boot" else float(os.environ.get("BOOT_SECONDS", "0"))
        return cls(
            service=os.environ.get("SAMPLE_SERVICE", "frontend"),
            tag=os.environ.get("SAMPLE_RELEASE", "dev"),
            fault=fault,
            boot_seconds=boot_seconds,
        )
