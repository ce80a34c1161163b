"""What a checkout declares about its containers' values, and what a host answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from behindy_ops.facts.environment import Comparison, NameState
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.project import wanted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COMPOSE", "EXAMPLE", "WANTED", "checkout", "comparison", "name", "printed"]

COMPOSE = """
services:
  db: {image: postgres, environment: {P: "${DB_PASS}", N: "${DB_NAME:-x}"}}
  backend:
    image: ${PREFIX:-p}/b
    environment: ["P=${DB_PASS}", "J=${JWT?why}", "U=${URL:-redis://${CACHE_PASS}}", "D=$$NOT"]
    x-deploy: {internal: "/${NEITHER}"}
"""
EXAMPLE = "# about\nDB_PASS=\nJWT=change-it\nPREFIX=mine\n#OPTIONAL=1\n"
WANTED = wanted(ComposeFile.parse(COMPOSE), EXAMPLE)


def checkout(folder: Path) -> Path:
    """Make a checkout that declares this."""
    (folder / "compose").mkdir()
    (folder / "compose" / "docker-compose.yml").write_text(COMPOSE)
    (folder / "compose" / ".env.example").write_text(EXAMPLE)
    return folder


def name(text: str, host: str, candidate: str, **more: Any) -> NameState:
    return NameState(text, host, candidate, **{"same": False, **more})


def comparison(*names: NameState, **more: Any) -> Comparison:
    return Comparison(**{"mode": "600", "sha256": "abc", "names": names, **more})


def printed(*states: str, mode: str = "600", sha: str = "abc", more: str = "") -> str:
    """What ``env/probe.sh`` prints; a state is ``NAME host candidate same|differs meant example-host example-new``."""
    host = f"mode {mode}\nsha {sha}\n" if mode else f"sha {sha}\n"
    return f"@ host\n{host}@ states\n" + "".join(f"{state}\n" for state in states) + f"{more}@ end\n"
