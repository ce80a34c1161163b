"""The compose file, read once: its services by name, what they are called, run and need.

The task list waits for this module, so what only a task needs is imported in functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from behindy_ops.project.services import Service

X_DEPLOY = "x-deploy"
X_NGINX = "x-nginx"

COMPOSE_FILE = Path("compose", "docker-compose.yml")
"""Where it is on the host, and first looked for in a project."""

COMPOSE_FILES = (
    COMPOSE_FILE,
    *map(Path, ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")),
)
"""Where it may be in a project; the first that exists is meant."""


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """A compose file.

    Attributes:
        stanzas: each service's, in the order of the file; YAML's anchors are resolved, ``${NAME}`` is not.
        top: what stands beside the services: ``name``, ``networks``, ``x-nginx``.
    """

    text: str
    stanzas: Mapping[str, Mapping[str, Any]]
    path: Path = COMPOSE_FILE
    top: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, path: Path = COMPOSE_FILE) -> ComposeFile:
        """Read a text; the path is where to correct it.

        Raises:
            Kind.COMPOSE_INVALID: it is not YAML.
        """
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            document = yaml.load(text, Loader=loader)  # noqa: S506 - one of the two safe loaders
        except yaml.YAMLError as error:
            where = getattr(error, "problem_mark", None)
            line = f"line {where.line + 1}: " if where else ""
            what = f"{line}{getattr(error, 'problem', None) or 'it is not YAML'}"
            raise Kind.COMPOSE_INVALID(
                f"The compose file cannot be read: {what}.", remedy=f"Correct {path} and run again."
            ) from None
        top = document if isinstance(document, dict) else {}
        services = top.get("services")
        stanzas = services.items() if isinstance(services, dict) else ()
        named = {str(name): stanza for name, stanza in stanzas if isinstance(stanza, dict)}
        return cls(text, named, path, top)

    @classmethod
    def read(cls, path: Path) -> ComposeFile:
        """Read a file.

        Raises:
            Kind.COMPOSE_INVALID: it cannot be read, or is not YAML.
        """
        return cls.parse(_text(path), path)

    @property
    def deployable(self) -> list[str]:
        """The names of the services with an ``x-deploy``; nothing else in them is checked."""
        return [name for name, stanza in self.stanzas.items() if X_DEPLOY in stanza]

    def services(self) -> dict[str, Service]:
        """Return the services that can be deployed, by their keys here.

        Raises:
            Kind.COMPOSE_INVALID: there are none, or something in them is wrong; with one line for each mistake.
        """
        from dataclasses import replace

        from behindy_ops.project.services import read_stanza

        services: dict[str, Service] = {}
        mistakes: list[str] = []
        for name in self.deployable:
            services[name], wrong = read_stanza(name, self.stanzas[name], X_DEPLOY, self.required(name))
            mistakes += wrong
            if services[name].schedule and f"{name}-run" in self.stanzas:
                mistakes.append(
                    f"services.{name}-run: that is what a run of the job {name} is called; choose another name"
                )
        mistakes += _shared_names(services.values(), self.stanzas)
        if not self.stanzas:
            mistakes = ["services: missing; a compose file lists its services there"]
        elif not services:
            mistakes = [f"services: none has an {X_DEPLOY}, so there is nothing to deploy"]
        if mistakes:
            raise Kind.COMPOSE_INVALID(
                f"{self.path.name} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}.",
                remedy=f"Correct it in {self.path}.",
                lines=tuple(mistakes),
            )
        called = {stanza: service.name for stanza, service in services.items()}
        return {key: replace(one, through=called.get(one.through, one.through)) for key, one in services.items()}

    def image(self, name: str) -> str:
        """Return a service's image with each variable's default; ``""`` for none.

        Raises:
            KeyError: a variable in it has no default.
        """
        from behindy_ops.project.interpolation import fill_in

        return fill_in(str(self.stanzas.get(name, {}).get("image") or ""), {})

    def environment(self, name: str) -> dict[str, str | None] | None:
        """Return the environment a service gives its container: name to text, None where it names no value.

        Returns:
            None if there is no such service.
        """
        if name not in self.stanzas:
            return None
        given = self.stanzas[name].get("environment") or {}
        if isinstance(given, dict):
            return {str(key): None if value is None else str(value) for key, value in given.items()}
        pairs = (str(entry).partition("=") for entry in given)
        return {key: value if equals else None for key, equals, value in pairs}

    def used(self, name: str) -> tuple[str, ...]:
        """Return the ``${NAME}`` a service refers to, in its order, and those it is given as files."""
        from behindy_ops.project.interpolation import all_names

        return tuple(dict.fromkeys((*self._names(name, all_names), *filter(None, self.secrets(name).values()))))

    def required(self, name: str) -> tuple[str, ...]:
        """Return those of them without a default."""
        from behindy_ops.project.interpolation import required_names

        return tuple(dict.fromkeys((*self._names(name, required_names), *filter(None, self.secrets(name).values()))))

    def secrets(self, name: str) -> dict[str, str]:
        """Return the secrets that a service is given as files, and the name in ``.env`` each is made of, if any."""
        declared = self.top.get("secrets")
        given = self.stanzas.get(name, {}).get("secrets")
        found: dict[str, str] = {}
        for entry in given if isinstance(given, list) else ():
            source = str(entry.get("source")) if isinstance(entry, dict) else str(entry)
            secret = declared.get(source) if isinstance(declared, dict) else None
            found[source] = str(secret.get("environment") or "") if isinstance(secret, dict) else ""
        return found

    def _names(self, name: str, names_in: Callable[[str], Iterator[str]]) -> tuple[str, ...]:
        stanza = {key: value for key, value in self.stanzas[name].items() if key != X_DEPLOY}
        return tuple(dict.fromkeys(found for text in _texts(stanza) for found in names_in(text)))


def _shared_names(services: Iterable[Service], stanzas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    from behindy_ops.project.services import replicas

    first: dict[str, str] = {}
    taken = {*stanzas, *(str(stanza.get("container_name")) for stanza in stanzas.values())}
    for service in services:
        for further in replicas(service)[1:]:
            if further.name in taken:
                path = f"services.{service.stanza}.{X_DEPLOY}.replicas"
                yield f"{path}: its container {further.replica} is {further.name}, as another service here; rename that"
        path = f"services.{service.stanza}.container_name"
        if service.name in first:
            yield f"{path}: {first[service.name]} is called {service.name} already; choose another name"
        elif service.name != service.stanza and service.name in stanzas:
            yield f"{path}: another service here is {service.name}; choose another name"
        first.setdefault(service.name, service.stanza)


def deployable_names(path: Path) -> dict[str, str]:
    """Return the services with an ``x-deploy`` and what each one's container is called; nothing else is checked.

    The task list waits for it. So a file in block style is read by its indentation, which is 10 ms cheaper than the
    first YAML document of a process (a tenth of a bare `inv --list`); any other is parsed.

    Raises:
        Kind.COMPOSE_INVALID: the file cannot be read.
    """
    text = _text(path)
    names = _names_by_indentation(text)
    complete = len(names) == len(re.findall(rf"^[^#\n]*{X_DEPLOY}", text, re.MULTILINE))
    if complete and not any("$" in container for container in names.values()):
        return names
    from behindy_ops.project.services import own_name

    stanzas = ComposeFile.parse(text).stanzas
    return {name: own_name(stanza, name)[0] for name, stanza in stanzas.items() if X_DEPLOY in stanza}


def _names_by_indentation(text: str) -> dict[str, str]:
    """Services whose block, two levels below ``services:``, has the key ``x-deploy``; and their ``container_name``."""
    names: dict[str, str] = {}
    called: dict[str, str] = {}
    inside, service, service_depth, key_depth = False, "", 0, 0
    for line in text.splitlines():
        body = line.lstrip(" ")
        depth = len(line) - len(body)
        if not body or body.startswith("#"):
            continue
        if depth == 0:
            inside, service_depth = body.split("#")[0].rstrip() == "services:", 0
        elif inside and depth <= (service_depth or depth):
            service, service_depth, key_depth = body.partition(":")[0].strip("\"'"), depth, 0
        elif inside:
            key_depth = key_depth or depth
            if depth == key_depth and body.startswith(f"{X_DEPLOY}:"):
                names[service] = service
            elif depth == key_depth and body.startswith("container_name:"):
                called[service] = body.partition(":")[2].partition(" #")[0].strip().strip("\"'")
    return names | {service: container for service, container in called.items() if service in names}


def _text(path: Path) -> str:
    remedy = "Change to the folder of a project with a compose file, or name it: BEHINDY_PROJECT=FOLDER"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        names = ", ".join(map(str, COMPOSE_FILES))
        raise Kind.COMPOSE_INVALID(
            f"There is no compose file here ({names}).", remedy=f"{remedy}. To make one: inv init"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Kind.COMPOSE_INVALID(f"{path} cannot be read: {reason}.", remedy=remedy) from None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
