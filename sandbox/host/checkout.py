"""Which checkout this is, which of its hosts is meant, and the names that follow: no two hosts share anything."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.project.compose import COMPOSE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["HOST_VARIABLE", "LABEL", "Checkout", "here", "meant"]

LABEL = "behindy-ops.checkout"
HOST_VARIABLE = "BEHINDY_SANDBOX_HOST"
"""Names the host that is meant, for a checkout that has several; unset or empty means its usual one."""
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Checkout:
    """A checkout by its absolute path, and one of its hosts by name; the usual host has no name."""

    root: Path
    host: str = ""

    @property
    def identity(self) -> str:
        """Eight hexadecimal digits that stand for the path."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def _suffix(self) -> str:
        return f"-{self.host}" if self.host else ""

    @property
    def container(self) -> str:
        """The outer container's name; its volume has the same, and so has the network of several nodes."""
        return f"behindy-sandbox-{self.identity}{self._suffix}"

    def node(self, number: int) -> str:
        """The outer container of a node, counted from 1; its volume has the same name."""
        # No host's name has a dot, so this is never the container of another host.
        return self.container if number == 1 else f"{self.container}.{number}"

    @property
    def label(self) -> str:
        """The label on everything of this checkout that the engine keeps, whichever host it belongs to."""
        return f"{LABEL}={self.identity}"

    @property
    def state(self) -> Path:
        """What all hosts share: keys, certificates and the containers' values; for nobody else's eyes."""
        return self.root / ".sandbox"

    @property
    def host_state(self) -> Path:
        """Ports, ``known_hosts`` and ``info.json`` of this host."""
        return self.state / "hosts" / self.host if self.host else self.state

    @property
    def info_file(self) -> Path:
        return self.host_state / "info.json"

    @property
    def settings_name(self) -> str:
        """The value of ``BEHINDY_ENV`` that points a task at this host."""
        return f"sandbox{self._suffix}"

    @property
    def environment_file(self) -> Path:
        return self.root / f".env.{self.settings_name}"

    @property
    def compose_file(self) -> Path:
        return self.root / COMPOSE_FILE


def here(environ: Mapping[str, str] = os.environ) -> Checkout:
    """Return the checkout this package was imported from, else the one around the working directory.

    Args:
        environ: names the host that is meant.

    Raises:
        Kind.SANDBOX: neither has a compose file, or the host's name cannot be one.
    """
    name = environ.get(HOST_VARIABLE, "")
    if name and not _HOST_NAME.fullmatch(name):
        raise Kind.SANDBOX(
            f"{HOST_VARIABLE} is not a name for a host.",
            remedy="Use at most 20 lowercase letters, digits and hyphens, or unset it.",
        )
    for folder in (Path(__file__).resolve().parents[2], Path.cwd().resolve(), *Path.cwd().resolve().parents):
        if (folder / COMPOSE_FILE).is_file():
            return Checkout(folder, name)
    raise Kind.SANDBOX(f"There is no {COMPOSE_FILE} here.", remedy="Change to a checkout of behindy-ops and try again.")


@contextmanager
def meant(name: str) -> Iterator[None]:
    """Have everything about a sandbox be about this host of the checkout."""
    before = os.environ.get(HOST_VARIABLE)
    os.environ[HOST_VARIABLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[HOST_VARIABLE]
        else:
            os.environ[HOST_VARIABLE] = before
