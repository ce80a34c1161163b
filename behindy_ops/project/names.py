"""What a project calls its things on the host: itself, its network, the proxy, the database, the cache.

All of it is read from the compose file, and Compose's own rules hold: ``name`` or else the folder's name,
``container_name`` or else ``<project>-<service>-1``, ``networks.<key>.name`` or else ``<project>_<key>``. Who is what
is said by ``x-role``, or else by the image. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.project import validate
from behindy_ops.project.compose import X_DEPLOY, X_NGINX, ComposeFile
from behindy_ops.project.interpolation import fill_in
from behindy_ops.project.routes import shared_nginx
from behindy_ops.project.services import Service, own_name

X_ROLE = "x-role"

DEFAULT_NETWORK = "default"

_IMAGES = {
    "proxy": re.compile(r"nginx(-unprivileged)?"),
    "database": re.compile(r"postgres(ql)?|postgis|pgvector|timescaledb(-ha)?"),
    "cache": re.compile(r"redis(-stack(-server)?)?|valkey|keydb"),
}
"""Roles to the last part of the repository of an image that fills one."""

_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What Docker accepts as a name of a container or a network."""


@dataclass(frozen=True, slots=True)
class Role:
    """Who fills a role: a service of the compose file, and its container."""

    stanza: str
    container: str


@dataclass(frozen=True, slots=True)
class Names:
    """What a project calls its things. The defaults are those of this repository's compose file (a test compares).

    Attributes:
        project: Compose's name for it.
        network: the Docker network that nginx and the services share, and ``network_key`` its key in the compose file.
        proxy: nginx.
        database: Postgres, or None where the project has none; ``cache`` likewise.
        containers: every service of the compose file to its container's name.
        deployed: of those the ones that are deployed.
        apart: of those the ones that are to be on other networks only.
        shared: the directory on the host of the project whose nginx it is; empty where it is this one's.
    """

    project: str = "behindy-ops"
    network: str = "behindy-ops_internal"
    network_key: str = "internal"
    proxy: Role = Role("nginx", "nginx")
    database: Role | None = Role("db", "postgres")
    cache: Role | None = Role("redis", "redis")
    containers: Mapping[str, str] = field(default_factory=dict)
    deployed: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    shared: str = ""

    @property
    def edge(self) -> str:
        """A network with IPv6 for nginx alone, where BEHINDY_IPV6 asks for it.

        Before Docker 28, a container's ports and its way out are those of the network whose name sorts first.
        """
        return f"{self.project}_edge"

    @property
    def dependencies(self) -> tuple[Role, ...]:
        """What the services ask by name, and nobody else should reach."""
        return tuple(role for role in (self.database, self.cache) if role is not None)

    @property
    def beside(self) -> dict[str, str]:
        """Those that are not deployed: the database, and whatever else runs beside the services."""
        return {name: container for name, container in self.containers.items() if name not in self.deployed}

    def service(self, stanza: str) -> str:
        """Return what a service is called, by its key in the compose file; of what is not deployed, that key."""
        return self.containers.get(stanza, stanza) if stanza in self.deployed else stanza

    def meets_nginx(self, service: Service) -> bool:
        """Return whether its containers are put on the network: all that nginx asks are, whatever they declare."""
        return service.asked or service.stanza not in self.apart

    def trio(self, service: str) -> tuple[str, str, str]:
        """Return the names of the live, green and blue container of a service."""
        return service, f"{service}-green", f"{service}-blue"


