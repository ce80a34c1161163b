"""The compose file of `inv init`: ``x-deploy`` for a stanza, and where it goes in a file that there is. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.project.compose import X_DEPLOY, X_NGINX, ComposeFile
from behindy_ops.project.names import role_of, short
from behindy_ops.scaffold.answers import App

if TYPE_CHECKING:
    from yaml import MappingNode

_BESIDE = {"mysql", "mariadb", "mongo", "memcached", "rabbitmq"}
"""Images of what stands beside a project's own services, and fills none of the roles that we know."""

_URL = re.compile(r"https?://[^\s\"'\]]+")


def stanza(app: App, indent: int = 4) -> str:
    """Return the lines of a service's ``x-deploy``, indented by so many blanks."""
    said = [("port", str(app.port)), ("internal", app.health), ("external", external(app))] if app.port else []
    said += [(key, value) for key, value in (("route", app.route), ("host", app.host)) if value]
    lines = [f"{X_DEPLOY}:", *(f"  {key}: {value}" for key, value in said)] if said else [f"{X_DEPLOY}: {{}}"]
    return "\n".join(f"{' ' * indent}{line}" for line in lines)


def external(app: App) -> str:
    """Return the path at which the public is to see a service answer: nginx answers /health by itself."""
    if app.route not in ("", "/"):
        return app.route
    return "/" if app.health == "/health" else app.health


def site(domain: str) -> str:
    """Return the lines of ``x-nginx``."""
    return f"{X_NGINX}:\n  domains: [{domain}]\n"


def candidates(compose: ComposeFile) -> list[App]:
    """Return the services of a compose file that can be deployed and do not say how yet, by what their stanzas tell."""
    return [
        App(name, str(given.get("image") or ""), port(given), health(given))
        for name, given in compose.stanzas.items()
        if X_DEPLOY not in given and not _beside(str(given.get("image") or ""))
    ]


def _beside(image: str) -> bool:
    return role_of(image) != "" or short(image) in _BESIDE


def port(given: Mapping[str, Any]) -> int:
    """Return where a stanza's container listens, by its ``expose``, ``ports`` or health check; 0 if none tells."""
    for entry in (*(given.get("expose") or ()), *(given.get("ports") or ())):
        target = str(entry.get("target", "")) if isinstance(entry, dict) else str(entry).rpartition(":")[2]
        if matched := re.match(r"\d+", target):
            return int(matched[0])
    asked = _asked(given)
    return (urlsplit(asked).port or 80) if asked else 0


def health(given: Mapping[str, Any]) -> str:
    """Return the path that a stanza's health check asks, or ``/``."""
    return urlsplit(_asked(given)).path or "/"


def _asked(given: Mapping[str, Any]) -> str:
    test = (given.get("healthcheck") or {}).get("test", "")
    text = " ".join(map(str, test)) if isinstance(test, list) else str(test)
    matched = _URL.search(text)
    return matched[0] if matched and urlsplit(matched[0]).hostname in ("localhost", "127.0.0.1") else ""


def published(text: str, apps: Collection[App]) -> dict[str, tuple[str, ...]]:
    """Return the ports of the host that services publish which are deployed, as they stand there, by service.

    Args:
        apps: those that get an ``x-deploy``; others may have one already.
    """
    compose, named = ComposeFile.parse(text), {app.name for app in apps}
    deployed = {name: given for name, given in compose.stanzas.items() if name in named or X_DEPLOY in given}
    return {name: tuple(map(_shown, given["ports"])) for name, given in deployed.items() if given.get("ports")}


def _shown(entry: object) -> str:
    if isinstance(entry, dict):
        return f"{entry.get('published', '')}:{entry.get('target', '')}"
    return str(entry)


def without_ports(text: str, names: Collection[str]) -> str:
    """Return a compose file without the ``ports`` of these services; every other line is as it was.

    Raises:
        Kind.COMPOSE_INVALID: they are not on lines of their own.
    """
    lines = text.splitlines(keepends=True)
    where = dict(_ports(text))
    for name in sorted(names, key=lambda each: where.get(each, (0, 0)), reverse=True):
        if name not in where:
            raise Kind.COMPOSE_INVALID(
                f"services.{name}.ports: not on lines of their own, so they cannot be taken out.",
                state=UNCHANGED,
                remedy="Take them out by hand, then: inv init",
            )
        first, end = where[name]
        del lines[first:end]
    return "".join(lines)


def _ports(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each service that has ``ports`` in block style, with the first of their lines and the line after them."""
    import yaml

    lines = text.splitlines()
    for name, node in _services(text):
        for key, value in node.value:
            if key.value != "ports" or node.flow_style or isinstance(value, yaml.ScalarNode):
                continue
            first, end = key.start_mark.line, value.end_mark.line
            if value.flow_style or (end == len(lines) - 1 and value.end_mark.column):
                end += 1
            while end > first + 1 and _belongs_to_what_follows(lines[end - 1], key.start_mark.column + 1):
                end -= 1
            yield name, (first, end)


def completed(text: str, apps: Mapping[str, App], domain: str) -> str:
    """Return a compose file with an ``x-deploy`` at the end of each named stanza, and ``x-nginx`` at its end.

    All else is as it was, and so is a file that has them.

    Raises:
        Kind.COMPOSE_INVALID: there is no such stanza, or it is not in YAML's block style.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    where, stanzas = dict(_ends(text)), ComposeFile.parse(text).stanzas
    for name in sorted(apps, key=lambda each: where.get(each, (0, 0))[0], reverse=True):
        if name not in stanzas:
            raise Kind.COMPOSE_INVALID(
                f"The compose file has no service {name}.",
                state=UNCHANGED,
                remedy=f"Write its stanza there, with its image, then: inv init --service {name}. There are: "
                f"{', '.join(stanzas) or 'none'}.",
            )
        if name not in where:
            raise Kind.COMPOSE_INVALID(
                f"services.{name}: not a stanza in YAML's block style, so nothing can be put at its end.",
                state=UNCHANGED,
                remedy=f"Write each key of services.{name} on a line of its own, then: inv init",
            )
        line, indent = where[name]
        lines.insert(line, f"{stanza(apps[name], indent)}\n")
    if X_NGINX not in ComposeFile.parse(text).top:
        lines.append(f"\n{site(domain)}")
    return "".join(lines)


def _ends(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each stanza in block style: its name, the line before which one of its keys may be put, and the indent."""
    lines = text.splitlines()
    for name, node in _services(text):
        if node.flow_style or not node.value:
            continue
        indent, end = node.start_mark.column, min(node.end_mark.line, len(lines))
        if node.end_mark.line == len(lines) - 1 and lines[-1].strip() and node.end_mark.column:
            end = len(lines)  # the file ends without a newline
        while end and _belongs_to_what_follows(lines[end - 1], indent):
            end -= 1
        yield name, (end, indent)


def _services(text: str) -> Iterator[tuple[str, MappingNode]]:
    """Yield each service with its node, which knows where it stands."""
    import yaml

    for key, services in getattr(yaml.compose(text), "value", ()):
        if key.value == "services" and isinstance(services, yaml.MappingNode):
            yield from ((name.value, node) for name, node in services.value if isinstance(node, yaml.MappingNode))


def _belongs_to_what_follows(line: str, indent: int) -> bool:
    body = line.lstrip(" ")
    return not body or (body.startswith("#") and len(line) - len(body) < indent)
