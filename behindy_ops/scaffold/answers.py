"""What `inv init` is told of a project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from behindy_ops.errors import Kind
from behindy_ops.project import validate

_LOWEST, _HIGHEST = 1, 65535


@dataclass(frozen=True, slots=True)
class App:
    """A service to be deployed.

    Attributes:
        image: its repository, a tag is not needed.
        port: where it listens; 0 for a worker.
        health: the path that says whether it is healthy.
        route: the path of the site that leads to it; empty for a worker, and for one with a name of its own.
        host: that public name.
    """

    name: str
    image: str
    port: int = 0
    health: str = "/"
    route: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """All of it.

    Attributes:
        project: the Compose project's name.
        domain: where the public reaches it.
        database: whether a PostgreSQL stands beside the services.
        cache: whether a Redis does.
        host_dir: its directory on the host, below the login's home; empty where the settings in git say it already.
        commit: of this tool, from which the installation that asks was made; empty where it does not know.
    """

    project: str
    domain: str
    apps: tuple[App, ...]
    database: bool = False
    cache: bool = False
    host_dir: str = ""
    commit: str = ""


def project_name(folder: str) -> str:
    """Return a folder's name as Compose takes it for a project's."""
    return re.sub(r"[^a-z0-9_-]", "", folder.lower()).lstrip("-_") or "project"


def parse_app(text: str, project: str) -> App:
    """Read ``web``, or ``web,image=ghcr.io/acme/web,port=5000,health=/health,route=/``.

    Without an image it is one of the project's own, such as is built on this machine. Without a port it is a worker.

    Raises:
        Kind.USAGE: it is not that.
    """
    name, *pairs = (part.strip() for part in text.split(","))
    given = dict(pair.partition("=")[::2] for pair in pairs)
    image, port = given.get("image", f"{project}/{name}"), given.get("port", "0")
    wrong = (
        validate.check_service_name(name)
        or next((f"{key!a} is none of {', '.join(_KEYS)}" for key in given if key not in _KEYS), "")
        or validate.check_repository(re.sub(r"(@[^/]*|:[^/:@]*)\Z", "", image))
        or next((wrong for key, check in _KEYS.items() if key in given and (wrong := check(given[key]))), "")
        or next(
            (f"{key} needs a port; without one it is a worker" for key in _OF_A_PORT if key in given and not int(port)),
            "",
        )
    )
    if wrong:
        raise Kind.USAGE(
            f"--service {validate.shown(text)}: {wrong}.",
            remedy="Write it like: --service web,image=ghcr.io/acme/web,port=5000,health=/health,route=/",
        )
    return App(name, image, int(port), *(given.get(key, default) for key, default in _OF_A_PORT.items()))


def routed(apps: Iterable[App]) -> tuple[App, ...]:
    """Return the services with a route for each that has a port: the first gets the site, others a path below it."""
    found: list[App] = []
    taken = False
    for app in apps:
        if app.port and not app.route and not app.host:
            found.append(replace(app, route=f"/{app.name}/" if taken else "/"))
        else:
            found.append(app)
        taken = taken or found[-1].route == "/"
    return tuple(found)


def _wrong_port(text: str) -> str:
    if re.fullmatch(r"[0-9]{1,5}", text) and _LOWEST <= int(text) <= _HIGHEST:
        return ""
    return f"port {validate.shown(text)} is not a whole number from {_LOWEST} to {_HIGHEST}"


_KEYS: Mapping[str, Callable[[str], str]] = {
    "image": lambda _: "",
    "port": _wrong_port,
    "health": validate.check_url_path,
    "route": validate.check_url_path,
    "host": validate.check_domain,
}
_OF_A_PORT = {"health": "/", "route": "", "host": ""}
