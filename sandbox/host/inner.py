"""Inside the host: wait for its engine, hand it the images, start nginx, db and redis from the project's files."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from sandbox.host import shell as host
from sandbox.host.docker_cli import last_lines
from sandbox.host.host_files import HOST_DIR, USER
from sandbox.host.images import Image, Part
from sandbox.host.seed import REPOSITORY, tag_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["compose_images", "load", "start_services", "wait_for_engine", "wait_for_services"]

SERVICE_PARTS = {"nginx": Part.NGINX, "db": Part.POSTGRES, "redis": Part.REDIS}


def compose_images(compose_file: Path) -> dict[Part, str]:
    """Under which name the compose file asks for nginx, Postgres and Redis, a variable's default taken.

    Raises:
        Kind.SANDBOX: one of the three is not declared.
    """
    compose = ComposeFile.read(compose_file)
    images = {}
    for name, part in SERVICE_PARTS.items():
        try:
            images[part] = compose.image(name)
        except KeyError:  # a variable without a default
            images[part] = ""
        if not images[part]:
            remedy = "The sandbox stands in for nginx, db and redis."
            raise Kind.SANDBOX(f"{compose_file} declares no image for {name}.", remedy=remedy)
    return images


def wait_for_engine(*, node: int = 1, registry: str = "localhost:5000") -> None:
    """Return when a host's dockerd answers, and the registry that it pulls from.

    Raises:
        Kind.SANDBOX: that took more than a minute; the lines are the last of its log.
    """
    ready = f"until docker info && curl -fs http://{registry}/v2/; do sleep 0.1; done >/dev/null 2>&1"
    if host.run(["timeout", "60", "bash", "-c", ready], check=False, timeout=70, node=node).returncode != 0:
        log = host.run(["tail", "-n", "30", "/var/log/docker.log"], check=False, node=node).stdout
        raise Kind.SANDBOX(
            "The engine inside the sandbox did not start.",
            remedy="./inv sandbox.down, then ./inv sandbox.up; the lines below are the end of its log.",
            lines=last_lines(log, 30),
        )


def load(images: Mapping[Part, Image], names: Mapping[Part, str]) -> None:
    """Let the host's engine pull what it has not from its registry, under the names the compose file uses.

    The sample application's layers stay on the host, as those of an earlier release would.

    Raises:
        Kind.SANDBOX: a pull failed.
    """
    pulls = []
    for part, name in names.items():
        source = f"localhost:5000/{REPOSITORY}:{tag_of(part, images[part])}"
        pulls.append(f"{{ docker pull --quiet {source} && docker tag {source} {quote(name)} && docker rmi {source}; }}")
    pulls.append(f"docker pull --quiet localhost:5000/{REPOSITORY}:{tag_of(Part.APP, images[Part.APP])}")
    script = "\n".join(f"{pull} & pids+=($!)" for pull in pulls)
    host.run(["bash", "-c", f'{script}\nfor pid in "${{pids[@]}}"; do wait "$pid" || exit 1; done'], timeout=180)


def start_services(*, reload_nginx: bool) -> None:
    """Run ``docker compose up -d`` as the login user; nginx reads changed files again.

    Raises:
        Kind.SANDBOX: Compose failed, or nginx refuses its configuration.
    """
    compose = ["docker", "compose", "--project-directory", f"{HOST_DIR}/compose", "up", "--detach", "--quiet-pull"]
    host.run(compose, user=USER, timeout=120)
    if reload_nginx:
        host.run(["docker", "exec", "nginx", "nginx", "-t", "-c", "/etc/nginx/behindy/nginx.conf"])
        host.run(["docker", "kill", "--signal", "HUP", "nginx"])


def wait_for_services(domain: str) -> None:
    """Return when Postgres, Redis and nginx, by its public name and TLS, answer.

    Raises:
        Kind.SANDBOX: that took more than 40 s; the lines are the last logs of the three.
    """
    ready = (
        "docker exec postgres sh -c 'pg_isready -q -h localhost -U \"$POSTGRES_USER\"'"
        " && docker exec redis sh -c 'REDISCLI_AUTH=$REDIS_PASSWORD redis-cli ping'"
        " | grep -q PONG"
        f" && curl -fsS --max-time 3 https://{domain}/health"
    )
    looking = f"until {ready}; do sleep 0.1; done >/dev/null 2>&1"
    if host.run(["timeout", "40", "bash", "-c", looking], check=False, timeout=50).returncode != 0:
        logs = "docker ps --all; for name in postgres redis nginx; do docker logs --tail 6 $name 2>&1; done"
        said = host.run(["bash", "-c", logs], check=False).stdout
        raise Kind.SANDBOX(
            "Postgres, Redis or nginx did not become ready in the sandbox.",
            remedy="The lines below are the end of their logs.",
            lines=last_lines(said, 25),
        )
