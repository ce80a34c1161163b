"""A project: the folder that declares what is deployed, and what is read from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from behindy_ops.project.services import Service
    from behindy_ops.project.settings import Settings

__all__ = ["Project"]

_COMPOSE_FILE = Path("compose", "docker-compose.yml")


@dataclass(frozen=True, slots=True)
class Project:
    """The folder with ``compose/``, ``nginx/`` and the ``.env`` files of this machine."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the project around a folder (by default the working directory), or one at that folder itself."""
        start = (start or Path.cwd()).resolve()
        around = (folder for folder in (start, *start.parents) if (folder / _COMPOSE_FILE).is_file())
        return cls(next(around, start))

    @property
    def compose_file(self) -> Path:
        return self.root / _COMPOSE_FILE

    def compose_text(self) -> str:
        return self.compose_file.read_text(encoding="utf-8")

    def settings(self, environ: Mapping[str, str], *, need_host: bool = True) -> Settings:
        """Read this machine's settings.

        Raises:
            Kind.SETTINGS: something is missing or wrong.
        """
        from behindy_ops.project.settings import load

        return load(environ, self.root, need_host=need_host)

    def services(self, names: Sequence[str] = ()) -> list[Service]:
        """Return the services of these names, or all in the order of the compose file.

        Raises:
            Kind.COMPOSE_INVALID: the compose file cannot be read.
            Kind.USAGE: there is no such service.
        """
        from behindy_ops.errors import Kind
        from behindy_ops.project.services import load

        known = load(self.compose_file)
        for name in names:
            if name not in known:
                raise Kind.USAGE(f"There is no service {name!r}.", remedy=f"There are: {', '.join(known)}.")
        return [known[name] for name in names] or list(known.values())

    def containers(self) -> dict[str, str]:
        """Return every service of the compose file by name, with its container's name."""
        from behindy_ops.project.compose import container_names

        return container_names(self.compose_text())
