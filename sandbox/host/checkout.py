"""Which checkout this is, and the names that follow from it: two checkouts never share a sandbox."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from behindy_ops.errors import Kind

__all__ = ["LABEL", "Checkout", "here"]

LABEL = "behindy-ops.checkout"
COMPOSE_FILE = Path("compose", "docker-compose.yml")


@dataclass(frozen=True)
class Checkout:
    """A checkout by its absolute path."""

    root: Path

    @property
    def identity(self) -> str:
        """Eight hexadecimal digits that stand for the path."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def container(self) -> str:
        """The outer container's name; its volume has the same."""
        return f"behindy-sandbox-{self.identity}"

    @property
    def label(self) -> str:
        """The label on everything of this checkout that the engine keeps."""
        return f"{LABEL}={self.identity}"

    @property
    def state(self) -> Path:
        """Keys, certificates, ports and ``info.json``; for nobody else's eyes."""
        return self.root / ".sandbox"

    @property
    def info_file(self) -> Path:
        return self.state / "info.json"

    @property
    def environment_file(self) -> Path:
        return self.root / ".env.sandbox"

    @property
    def compose_file(self) -> Path:
        return self.root / COMPOSE_FILE


def here() -> Checkout:
    """Return the checkout this package was imported from, else the one around the working directory.

    Raises:
        Kind.SANDBOX: neither has a compose file.
    """
    for folder in (Path(__file__).resolve().parents[2], Path.cwd().resolve(), *Path.cwd().resolve().parents):
        if (folder / COMPOSE_FILE).is_file():
            return Checkout(folder)
    raise Kind.SANDBOX(
        f"There is no {COMPOSE_FILE} here.", remedy="Go to the checkout of behindy-ops and type it again."
    )
