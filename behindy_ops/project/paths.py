"""Where things lie on the host, below the host directory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostPaths:
    """Paths on the host; ``root`` is the setting ``BEHINDY_HOST_DIR``."""

    root: str

    @property
    def state(self) -> str:
        return f"{self.root}/state"

    @property
    def history(self) -> str:
        return f"{self.state}/history.jsonl"

    @property
    def rehearsal_header(self) -> str:
        return f"{self.root}/rehearsal/header"

    def release(self, service: str, release: str) -> str:
        """Return the directory of a release's files; empty for no release."""
        return f"{self.state}/releases/{service}/{release}" if release else ""
