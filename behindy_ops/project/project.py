"""A project: the folder that declares what is deployed, and what is read from it, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.project import place
from behindy_ops.project.compose import X_NGINX, ComposeFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from behindy_ops.project.names import Names
    from behindy_ops.project.services import Service
    from behindy_ops.project.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a complete ``.env`` has.

    Attributes:
        used: services (infrastructure too) to the names their stanzas refer to, in their order.
        required: names to the services whose stanzas have no default for them.
        known: every name that the stanzas use or the example explains.
        examples: names to the values that the example gives them, where these are neither empty nor a default.
    """

    used: dict[str, tuple[str, ...]]
    required: dict[str, tuple[str, ...]]
    known: frozenset[str]
    examples: dict[str, str]


@dataclass(frozen=True)
class Project:
    """The folder with the compose file, ``nginx/`` and the ``.env`` files of this machine."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None, environ: Mapping[str, str] = MappingProxyType({})) -> Project:
        """Return the project around a folder (by default the working directory), or one at that folder itself.

        Which one that is, see :func:`behindy_ops.project.place.find`.

        Args:
            environ: may name another, by ``BEHINDY_PROJECT``.

        Raises:
            Kind.SETTINGS: what names another does not name a folder.
        """
        start = (start or Path.cwd()).resolve()
        return cls(place.find(start, environ) or start)

    @property
    def compose_file(self) -> Path:
        return place.compose_file(self.root)

    @cached_property
    def compose(self) -> ComposeFile:
        """The compose file.

        Raises:
            Kind.COMPOSE_INVALID: it cannot be read.
        """
        return ComposeFile.read(self.compose_file)

    @property
    def compose_on_host(self) -> str:
        """The text of the compose file as the host has it, in ``compose/``, whatever it is called here.

        Raises:
            Kind.COMPOSE_INVALID: it cannot be read, or names what the host does not have.
        """
        from behindy_ops.project.on_host import for_host

        text = self.compose.text
        return for_host(text, self.root) if self.compose.path.parent == self.root else text

    @property
    def example_file(self) -> str:
        """The ``.env.example`` beside the compose file, seen from the project's folder; empty if there is none."""
        file = self.compose_file.parent / ".env.example"
        return file.relative_to(self.root).as_posix() if file.is_file() else ""

    @property
    def example(self) -> str:
        """The text of that file; empty if there is none."""
        return (self.root / self.example_file).read_text(encoding="utf-8") if self.example_file else ""

    @cached_property
    def wanted(self) -> Wanted:
        """What a complete ``.env`` of the containers has.

        Raises:
            Kind.COMPOSE_INVALID: the compose file cannot be read.
        """
        return wanted(self.compose, self.example)

    def names(self, settings: Settings) -> Names:
        """Return what the project calls its things on the host.

        Raises:
            Kind.COMPOSE_INVALID: the compose file cannot be read, or does not tell.
        """
        from behindy_ops.project.names import read_names

        return read_names(self.compose, chosen=settings.compose_project)

    def settings(self, environ: Mapping[str, str]) -> Settings:
        """Read this machine's settings; where they name no domain, it is the first one the compose file declares.

        Raises:
            Kind.SETTINGS: something is missing or wrong; also a domain, where a service is public.
        """
        from behindy_ops.project.settings import load

        public = self._public_service()
        settings = load(environ, self.root, public=public != "")
        settings = settings if settings.domain else replace(settings, domain=self._first_domain())
        if public:
            settings.required_domain(f"{public} is asked there, by users and by deploys")
        return settings

    def _public_service(self) -> str:
        """Return the name of the first service that nginx asks; those who need the compose file say what is wrong."""
        try:
            return next((service.name for service in self.services() if service.asked), "")
        except BehindyError:
            return ""

    def _first_domain(self) -> str:
        """Return it, or nothing where there is none, or none that is good: those who need it say what is wrong."""
        from behindy_ops.project.validate import check_domain

        try:
            declared = self.compose.top.get(X_NGINX)
        except BehindyError:
            return ""
        domains = declared.get("domains") if isinstance(declared, dict) else None
        first = str(domains[0] if isinstance(domains, list) and domains else domains or "")
        return "" if check_domain(first) else first

    def services(self, names: Sequence[str] = ()) -> list[Service]:
        """Return the services of these names, or all in the order of the compose file.

        Each is known by its key there, and by its container's name.

        Raises:
            Kind.COMPOSE_INVALID: the compose file cannot be read.
            Kind.USAGE: there is no such service.
        """
        declared = self.compose.services()
        known = declared | {service.name: service for service in declared.values()}
        for name in names:
            if name not in known:
                raise Kind.USAGE(f"There is no service {name!r}.", remedy=f"Choose one of: {', '.join(declared)}.")
        return [known[name] for name in names] or list(declared.values())


def wanted(compose: ComposeFile, example_text: str) -> Wanted:
    """Read the compose file and its example; a name the example has in a comment (``#NAME=``) is known too."""
    from behindy_ops.project.dotenv import parse

    used = {name: compose.used(name) for name in compose.stanzas}
    required: dict[str, tuple[str, ...]] = {}
    for service in compose.stanzas:
        for name in compose.required(service):
            required[name] = (*required.get(name, ()), service)
    example = parse(example_text)
    commented = parse("\n".join(line.lstrip("#") for line in example_text.splitlines() if "=" in line))
    known = {*example.names, *commented.names, *(name for names in used.values() for name in names)}
    examples = {entry.name: entry.value for entry in example.entries if entry.value and entry.name in required}
    return Wanted(used, required, frozenset(known), examples)
