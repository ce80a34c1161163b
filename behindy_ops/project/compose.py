"""What a compose file declares for deploys; every mistake by its path (``services.frontend.x-deploy.port: ...``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from behindy_ops.errors import Kind
from behindy_ops.project import validate as grammar
from behindy_ops.project.interpolation import fill_in, required_names
from behindy_ops.project.services import IMAGE_PREFIX, HealthPolicy, Service, seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["container_names", "environment_of", "parse_yaml", "read_services", "service_names"]

_KEYS = ("port", "internal", "external", "through", "rehearsal", "drain", "linger", "stop", "watch", "health")
_HEALTH_KEYS = ("attempts", "interval", "look")


def read_services(text: str) -> tuple[dict[str, Service], list[str]]:
    """The services with an ``x-deploy``, and one line for each mistake; with a mistake the services are not complete.

    :raises Kind.COMPOSE_INVALID: it is no YAML.
    """
    document = parse_yaml(text)
    stanzas = document.get("services") if isinstance(document, dict) else None
    if not isinstance(stanzas, dict):
        return {}, ["services: missing; a compose file lists its services there"]
    reader = _Reader()
    services: dict[str, Service] = {}
    for name, stanza in stanzas.items():
        if isinstance(stanza, dict) and "x-deploy" in stanza:
            service = reader.service(str(name), stanza)
            if service is not None:
                services[service.name] = service
    return services, reader.mistakes


def service_names(text: str) -> list[str]:
    """Only the names, unchecked. :raises Kind.COMPOSE_INVALID: it is no YAML."""
    document = parse_yaml(text)
    stanzas = document.get("services") if isinstance(document, dict) else None
    if not isinstance(stanzas, dict):
        return []
    return [str(name) for name, stanza in stanzas.items() if isinstance(stanza, dict) and "x-deploy" in stanza]


def container_names(text: str) -> dict[str, str]:
    """Every service to its container's name: the fixed one, else its own.

    :raises Kind.COMPOSE_INVALID: it is no YAML.
    """
    document = parse_yaml(text)
    stanzas = document.get("services") if isinstance(document, dict) else None
    if not isinstance(stanzas, dict):
        return {}
    return {
        str(name): str(stanza.get("container_name") or name)
        for name, stanza in stanzas.items()
        if isinstance(stanza, dict)
    }


def environment_of(text: str, service: str) -> dict[str, str | None] | None:
    """The environment a stanza gives its container, not filled in: name to text, None where it names no value.

    :returns: None if there is no such service.
    :raises Kind.COMPOSE_INVALID: it is no YAML.
    """
    document = parse_yaml(text)
    stanzas = document.get("services") if isinstance(document, dict) else None
    stanza = stanzas.get(service) if isinstance(stanzas, dict) else None
    if not isinstance(stanza, dict):
        return None
    given = stanza.get("environment") or {}
    if isinstance(given, dict):
        return {str(name): None if value is None else str(value) for name, value in given.items()}
    pairs = (str(entry).partition("=") for entry in given)
    return {name: value if equals else None for name, equals, value in pairs}


def parse_yaml(text: str) -> Any:
    """The document a compose file holds. :raises Kind.COMPOSE_INVALID: it is no YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - one of the two safe loaders
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f"line {where.line + 1}: " if where else ""
        what = f"{line}{getattr(error, 'problem', None) or 'it is not YAML'}"
        raise Kind.COMPOSE_INVALID(
            f"The compose file cannot be read: {what}.", remedy="Correct it and run again."
        ) from None


