"""A copy of this project that declares more services: each a release of ``answering``, with a route of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.project.compose import COMPOSE_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["PORT", "compose_with", "declare", "maps_with", "more_services", "site_with"]

PORT = 3000
_STANZA = """
  {name}:
    <<: *common
    profiles: [apps]
    image: ${{BEHINDY_IMAGE_PREFIX:-behindy}}/behindy-{name}:latest
    init: true
    environment:
      TZ: Asia/Seoul
    mem_limit: 16m
    memswap_limit: 16m
    x-deploy:
      port: {port}
      internal: /
      external: /{name}/
      drain: 1
      stop: 1
"""
_LOCATION = """    location /{name}/ {{
        set $service {name};
        proxy_pass http://$service$candidate:$port;
    }}

"""


def more_services(count: int) -> list[str]:
    """The names of so many."""
    return [f"extra{number:02d}" for number in range(1, count + 1)]


def declare(root: Path, folder: Path, names: Sequence[str]) -> None:
    """Have the copy in ``folder`` declare these services beside those of ``root``."""
    for path, enlarge in (
        (str(COMPOSE_FILE), compose_with),
        ("nginx/maps.conf", maps_with),
        ("nginx/site.conf", site_with),
    ):
        (folder / path).write_text(enlarge((root / path).read_text(encoding="utf-8"), names), encoding="utf-8")


def compose_with(text: str, names: Sequence[str]) -> str:
    """Return a Compose file with a stanza for each name, behind the other services."""
    return _before(text, "\nnetworks:\n", "".join(_STANZA.format(name=name, port=PORT) for name in names))


def maps_with(text: str, names: Sequence[str]) -> str:
    """Return ``maps.conf`` with the port of each."""
    return _behind(text, "map $service $port {\n", "".join(f"    {name} {PORT};\n" for name in names))


def site_with(text: str, names: Sequence[str]) -> str:
    """Return ``site.conf`` with a route to each."""
    return _before(text, "    location /api/ {\n", "".join(_LOCATION.format(name=name) for name in names))


def _before(text: str, mark: str, added: str) -> str:
    first, found, rest = text.partition(mark)
    if not found:
        raise ValueError(f"there is no {mark.strip()!r}")
    return f"{first}{added}{found}{rest}"


def _behind(text: str, mark: str, added: str) -> str:
    return _before(text, mark, "").replace(mark, f"{mark}{added}", 1)