def short(image: str) -> str:
    """Return the last part of an image's repository."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def role_of(image: str) -> str:
    """Return the role that an image usually fills, or an empty string."""
    return next((role for role, images in _IMAGES.items() if images.fullmatch(short(image))), "")


def read_names(compose: ComposeFile, *, chosen: str = "") -> Names:
    """Read the names from a compose file.

    Args:
        chosen: the project's name where the file has no ``name``; ``""`` for that of its folder.

    Raises:
        Kind.COMPOSE_INVALID: a name is none, a role has two candidates, or nginx is on no network of the services.
    """
    mistakes: list[str] = []
    reader = _Reader(compose, mistakes)
    project = _project(compose, reader, chosen)
    containers = dict(reader.containers(project))
    roles = {role: reader.role(role, containers) for role in _IMAGES}
    shared, wrong = shared_nginx(compose)
    mistakes += wrong
    if shared and not wrong:
        roles["proxy"] = reader.shared_proxy(roles["proxy"], shared["container"])
    key = reader.shared_network(roles["proxy"], ours=not shared)
    network = reader.network(key, project)
    if mistakes:
        raise _invalid(compose, mistakes)
    return Names(
        project=project,
        network=network,
        network_key=key,
        proxy=roles["proxy"] or Names().proxy,
        database=roles["database"],
        cache=roles["cache"],
        containers=containers,
        deployed=tuple(compose.deployable),
        apart=tuple(reader.apart(key)),
        shared=shared.get("directory", ""),
    )


def _invalid(compose: ComposeFile, mistakes: Iterable[str]) -> BehindyError:
    lines = tuple(mistakes)
    return Kind.COMPOSE_INVALID(
        f"{compose.path.name} has {len(lines)} mistake{'s' if len(lines) > 1 else ''}.",
        remedy=f"Correct it in {compose.path}.",
        lines=lines,
    )


def _project(compose: ComposeFile, reader: _Reader, chosen: str) -> str:
    if "name" in compose.top:
        return reader.filled("name", compose.top["name"])
    if chosen:
        return reader.filled("COMPOSE_PROJECT_NAME", chosen)
    folder = compose.path.absolute().parent.name.lower()
    return reader.filled("name", re.sub(r"[^a-z0-9_-]", "", folder).lstrip("_-"))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads parts of a compose file, and collects what is wrong with them."""

    compose: ComposeFile
    mistakes: list[str]

    def filled(self, path: str, value: object) -> str:
        """Return a name with the defaults of its variables; one that Docker would not take is a mistake."""
        try:
            name = fill_in(str(value), {})
        except KeyError as error:
            self.mistakes.append(f"{path}: ${{{error.args[0]}}} has no default, so the name is not known here")
            return ""
        if not _NAMED.fullmatch(name):
            self.mistakes.append(f"{path}: {validate.shown(name)} is not a name; use letters, digits, and . _ -")
        return name

    def containers(self, project: str) -> Iterator[tuple[str, str]]:
        for name, stanza in self.compose.stanzas.items():
            if X_DEPLOY in stanza:
                yield name, own_name(stanza, name)[0]
            elif given := stanza.get("container_name"):
                yield name, self.filled(f"services.{name}.container_name", given)
            else:
                yield name, f"{project}-{name}-1"

    def role(self, role: str, containers: Mapping[str, str]) -> Role | None:
        """Return who fills a role: who says so, else whose image tells."""
        said = [name for name in containers if self._said(name) == role]
        told = [name for name in containers if self._said(name) == "" and role_of(self._image(name)) == role]
        candidates = said or told
        if len(candidates) > 1:
            path = ", ".join(f"services.{name}" for name in candidates)
            self.mistakes.append(f"{path}: each may be the {role}; write {X_ROLE}: {role} in one of them")
        return Role(candidates[0], containers[candidates[0]]) if candidates else None

    def _said(self, name: str) -> str:
        """Return what a stanza says of its role: ``""`` for nothing, ``none`` for none of them."""
        stanza = self.compose.stanzas[name]
        value = stanza.get(X_ROLE, "none" if X_DEPLOY in stanza else "")
        if value in ("", "none", *_IMAGES):
            return str(value)
        known = ", ".join((*_IMAGES, "none"))
        wrong = f"services.{name}.{X_ROLE}: {validate.shown(str(value))} is no role; write one of {known}"
        if wrong not in self.mistakes:
            self.mistakes.append(wrong)
        return "none"

    def _image(self, name: str) -> str:
        """Return a stanza's image; ``""`` where that is not known."""
        try:
            return self.compose.image(name)
        except KeyError:
            return ""

    def shared_proxy(self, own: Role | None, container: str) -> Role:
        """Return another project's nginx, which this one shares."""
        path = f"{X_NGINX}.shared"
        if "name" not in self.compose.top:
            self.mistakes.append("name: missing; by it nginx's files tell this project from the one whose nginx it is")
        if own:
            self.mistakes.append(f"{path}: services.{own.stanza} is an nginx, too; take it away, or write x-role: none")
        return Role("", container)

    def shared_network(self, proxy: Role | None, *, ours: bool) -> str:
        """Return the key of the network that most services share with nginx; the first of several that do.

        Args:
            ours: nginx is the project's own; another's is on a network that is declared ``external``.
        """
        deployed = [set(self.networks(name)) for name in self.compose.deployable]
        if proxy and ours:
            own = self.networks(proxy.stanza)
        else:
            own = tuple(dict.fromkeys(key for name in self.compose.deployable for key in self.networks(name)))
        if not ours:
            own = tuple(key for key in own if self._declared(key).get("external"))
            if not own:
                self.mistakes.append("networks: no service is on nginx's network; declare that with external and name")
                return DEFAULT_NETWORK
        counts = {key: sum(key in each for each in deployed) for key in own}
        best = max(counts.values(), default=0)
        if deployed and not best:
            who = f"services.{proxy.stanza}.networks: " if proxy else ""
            self.mistakes.append(f"{who}nginx shares no network with {', '.join(self.compose.deployable)}")
        return next((key for key, count in counts.items() if count == best), DEFAULT_NETWORK)

    def apart(self, key: str) -> Iterator[str]:
        """Return who is not on a network. A service that is deployed and declares none is put there."""
        for name, stanza in self.compose.stanzas.items():
            declares = stanza.get("networks") or stanza.get("network_mode")
            if key not in self.networks(name) and (declares or X_DEPLOY not in stanza):
                yield name

    def networks(self, name: str) -> tuple[str, ...]:
        if self.compose.stanzas[name].get("network_mode"):
            return ()
        given = self.compose.stanzas[name].get("networks")
        return tuple(map(str, given)) if isinstance(given, (dict, list)) and given else (DEFAULT_NETWORK,)

    def _declared(self, key: str) -> dict[str, Any]:
        networks = self.compose.top.get("networks")
        declared: Any = networks.get(key) if isinstance(networks, dict) else None
        return declared if isinstance(declared, dict) else {}

    def network(self, key: str, project: str) -> str:
        declared = self._declared(key)
        if "name" in declared:
            return self.filled(f"networks.{key}.name", declared["name"])
        return key if declared.get("external") else f"{project}_{key}"
