"""Which service answers what: ``x-deploy.routes`` of each service, and the compose file's own ``x-nginx``. Pure.

It is the only place where a domain, a port or a route is declared; nginx's files are made from it (``inv host.nginx``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind
from behindy_ops.project import validate
from behindy_ops.project.compose import X_DEPLOY, X_NGINX, ComposeFile
from behindy_ops.project.interpolation import fill_in
from behindy_ops.project.services import read_keys, seconds

if TYPE_CHECKING:
    from behindy_ops.project.services import Service

BODY = "10m"
"""How large a request's body may be unless something else is declared."""

CACHE = "100m"
"""How much of the disk kept answers may take unless something else is declared."""

_SIZE = re.compile(r"[1-9][0-9]{0,5}[km]?")
_CACHE = re.compile(r"[1-9][0-9]{0,4}[mg]")
_RATE = re.compile(r"[1-9][0-9]{0,5}r/[sm]")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,30}")
_UNQUOTED = re.compile(r"[^\s\"'{};\\$#]|\\[^\s\"'{};#]|\$(?=[1-9)|]|\Z)")
"""What nginx takes for itself without quotes: a pattern or a replacement is made of it."""


EDGES = 8404
"""The port at which nginx answers the other edges of a swarm, on the network of all nodes."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many requests one visitor may make.

    Attributes:
        rate: as nginx has it, such as ``10r/s`` or ``5r/m``.
        only: a pattern over ``<method> <path>`` of those that count; empty for all.
    """

    name: str
    rate: str
    only: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """What of a site leads to a service.

    Attributes:
        location: as nginx has it: ``/api/``, ``= /exact`` or ``~ pattern``.
        host: the name it is of; empty for those in ``domains``.
        to: the path the service is asked instead; what a pattern's groups matched is ``$1`` and so on.
        body: how large a request's body may be; empty for the project's figure.
        timeout: seconds that an answer may take; 0 for a minute.
        limit: names of limits, and how many requests each lets through at once beyond its rate.
        cache: nginx keeps the answers that say how long everybody may have them.
    """

    service: str
    location: str
    host: str = ""
    to: str = ""
    body: str = ""
    timeout: int = 0
    websocket: bool = False
    limit: Mapping[str, int] = field(default_factory=dict)
    cache: bool = False

    @property
    def matching(self) -> str:
        """The pattern that :attr:`to` replaces."""
        return self.location[2:] if self.location.startswith("~ ") else "^"


@dataclass(frozen=True, slots=True)
class Inside:
    """A service as nginx's files need it.

    Attributes:
        inside: the port on which nginx answers for it to other containers.
    """

    service: Service
    inside: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service, name)


@dataclass(frozen=True, slots=True)
class Site:
    """The names that have these routes, and the services whose static files are kept there."""

    names: tuple[str, ...]
    routes: tuple[Route, ...]
    assets: tuple[Inside, ...]


