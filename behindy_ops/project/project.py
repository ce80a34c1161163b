"""A project: the folder that declares what is deployed, and what is read from it, once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.project.compose import COMPOSE_FILE, ComposeFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from behindy_ops.project.environment import Wanted
    from behindy_ops.project.services import Service
    from behindy_ops.project.settings import Settings


@dataclass(frozen=True)
class Project:
    """The folder with ``compose/``, ``nginx/`` and the ``.env`` files of this machine."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the project around a folder (by default the working directory), or one at that folder itself."""
        start = (start or Path.cwd()).resolve()
        around = (folder for folder in (start, *start.parents) if (folder / COMPOSE_FILE).is_file())
        return cls(next(around, start))

    @property
    def compose_file(self) -> Path:
        return self.root / COMPOSE_FILE

    @cached_property
    def compose(self) -> ComposeFile:
        """The compose file.

        Raises:
            Kind.COMPOSE_INVALID: it cannot be read.
        """
        return ComposeFile.read(self.compose_file)

    @property
    def example(self) -> str:
        """The text of the ``.env.example`` beside the compose file."""
        return (self.compose_file.parent / ".env.example").read_text(encoding="utf-8")

    @cached_property
    def wanted(self) -> Wanted:
        """What a complete ``.env`` of the containers has.

        Raises:
            Kind.COMPOSE_INVALID: the compose file cannot be read.
        """
        from behindy_ops.project.environment import wanted

        return wanted(self.compose, self.example)

    def settings(self, environ: Mapping[str, str]) -> Settings:
        """Read this machine's settings.

        Raises:
            Kind.SETTINGS: something is missing or wrong.
        """
        from behindy_ops.project.settings import load

        return load(environ, self.root)

    def services(self, names: Sequence[str] = ()) -> list[Service]:
        """Return the services of these names, or all in the order of the compose file.

        Raises:
            Kind.COMPOSE_INVALID: the compose file cannot be read.
            Kind.USAGE: there is no such service.
        """
        known = self.compose.services()
        for name in names:
            if name not in known:
                raise Kind.USAGE(f"There is no service {name!r}.", remedy=f"Choose one of: {', '.join(known)}.")
        return [known[name] for name in names] or list(known.values())