class _Reader:
    """Reads stanzas and collects what is wrong with them."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def service(self, name: str, stanza: Mapping[str, Any]) -> Service | None:
        """One service, or None when a mistake was found in it."""
        path = f"services.{name}"
        before = len(self.mistakes)
        self._expect(f"{path}", grammar.check_service_name(name))
        image = self._image(f"{path}.image", stanza.get("image"))
        if stanza.get("ports"):
            self._expect(f"{path}.ports", "a second container could not start beside the first; nginx publishes it")
        deploy = stanza["x-deploy"]
        if not self._is_mapping(f"{path}.x-deploy", deploy, _KEYS):
            return None
        path = f"{path}.x-deploy"
        external = self._path(f"{path}.external", deploy.get("external"))
        service = Service(
            name=name,
            repository_template=image,
            port=self._whole(f"{path}.port", deploy.get("port"), 65535),
            internal=self._path(f"{path}.internal", deploy.get("internal")),
            external=external,
            through=self._through(f"{path}.through", deploy.get("through")),
            rehearsal=self._rehearsal(f"{path}.rehearsal", deploy, external),
            drain=self._seconds(f"{path}.drain", deploy.get("drain", Service.drain)),
            linger=self._seconds(f"{path}.linger", deploy.get("linger", Service.linger)),
            stop=self._seconds(f"{path}.stop", deploy.get("stop", Service.stop)),
            watch=self._seconds(f"{path}.watch", deploy.get("watch", Service.watch)),
            health=self._health(f"{path}.health", deploy.get("health", {})),
            env_names=_env_names(stanza.get("environment")),
            required_env=_required(stanza),
        )
        return service if len(self.mistakes) == before else None

    def _through(self, path: str, value: object) -> str:
        if value is None:
            return ""
        self._expect(path, grammar.check_service_name(str(value)))
        return str(value)

    def _rehearsal(self, path: str, deploy: Mapping[str, Any], external: str) -> str | None:
        if "rehearsal" not in deploy:
            return external
        return None if deploy["rehearsal"] is None else self._path(path, deploy["rehearsal"])

    def _health(self, path: str, given: Any) -> HealthPolicy:
        usual = HealthPolicy()
        if not self._is_mapping(path, given, _HEALTH_KEYS):
            return usual
        policy = HealthPolicy(
            attempts=self._whole(f"{path}.attempts", given.get("attempts", usual.attempts), 1000),
            interval=self._seconds(f"{path}.interval", given.get("interval", usual.interval), least=0.1),
            look=self._seconds(f"{path}.look", given.get("look", usual.look), least=0.05),
        )
        if policy.look > policy.interval > 0:
            self._expect(f"{path}.look", "longer than the interval, so it would never look")
        return policy

    def _image(self, path: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            self._expect(path, "missing; write the image, such as ${BEHINDY_IMAGE_PREFIX:-behindy}/behindy-name:latest")
            return ""
        try:
            fill_in(value, {IMAGE_PREFIX: "any"})
        except KeyError as error:
            self._expect(path, f"{error.args[0]} has no default; only {IMAGE_PREFIX} is filled in")
        return value

    def _is_mapping(self, path: str, value: object, known: Collection[str]) -> bool:
        if not isinstance(value, dict):
            self._expect(path, f"not a mapping; its keys are {', '.join(known)}")
            return False
        for key in value:
            if key not in known:
                import difflib

                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
                self._expect(f"{path}.{key}", f"unknown key; {hint}")
        return True

    def _path(self, path: str, value: object) -> str:
        if value is None:
            self._expect(path, "missing; write a path such as /health")
        elif not isinstance(value, str):
            self._expect(path, f"{grammar.shown(str(value))} is not a path; write one that starts with /")
        else:
            self._expect(path, grammar.check_url_path(value))
        return value if isinstance(value, str) else ""

    def _whole(self, path: str, value: object, most: int) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        given = "missing" if value is None else f"{grammar.shown(str(value))} does not fit"
        self._expect(path, f"{given}; write a whole number from 1 to {most}")
        return 1

    def _seconds(self, path: str, value: object, *, least: float = 0.0) -> float:
        try:
            given = seconds(value)
        except ValueError as error:
            self._expect(path, f"{grammar.shown(str(value))}: {error}")
            return least
        if given < least:
            self._expect(path, f"{grammar.shown(str(value))}: too short; write at least {least:g} seconds")
        return given

    def _expect(self, path: str, wrong: str) -> None:
        if wrong:
            self.mistakes.append(f"{path}: {wrong}")


def _env_names(environment: object) -> tuple[str, ...]:
    """Names from either of Compose's forms, a mapping or a list of ``NAME=value``."""
    if isinstance(environment, (dict, list)):
        return tuple(str(entry).partition("=")[0] for entry in environment)
    return ()


def _required(stanza: Mapping[str, Any]) -> tuple[str, ...]:
    found = (name for key, value in stanza.items() if key != "x-deploy" for name in _required_in(value))
    return tuple(dict.fromkeys(found))


def _required_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from required_names(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _required_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _required_in(inner)
