"""Every command a deploy sends, as data. Pure: the tests compare these, and ``--dry-run`` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.deploy.release import description, override
from behindy_ops.facts.container import CONTAINER_TEMPLATE, IMAGE_TEMPLATE
from behindy_ops.facts.release import Release
from behindy_ops.facts.survey import NETWORK, NGINX
from behindy_ops.host.command import Command, script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.project.paths import HostPaths
    from behindy_ops.project.services import HealthPolicy, Service

__all__ = [
    "LOG_LINES",
    "discard",
    "drain",
    "look_inside",
    "look_outside",
    "manifests",
    "pull",
    "record",
    "restart",
    "start",
    "start_green",
    "stop",
    "stop_blue",
    "swap",
    "tidy",
    "verify",
    "watch",
]

LOG_LINES = 100
"""Log lines of a failed release that are shown."""

HISTORY_BYTES = 5_000_000
"""Size at which the host's history is rotated."""

CACHED = 2.1
"""Seconds after the renames in which nginx may use the old address: ``valid=1s``, counted in whole seconds."""


def pull(
    image: str, *, registry: str, user: str, token: bytes, on_line: Callable[[str], None] | None = None
) -> Command:
    """Pull an image and describe it; with a user, log in for this one pull (the token goes to stdin)."""
    argv = script("deploy/pull", image, registry if user else "", user, IMAGE_TEMPLATE)
    return Command(argv, title=f"pull {image}", timeout=900, stdin=token if user else b"", on_line=on_line)


def manifests(images: Sequence[str], *, registry: str, user: str, token: bytes) -> Command:
    """Ask the registry what images are made of; pulls nothing. With a user, log in (its token goes to stdin)."""
    argv = script("deploy/manifests", registry if user else "", user, *images)
    return Command(argv, title="ask the registry", timeout=60, stdin=token if user else b"")


def start_green(paths: HostPaths, release: Release, image: str, begun: str, *, files_of: str = "") -> Command:
    """Make green from the host's compose file and ``.env``, and start it.

    :param begun: the history line for the beginning.
    :param files_of: id of an earlier release whose compose file and ``.env`` are used instead.
    """
    stdin = "\n".join((begun, description(release), override(release, image))) + "\n"
    argv = script("deploy/start_green", paths.root, release.service, release.id, NETWORK, CONTAINER_TEMPLATE, files_of)
    title = f"start {release.service}-green"
    return Command(argv, title=title, timeout=120, stdin=stdin.encode("utf-8"), changes=True)


def look_inside(service: Service, container: str, policy: HealthPolicy) -> Command:
    """One internal health attempt: curl from inside nginx straight to the container."""
    url = f"http://{container}:{service.port}{service.internal}"
    argv = script(
        "deploy/look_inside", NGINX, container, url, f"{policy.interval:g}", f"{policy.look:g}", CONTAINER_TEMPLATE
    )
    return Command(argv, title=f"ask {container} from inside nginx", timeout=policy.interval + 20)


def look_outside(
    urls: Sequence[str], policy: HealthPolicy, *, header: str = "", settled_ms: int = 0, live: Service | None = None
) -> Command:
    """One attempt through the public URL, from the host.

    :param header: file on the host with the rehearsal header, for a rehearsal.
    :param settled_ms: host clock before which success does not count.
    :param live: service whose live container is asked itself too, from inside nginx: there, blue answers for it while
        it refuses connections.
    """
    name = live.name if live else ""
    inside = f"http://{name}:{live.port}{live.internal}" if live else ""
    timing = (f"{policy.interval:g}", f"{policy.look:g}", str(settled_ms))
    argv = script("deploy/look_outside", header, *timing, NGINX, name, inside, *urls)
    return Command(argv, title=f"ask {urls[0]}", timeout=policy.interval * (1 + len(urls)) + 20)


def swap(first: tuple[str, str, str] | None, second: tuple[str, str], *, policy: str = "") -> Command:
    """Both renames in one remote command.

    :param first: (id, new name, old name) of the container that gives its name away; None on a first deploy.
    :param second: (id, new name) of the one that takes it.
    :param policy: restart policy that one gets just before; empty to leave it.
    """
    argv = script("deploy/swap", *(first or ("", "", "")), *second, policy)
    return Command(argv, title=f"give the name {second[1]} to the new container", timeout=30, changes=True)


def drain(
    container: str, port: int, *, earliest_ms: int, limit: float, on_line: Callable[[str], None] | None = None
) -> Command:
    """Wait until a container is idle, not before ``earliest_ms`` (host clock) and at most ``limit`` seconds."""
    argv = script("deploy/drain", container, str(port), str(earliest_ms), f"{limit:.0f}", "4")
    return Command(argv, title="wait until blue is idle", timeout=limit + 60, on_line=on_line)


def watch(container: str, *, until_ms: int, seconds: float) -> Command:
    """Watch a container until it exits or restarts, or until the given time (host clock)."""
    argv = script("deploy/watch", container, str(until_ms), CONTAINER_TEMPLATE)
    return Command(argv, title="watch the new release", timeout=seconds + 30)


def stop_blue(container: str, grace: float) -> Command:
    """Stop a container with ``grace`` seconds to end by itself, and remove it."""
    argv = script("deploy/stop_blue", container, f"{grace:.0f}")
    return Command(argv, title="stop the previous container", timeout=grace + 30, changes=True)


def stop(container: str, grace: float) -> Command:
    """Stop a container with ``grace`` seconds to end by itself; it stays on the host."""
    argv = ("docker", "stop", "--time", f"{grace:.0f}", container)
    return Command(argv, title="stop the container", timeout=grace + 30, changes=True)


def restart(container: str) -> Command:
    """Start a container that is stopped, or that is on its way there."""
    argv = ("docker", "restart", "--time", "3", container)
    return Command(argv, title="start the container again", timeout=60, changes=True)


def start(container: str) -> Command:
    """Start a stopped container."""
    return Command(("docker", "start", container), title="start the container", timeout=60, changes=True)


def discard(container: str, release_dir: str) -> Command:
    """Show how a failed release is and what it logged last, mark it failed, remove it."""
    argv = script("deploy/discard", container, CONTAINER_TEMPLATE, str(LOG_LINES), release_dir)
    return Command(argv, title=f"remove {container}", timeout=60, changes=True)


def tidy(references: Sequence[str]) -> Command:
    """Remove images by name; docker refuses those in use, since nothing is forced."""
    return Command(script("deploy/tidy", *references), title="remove old images", timeout=120, changes=True)


def verify(paths: HostPaths, container: str, release: Release, line: str, *, judged: str = "") -> Command:
    """Look at the live container a last time, mark its release as standing, and record the deploy.

    :param judged: id of a release a rollback has left behind.
    """
    argv = script(
        "deploy/verify",
        container,
        CONTAINER_TEMPLATE,
        paths.release(release.service, release.id),
        paths.history,
        str(HISTORY_BYTES),
        paths.release(release.service, judged),
        release.previous,
    )
    return Command(argv, title="verify and record", timeout=60, stdin=line.encode("utf-8") + b"\n", changes=True)


def record(paths: HostPaths, line: str) -> Command:
    """Append one line to the host's history."""
    argv = script("deploy/record", paths.history, str(HISTORY_BYTES))
    return Command(argv, title="write the history", timeout=30, stdin=line.encode("utf-8") + b"\n", changes=True)