@dataclass(frozen=True, slots=True)
class Routes:
    """All of it.

    Attributes:
        sites: first that of ``domains``, then one for each further host.
        body: how large a request's body may be.
        cache: how much of the disk the answers may take that nginx keeps; empty where no route has any kept.
        project: whose they are, where the nginx is another project's; else empty.
    """

    services: tuple[Inside, ...]
    sites: tuple[Site, ...]
    limits: tuple[Limit, ...]
    body: str = BODY
    cache: str = ""
    project: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every public name, the first of which names the certificate."""
        return tuple(dict.fromkeys(name for site in self.sites for name in site.names))

    @property
    def replicated(self) -> bool:
        """Whether a service has several containers, of which nginx has to choose one."""
        return any(inside.service.replicas > 1 for inside in self.services)

    @property
    def prefix(self) -> str:
        """What the names in nginx's files begin with that all in it share; of a limited length, as nginx's are."""
        if not self.project:
            return ""
        short = re.fullmatch(r"[a-z0-9]{1,6}", self.project)
        return f"of_{self.project if short else sha256(self.project.encode()).hexdigest()[:6]}_"

    @property
    def longest(self) -> int:
        """Seconds that the route with the longest answers gives them."""
        return max([60, *(route.timeout for site in self.sites for route in site.routes)])


def declared(compose: ComposeFile) -> Routes:
    """Read what a compose file declares.

    Raises:
        Kind.COMPOSE_INVALID: there is a mistake; with one line for each, which begins with its path.
    """
    mistakes: list[str] = []
    site, wrong = read_keys(X_NGINX, compose.top.get(X_NGINX, {}), _NGINX)
    mistakes += wrong
    domains = tuple(site.get("domains", ()))
    if not domains:
        mistakes.append(f"{X_NGINX}.domains: missing; write the public names, such as [shop.example, www.shop.example]")
    limits, wrong = _limits(site.get("limits", {}))
    mistakes += wrong
    shared = site.get("shared")
    services = compose.services()
    routes: list[Route] = []
    inside: dict[str, int] = {}
    for name, service in services.items():
        if not service.asked:
            continue
        routes += _routes(compose, name, limits, mistakes)
        port, path = compose.stanzas[name][X_DEPLOY].get("inside", service.port), f"services.{name}.{X_DEPLOY}"
        if shared and "inside" in compose.stanzas[name][X_DEPLOY]:
            mistakes.append(f"{path}.inside: nginx is another project's, and answers its own containers alone")
        elif not shared and (other := {EDGES: "other edges of a swarm"} | {inside[each]: each for each in inside}).get(
            port
        ):
            mistakes.append(f"{path}.inside: nginx answers at {port} for {other[port]}; write another port")
        inside[name] = port
    mistakes += _twice(compose, routes)
    project = _project(compose, mistakes) if shared else ""
    if mistakes:
        raise Kind.COMPOSE_INVALID(
            f"{compose.path.name} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''} in its routes.",
            remedy=f"Correct it in {compose.path}; docs/nginx.md explains every key.",
            lines=tuple(mistakes),
        )
    routes = [replace(route, service=services[route.service].name) for route in routes]
    known = tuple(Inside(services[name], port) for name, port in inside.items())
    cache = site.get("cache", CACHE) if any(route.cache for route in routes) else ""
    return Routes(known, tuple(_sites(domains, routes, known)), limits, site.get("body", BODY), cache, project)


def _project(compose: ComposeFile, mistakes: list[str]) -> str:
    """Return the project's name, after which its file of another project's nginx is called."""
    try:
        name = fill_in(str(compose.top.get("name", "")), {})
    except KeyError:
        name = ""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        mistakes.append("name: write it, of a-z, 0-9, - and _; the shared nginx knows this project by it")
    return name


def shared_nginx(compose: ComposeFile) -> tuple[Mapping[str, str], list[str]]:
    """Return whose nginx it is where it is another project's, and what is wrong with that: ``x-nginx.shared``.

    Returns:
        ``directory``, the other project's on the host, and ``container``, nginx's; nothing where nginx is the
        project's own.
    """
    site = compose.top.get(X_NGINX)
    if not isinstance(site, dict) or "shared" not in site:
        return {}, []
    return read_keys(f"{X_NGINX}.shared", site["shared"], SHARED, SHARED)


def _limits(given: Mapping[str, Any]) -> tuple[tuple[Limit, ...], list[str]]:
    found, mistakes = [], []
    for name, keys in given.items():
        path = f"{X_NGINX}.limits.{name}"
        if not _WORD.fullmatch(str(name)):
            mistakes.append(f"{path}: not a name; use a-z, 0-9 and _, a letter first")
            continue
        values, wrong = read_keys(path, keys, _LIMIT)
        if "rate" not in values and not wrong:
            wrong = [f"{path}.rate: missing; write one such as 10r/s or 5r/m"]
        mistakes += wrong
        if not wrong:
            found.append(Limit(str(name), values["rate"], values.get("only", "")))
    return tuple(found), mistakes


def _routes(compose: ComposeFile, name: str, limits: tuple[Limit, ...], mistakes: list[str]) -> list[Route]:
    stanza = compose.stanzas[name][X_DEPLOY]
    path = f"services.{name}.{X_DEPLOY}"
    given = stanza.get("routes", [])
    if "route" in stanza or "host" in stanza:
        if given:
            mistakes.append(f"{path}.routes: there is a route or host as well; keep one of the two ways")
        given = [{"path": stanza.get("route", "/"), **({"host": stanza["host"]} if "host" in stanza else {})}]
    if not isinstance(given, list):
        mistakes.append(f"{path}.routes: not a list")
        return []
    found = []
    for number, keys in enumerate(given):
        where = f"{path}.routes[{number}]" if "routes" in stanza else path
        values, wrong = read_keys(where, keys, ROUTE)
        if "routes" not in stanza:
            wrong = [line.replace(f"{path}.path: ", f"{path}.route: ") for line in wrong]
        kinds = [kind for kind in ("path", "exact", "match") if kind in values]
        if not wrong and len(kinds) != 1:
            wrong = [f"{where}: write one of path, exact and match"]
        unknown = [limit for limit in values.get("limit", {}) if limit not in {one.name for one in limits}]
        wrong += [f"{where}.limit.{limit}: not in {X_NGINX}.limits" for limit in unknown]
        if values.get("to") and kinds == ["path"]:
            wrong.append(f"{where}.to: of a path it is not known what is to stay; write match")
        if values.get("cache") and values.get("websocket"):
            wrong.append(f"{where}.cache: a connection that is upgraded has no answer to keep")
        mistakes += wrong
        if not wrong:
            (kind,) = kinds
            location = {"path": "", "exact": "= ", "match": "~ "}[kind] + values.pop(kind)
            found.append(Route(name, location, **values))
    return found


def _twice(compose: ComposeFile, routes: list[Route]) -> Iterator[str]:
    first: dict[tuple[str, str], str] = {}
    for route in routes:
        place = route.host, route.location
        if place in first:
            key = next((key for key in ("routes", "route") if key in compose.stanzas[route.service][X_DEPLOY]), "host")
            yield f"services.{route.service}.{X_DEPLOY}.{key}: {route.location} leads to {first[place]} already"
        first.setdefault(place, route.service)


def _sites(domains: tuple[str, ...], routes: list[Route], services: tuple[Inside, ...]) -> Iterator[Site]:
    hosts = dict.fromkeys(route.host for route in routes if route.host and route.host not in domains)
    for host in ("", *hosts):
        own = tuple(route for route in routes if (route.host if route.host not in domains else "") == host)
        reached = {route.service for route in own}
        assets = tuple(one for one in services if one.assets and one.name in reached)
        yield Site((host,) if host else domains, own, assets)


def _checked(check: Callable[[str], str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if wrong := check(str(value)):
            raise ValueError(wrong)
        return str(value)

    return read


def _as(shape: re.Pattern[str], example: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not shape.fullmatch(str(value)):
            raise ValueError(f"{validate.shown(str(value))} does not fit; write it as in {example}")
        return str(value)

    return read


def _text(value: object) -> str:
    """Return a text in which Compose reads ``$$`` as ``$``, and takes any other for a variable."""
    if "$" in str(value).replace("$$", ""):
        raise ValueError(f"{validate.shown(str(value))}: write $$ for $, as everywhere in a compose file")
    return str(value).replace("$$", "$")


def _pattern(value: object) -> str:
    text = _text(value)
    if "".join(_UNQUOTED.findall(text)) != text:
        raise ValueError(
            f"{validate.shown(text)} has a blank, a quote, {{, }}, ; or a $ in it, which nginx reads itself"
        )
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{validate.shown(text)} is no pattern: {error}") from None
    return text


def _rate_pattern(value: object) -> str:
    text = _text(value)
    if re.search(r"[\"'{};\n]", text) or text != text.strip():
        raise ValueError(f"{validate.shown(text)} has a quote, {{, }} or ; in it")
    return text


def _location_path(value: object) -> str:
    text = str(value)
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", text):
        raise ValueError(f"{validate.shown(text)} is not a path; it begins with / and has letters, digits and ._~-/")
    return text


def _replacement(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"(?:[/A-Za-z0-9._~-]|\$[1-9])+", text):
        raise ValueError(f"{validate.shown(text)} is not a path such as /health or /v1$1")
    return text


def _names(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    return tuple(map(_checked(validate.check_domain), given))


def _whole_seconds(value: object) -> int:
    try:
        return max(1, round(seconds(value)))
    except ValueError as error:
        raise ValueError(f"{validate.shown(str(value))}: {error}") from None


def _yes(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("write true or false")  # noqa: TRY004 - as all readers do
    return value


def _bursts(value: object) -> dict[str, int]:
    whole = isinstance(value, dict) and all(isinstance(burst, int) and 0 <= burst <= 10_000 for burst in value.values())
    if not isinstance(value, dict) or not whole:
        raise ValueError("not a mapping of a limit's name to how many may come at once, such as {api: 20}")
    return {str(name): burst for name, burst in value.items()}


def _host_directory(value: object) -> str:
    text = str(value or "").rstrip("/")
    if not text.startswith("/") or validate.check_host_dir(text):
        raise ValueError("write the other project's directory on the host, such as /home/ubuntu/behindy-ops")
    return text


def _container(value: object) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", str(value or "")):
        raise ValueError("write the name of the other project's nginx container, such as nginx")
    return str(value)


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not a mapping")  # noqa: TRY004 - as all readers do
    return value


ROUTE: Mapping[str, Callable[[Any], Any]] = {
    "path": _location_path,
    "exact": _location_path,
    "match": _pattern,
    "host": _checked(validate.check_domain),
    "to": _replacement,
    "body": _as(_SIZE, "10m"),
    "timeout": _whole_seconds,
    "websocket": _yes,
    "limit": _bursts,
    "cache": _yes,
}
"""What a route may say."""

SHARED: Mapping[str, Callable[[Any], Any]] = {"directory": _host_directory, "container": _container}
"""What tells whose nginx it is."""

_LIMIT: Mapping[str, Callable[[Any], Any]] = {"rate": _as(_RATE, "10r/s or 5r/m"), "only": _rate_pattern}
_NGINX: Mapping[str, Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]]] = {
    "domains": _names,
    "limits": _mapping,
    "body": _as(_SIZE, "10m"),
    "cache": _as(_CACHE, "100m"),
    "shared": SHARED,
}
