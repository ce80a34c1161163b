"""A value that a service reads from a file, for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.project.dotenv import parse
from tests.sandbox.support import on_host

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE", "HOME", "NAME", "reads_from_file", "value_of"]

HOME = "/home/ubuntu/behindy-ops"
NAME = "JWT_SECRET"
FILE = f"/run/secrets/{NAME}"


def reads_from_file(compose: Path) -> None:
    """Have the frontend of a compose file, as this project writes it, be given that value as a file."""
    before, stanza = compose.read_text().split("\n  frontend:\n")
    given = f"    secrets: [{NAME}]\n    environment:\n      {NAME}_FILE: {FILE}\n"
    stanza = stanza.replace("    environment:\n", given, 1)
    compose.write_text(f"{before}\n  frontend:\n{stanza}\nsecrets:\n  {NAME}: {{environment: {NAME}}}\n")


def value_of(name: str) -> str:
    """What the host's .env says of a name."""
    return next(each.value or "" for each in parse(on_host("cat", f"{HOME}/.env")).entries if each.name == name)
