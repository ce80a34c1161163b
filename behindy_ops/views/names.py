"""The containers a person may name: services, their candidates, and the infrastructure by either of its names. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.views.look import docker_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from behindy_ops.project.project import Project
    from behindy_ops.project.services import Service

__all__ = ["container_named", "container_of", "missing"]


def container_of(project: Project, name: str) -> str:
    """Return the container's name for what a person wrote.

    Raises:
        Kind.USAGE: nothing here is called that.
    """
    services = {service.name: service for service in project.services()}
    return container_named(name, services, project.compose.containers)


def container_named(name: str, services: Mapping[str, Service], containers: Mapping[str, str]) -> str:
    """Return the container's name for what a person wrote.

    :param containers: every service of the compose file to its container's name.
    :raises Kind.USAGE: nothing here is called that.
    """
    names = {service: service for service in services}
    names |= {f"{service}-{colour}": f"{service}-{colour}" for service in services for colour in ("green", "blue")}
    beside = {service: container for service, container in containers.items() if service not in services}
    names |= {container: container for container in beside.values()} | beside
    if name in names:
        return names[name]
    known = [*services, *dict.fromkeys(beside.values())]
    raise Kind.USAGE(f"Nothing here is called {name!r}.", remedy=f"There are: {', '.join(known)}.")


def missing(container: str, said: str) -> BehindyError:
    """The error for a container that cannot be used, from what the host said: docker's words or its state."""
    if (problem := docker_problem(said)) is not None:
        return problem
    if "No such" not in said:
        return Kind.CONTAINER_MISSING(
            f"The container {container} does not run ({said.strip()}).",
            state="Nothing was changed.",
            remedy=f"See why: inv ops.logs {container}; inv ops.ps",
        )
    return Kind.CONTAINER_MISSING(
        f"There is no container {container} on the host.",
        state="Nothing was changed.",
        remedy="See what there is: inv ops.ps",
    )
