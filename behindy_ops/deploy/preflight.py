"""Is the host ready for a deploy? Pure; the first thing that is not ends the deploy before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.deploy.survey import NETWORK, NGINX, Survey
from behindy_ops.errors import (
    BehindyError,
    ComposeInvalid,
    EnvironmentFileMissing,
    FilesMissing,
    HostNotReady,
    NetworkMissing,
    NginxNotReady,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.services import Service

__all__ = ["NEEDED_TOOLS", "docker_problem", "find_problem"]

NEEDED_TOOLS = ("curl", "flock", "timeout", "awk")

_UNCHANGED = "Nothing was changed; what ran before runs on."


def find_problem(survey: Survey, service: Service, host_dir: str) -> BehindyError | None:
    """Return the first reason why this service cannot be deployed to this host now, or None.

    The order is that of dependence: without Docker there is no network to miss.
    """
    return (
        docker_problem(survey)
        or _compose_plugin(survey)
        or _tools(survey)
        or _files(survey, host_dir)
        or _environment(survey, service, host_dir)
        or _network(survey)
        or _nginx(survey)
        or _compose(survey, service)
        or _aliases(survey, service)
    )


def docker_problem(survey: Survey) -> BehindyError | None:
    """Return why Docker cannot be asked on this host, or None. Until it can, that nothing was seen says nothing."""
    problem = survey.problems.get("versions", "")
    if "docker" not in survey.tools:
        return HostNotReady(
            "Docker is not installed on the host.", state=_UNCHANGED, remedy="Install Docker Engine and Compose v2."
        )
    if "permission denied" in problem.lower():
        return HostNotReady(
            "The login user may not use Docker.",
            state=_UNCHANGED,
            remedy="On the host: sudo usermod -aG docker <user>, then log in anew.",
            lines=tuple(problem.splitlines()[-3:]),
        )
    if not survey.docker:
        return HostNotReady(
            "The Docker engine on the host does not answer.",
            state=_UNCHANGED,
            remedy="On the host: sudo systemctl start docker; sudo journalctl -u docker -n 50",
            lines=tuple(problem.splitlines()[-5:]),
        )
    return None


def _compose_plugin(survey: Survey) -> BehindyError | None:
    if survey.compose:
        return None
    return HostNotReady(
        "Docker Compose v2 is not installed on the host.",
        state=_UNCHANGED,
        remedy="Install the Compose plugin (docker compose version must answer).",
        lines=tuple(survey.problems.get("versions", "").splitlines()[-3:]),
    )


def _tools(survey: Survey) -> BehindyError | None:
    missing = [tool for tool in NEEDED_TOOLS if tool not in survey.tools]
    if not missing:
        return None
    return HostNotReady(
        f"The host lacks {', '.join(missing)}.", state=_UNCHANGED, remedy="Install curl, util-linux, coreutils and awk."
    )


def _files(survey: Survey, host_dir: str) -> BehindyError | None:
    missing = [file for file in ("compose/docker-compose.yml", "nginx/nginx.conf") if file not in survey.files]
    if not missing:
        return None
    return FilesMissing(
        f"The host has no {' and no '.join(f'{host_dir}/{file}' for file in missing)}.",
        state=_UNCHANGED,
        remedy=f"Copy this project's compose/ and nginx/ into {host_dir}/ there, or check BEHINDY_HOST_DIR.",
    )


def _environment(survey: Survey, service: Service, host_dir: str) -> BehindyError | None:
    if ".env" not in survey.files:
        return EnvironmentFileMissing(
            f"The host has no {host_dir}/.env, so {service.name} would start without its settings.",
            state=_UNCHANGED,
            remedy=f"Make it from compose/.env.example, copy it to {host_dir}/.env there, and chmod 600 it.",
        )
    missing = missing_names(survey.environment, service.required_env)
    if not missing:
        return None
    return EnvironmentFileMissing(
        f"{host_dir}/.env on the host has no value for {', '.join(missing)}, which {service.name} needs.",
        state=_UNCHANGED,
        remedy="Add the missing lines there (compose/.env.example says what they are).",
    )


def missing_names(environment: dict[str, bool], required: Sequence[str]) -> list[str]:
    """Return the required names that the ``.env`` lacks or leaves empty, in the order given."""
    return [name for name in required if not environment.get(name, False)]


def _network(survey: Survey) -> BehindyError | None:
    if survey.network:
        return None
    return NetworkMissing(
        f"The Docker network {NETWORK} does not exist, so nothing could reach a container.",
        state=_UNCHANGED,
        remedy="On the host, in the compose directory: docker compose up -d (it makes the network and starts nginx).",
    )


def _nginx(survey: Survey) -> BehindyError | None:
    nginx = survey.containers.get(NGINX)
    remedy = "On the host, in the compose directory: docker compose up -d nginx; docker logs nginx --tail 50"
    if nginx is None:
        return NginxNotReady("There is no nginx container.", state=_UNCHANGED, remedy=remedy)
    if not nginx.running or nginx.restarting:
        return NginxNotReady(
            f"The nginx container is not running ({nginx.status}, exit code {nginx.exit_code}).",
            state=_UNCHANGED,
            remedy=remedy,
        )
    if NETWORK not in nginx.addresses:
        return NginxNotReady(
            f"The nginx container is not on the network {NETWORK}.",
            state=_UNCHANGED,
            remedy=f"On the host: docker network connect {NETWORK} {NGINX}",
        )
    return None


def _compose(survey: Survey, service: Service) -> BehindyError | None:
    if service.name in survey.config:
        return None
    return ComposeInvalid(
        f"The compose file on the host is not valid, or does not declare {service.name}.",
        state=_UNCHANGED,
        remedy="Copy this project's compose/ there again; on the host: docker compose config -q says what is wrong.",
        lines=tuple(survey.problems.get("configured", "").splitlines()[-5:]),
    )


def _aliases(survey: Survey, service: Service) -> BehindyError | None:
    """Compose gives a container its service's name as an alias, which survives a rename: two would answer to it."""
    live = survey.trio(service.name).live
    aliases = live.aliases.get(NETWORK, ()) if live else ()
    if live is None or not {service.name, f"{service.name}-green"} & set(aliases):
        return None
    return HostNotReady(
        f"{service.name} was not started by this tool: it keeps its name as a DNS alias, so after a switch users "
        "would get both releases.",
        state=_UNCHANGED,
        remedy=f"Remove it at a quiet moment, then deploy (users miss it meanwhile): docker rm -f {service.name}",
    )
