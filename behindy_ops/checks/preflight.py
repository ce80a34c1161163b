"""Is the host ready for a deploy? Every check with its figure; a refusal ends the deploy before it changes a thing.

Pure: facts in, findings out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.checks import capacity, hygiene
from behindy_ops.checks.check import Check, Level, first_refusal, forced, ok, refusal, warning
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.survey import NETWORK, NGINX, Survey, answers_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.project.services import Service
    from behindy_ops.project.settings import Settings

__all__ = ["NEEDED_TOOLS", "docker_problem", "examine", "find_problem", "missing_names"]

NEEDED_TOOLS = ("curl", "flock", "timeout", "awk")

OLDEST_DOCKER = (20, 10)
"""Its ``docker inspect`` has all that the survey asks for."""

OLDEST_COMPOSE = (2, 19)
"""The first with ``--progress``, which keeps its drawing out of our logs."""


def examine(
    survey: Survey,
    service: Service,
    settings: Settings,
    *,
    force: bool = False,
    new_bytes: int | None = None,
) -> tuple[Check, ...]:
    """Check everything a deploy of this service needs, in the order of dependence.

    Without Docker nothing else is looked at: that nothing was seen then says nothing.

    :param force: refusals about memory and disk become warnings.
    :param new_bytes: see :func:`capacity.disk_check`.
    """
    docker = _docker(survey)
    if docker.level is Level.REFUSAL:
        return (docker,)
    host_dir = settings.host_dir
    checks = [
        docker,
        _compose_plugin(survey),
        _tools(survey),
        _files(survey, host_dir),
        _environment(survey, service, host_dir),
        _network(survey),
        _nginx(survey),
        _nginx_configuration(survey),
        _compose(survey, service),
        _aliases(survey, service),
        hygiene.ports_check(survey, service),
        hygiene.limit_check(survey, service),
        hygiene.sum_check(survey, service),
        capacity.memory_check(survey, service),
        capacity.disk_check(survey, service, settings.image_prefix, new_bytes),
        hygiene.rehearsal_check(survey, service),
    ]
    if survey.skew is not None:
        checks.append(hygiene.clock_check(survey.skew))
    return forced(checks) if force else tuple(checks)


def find_problem(survey: Survey, service: Service, settings: Settings, *, force: bool = False) -> BehindyError | None:
    """Return the first reason why this service cannot be deployed to this host now, or None."""
    return first_refusal(examine(survey, service, settings, force=force))


def docker_problem(survey: Survey) -> BehindyError | None:
    """Return why Docker cannot be asked on this host, or None. Until it can, that nothing was seen says nothing."""
    return first_refusal([_docker(survey)])


def _docker(survey: Survey) -> Check:
    problem = survey.problems.get("versions", "")
    if "docker" not in survey.tools:
        return refusal("docker", "Docker is not installed on the host.", "Set the host up: inv host.setup")
    if "permission denied" in problem.lower():
        return refusal(
            "docker",
            "The login user may not use Docker.",
            "On the host: sudo usermod -aG docker <user>, then log in anew.",
            lines=problem.splitlines()[-3:],
        )
    if not survey.docker:
        return refusal(
            "docker",
            "The Docker engine on the host does not answer.",
            "On the host: sudo systemctl start docker; sudo journalctl -u docker -n 50",
            lines=problem.splitlines()[-5:],
        )
    if version(survey.docker) < OLDEST_DOCKER:
        return refusal("docker", f"Docker {survey.docker} is too old; 20.10 is the oldest that works.", "Update it.")
    return ok("docker", f"Docker {survey.docker}")


def version(text: str) -> tuple[int, ...]:
    """Return the first two numbers of a version; one that cannot be read counts as new."""
    numbers = [int(part) for part in text.lstrip("v").split("+")[0].split("-")[0].split(".")[:2] if part.isdigit()]
    return tuple(numbers) if len(numbers) == 2 else (999, 0)


def _compose_plugin(survey: Survey) -> Check:
    if not survey.compose:
        return refusal(
            "compose",
            "Docker Compose v2 is not installed on the host.",
            "Install the Compose plugin (docker compose version must answer).",
            lines=survey.problems.get("versions", "").splitlines()[-3:],
        )
    if version(survey.compose) < OLDEST_COMPOSE:
        return refusal(
            "compose", f"Docker Compose {survey.compose} is too old; 2.19 is the oldest that works.", "Update it."
        )
    return ok("compose", f"Compose {survey.compose}")


def _tools(survey: Survey) -> Check:
    missing = [tool for tool in NEEDED_TOOLS if tool not in survey.tools]
    if missing:
        return refusal("tools", f"The host lacks {', '.join(missing)}.", "Install curl, util-linux, coreutils and awk.")
    return ok("tools", ", ".join(NEEDED_TOOLS))


def _files(survey: Survey, host_dir: str) -> Check:
    missing = [file for file in ("compose/docker-compose.yml", "nginx/nginx.conf") if file not in survey.files]
    if missing:
        return refusal(
            "files",
            f"The host has no {' and no '.join(f'{host_dir}/{file}' for file in missing)}.",
            "Put this project's compose/ and nginx/ there: inv host.sync (or check BEHINDY_HOST_DIR).",
            error=Kind.FILES_MISSING,
        )
    return ok("files", f"{host_dir}/compose, {host_dir}/nginx")


def _environment(survey: Survey, service: Service, host_dir: str) -> Check:
    if ".env" not in survey.files:
        return refusal(
            "environment",
            f"The host has no {host_dir}/.env, so {service.name} would start without its settings.",
            f"Make it from compose/.env.example, copy it to {host_dir}/.env there, and chmod 600 it.",
            error=Kind.ENVIRONMENT_FILE_MISSING,
        )
    missing = missing_names(survey.environment, service.required_env)
    if missing:
        return refusal(
            "environment",
            f"{host_dir}/.env on the host has no value for {', '.join(missing)}, which {service.name} needs.",
            "Add the missing lines there (compose/.env.example says what they are).",
            error=Kind.ENVIRONMENT_FILE_MISSING,
        )
    mode = survey.files[".env"][0]
    if int(mode, 8) & 0o077:
        return warning("environment", f"{host_dir}/.env can be read by others (mode {mode}).", "chmod 600 it there.")
    count = len(service.required_env)
    needs = f"has the {count} value{'s' if count != 1 else ''} that {service.name} needs" if count else "is there"
    return ok("environment", f"{host_dir}/.env {needs}")


def missing_names(environment: dict[str, bool], required: Sequence[str]) -> list[str]:
    """Return the required names that the ``.env`` lacks or leaves empty, in the order given."""
    return [name for name in required if not environment.get(name, False)]


def _network(survey: Survey) -> Check:
    if not survey.network:
        return refusal(
            "network",
            f"The Docker network {NETWORK} does not exist, so nothing could reach a container.",
            "Make it, and start nginx, the database and the cache: inv host.up",
            error=Kind.NETWORK_MISSING,
        )
    return ok("network", NETWORK)


def _nginx(survey: Survey) -> Check:
    nginx = survey.containers.get(NGINX)
    remedy = "Its log says why: inv ops.logs nginx. Start it: inv ops.doctor --fix"
    if nginx is None:
        found = "There is no nginx container."
        remedy = "Make it: inv host.up"
    elif not nginx.running or nginx.restarting:
        found = f"The nginx container is not running ({nginx.status}, exit code {nginx.exit_code})."
    elif NETWORK not in nginx.addresses:
        found = f"The nginx container is not on the network {NETWORK}."
        remedy = "Connect it: inv ops.network --fix"
    else:
        return ok("nginx", f"runs, on the network {NETWORK}")
    return refusal("nginx", found, remedy, error=Kind.NGINX_NOT_READY)


def _nginx_configuration(survey: Survey) -> Check:
    problem = survey.problems.get("nginx_", "")
    if problem:
        return refusal(
            "nginx configuration",
            "nginx's configuration files on the host are not valid: it runs on with what it has loaded, and a restart "
            "would take the site down.",
            "Correct the file that the lines below name, in nginx/ here, and put it there.",
            error=Kind.NGINX_NOT_READY,
            lines=problem.splitlines()[-5:],
        )
    return ok("nginx configuration", "valid")


def _compose(survey: Survey, service: Service) -> Check:
    if service.name not in survey.config:
        return refusal(
            "compose file",
            f"The compose file on the host is not valid, or does not declare {service.name}.",
            "Put this project's compose/ there again: inv host.sync (it says what is wrong with it).",
            error=Kind.COMPOSE_INVALID,
            lines=survey.problems.get("configured", "").splitlines()[-5:],
        )
    return ok("compose file", f"valid, declares {service.name}")


def _aliases(survey: Survey, service: Service) -> Check:
    """Compose gives a container its service's name as an alias, which survives a rename: two would answer to it."""
    live = survey.trio(service.name).live
    aliases = live.aliases.get(NETWORK, ()) if live else ()
    if live is None or not {service.name, f"{service.name}-green"} & set(aliases):
        return ok("aliases", f"{service.name} answers to its container's name alone")
    if service.name in survey.stale and not answers_to(live, f"{service.name}-green"):
        return warning(
            "aliases",
            f"{service.name} was not started by this tool and keeps its name as a DNS alias: until it is removed, a "
            f"container that asks for {service.name} by name meets either release. nginx is told which, so users meet "
            "one.",
            "Nothing; this deploy takes the service over. See inv host.adopt.",
        )
    return refusal(
        "aliases",
        f"{service.name} was not started by this tool: it keeps its name as a DNS alias, so after a switch users "
        "would get both releases.",
        f"Take it over at a quiet moment (a moment of downtime): inv host.adopt {service.name}",
    )
