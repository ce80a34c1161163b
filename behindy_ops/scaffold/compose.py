"""The compose file of `inv init`: ``x-deploy`` for a stanza, and where it goes in a file that there is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.project.compose import X_DEPLOY, X_NGINX, ComposeFile
from behindy_ops.project.names import role_of, short
from behindy_ops.scaffold.answers import App

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


def completed(text: str, apps: Mapping[str, App], domain: str) -> str:
    """Return a compose file with an ``x-deploy`` at the end of each named stanza, and ``x-nginx`` at its end.

    All else is as it was, and so is a file that has them.

    Raises:
        Kind.COMPOSE_INVALID: there is no such stanza, or it is not in YAML's block style.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    where = dict(_ends(text))
    for name in sorted(apps, key=lambda each: where.get(each, (0, 0))[0], reverse=True):
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
    import yaml

    lines = text.splitlines()
    for key, services in getattr(yaml.compose(text), "value", ()):
        if key.value != "services" or not isinstance(services, yaml.MappingNode):
            continue
        for name, node in services.value:
            if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
                continue
            indent, end = node.start_mark.column, min(node.end_mark.line, len(lines))
            if node.end_mark.line == len(lines) - 1 and lines[-1].strip() and node.end_mark.column:
                end = len(lines)  # the file ends without a newline
            while end and _belongs_to_what_follows(lines[end - 1], indent):
                end -= 1
            yield name.value, (end, indent)


def _belongs_to_what_follows(line: str, indent: int) -> bool:
    body = line.lstrip(" ")
    return not body or (body.startswith("#") and len(line) - len(body) < indent)
