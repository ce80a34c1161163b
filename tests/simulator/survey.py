"""What the simulated host prints when it is looked at; the real parsers read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.named import NETWORK

if TYPE_CHECKING:
    from tests.simulator.docker import Box, Stored
    from tests.simulator.world import Body, Process, World


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def container_line(box: Box) -> str:
    """One line as the container template prints it."""
    networks = {NETWORK: {"IPAddress": box.address, "Aliases": sorted(box.aliases) or None}} if box.connected else {}
    data: dict[str, Any] = {
        "id": box.id, "name": f"/{box.name}", "created": _time(box.created), "image_id": box.image.id,
        "image": next(iter(sorted(box.image.digests)), box.image.id), "labels": box.labels, "status": box.status,
        "running": box.status in ("running", "restarting"), "restarting": box.status == "restarting", "oom": box.oom,
        "exit": box.exit_code, "started": _time(box.started),
        "finished": "0001-01-01T00:00:00Z" if box.finished < 0 else _time(box.finished),
        "restarts": box.restarts, "health": box.health, "memory": 400 * 2**20,
        "restart": box.policy, "ports": None, "networks": networks, "env": ["PATH", "DB_PASS"],
    }  # fmt: skip
    return json.dumps(data)


def image_line(image: Stored) -> str:
    """One line as the image template prints it."""
    return json.dumps(
        {
            "id": image.id,
            "tags": sorted(image.tags),
            "digests": sorted(image.digests),
            "created": image.created,
            "size": 7,
            "architecture": "amd64",
        }
    )


def stats_line(usage: int, cache: int = 0) -> str:
    """One line of JSON as the engine gives it, in bytes."""
    return json.dumps({"memory_stats": {"usage": usage, "stats": {"inactive_file": cache}}})


def survey(world: World, me: Process, *arguments: str) -> Body:
    """``survey.sh``."""
    mark, root, _, _, *names, _, _ = arguments[:9]
    assert (root, *names) == ("behindy-ops", NETWORK, "nginx", "nginx")
    pairs = list(arguments[9:])
    services, repositories = pairs[::2], pairs[1::2]
    changing, draining = _changing(world), dict(world.draining)
    yield None
    _say(world, me, mark, {"versions": ['"26.1.5" "1.45" "amd64"', "2.26.1"]})
    me.echo(f"{mark} tools\ndocker\ncurl\nflock\ntimeout\nawk")
    yield None
    _say(world, me, mark, {"containers": [container_line(box) for box in world.engine.boxes.values()]})
    images = [
        image_line(image)
        for image in world.engine.images.values()
        if not image.tags | image.digests or any(_in(repository, image) for repository in repositories)
    ]
    yield None
    me.echo(f"{mark} changing")
    me.out.extend(changing or _changing(world))
    _say(world, me, mark, {"images": images, "networks": []})
    _say_files(world, me, mark, services)
    me.echo(f"{mark} draining")
    for service, drain in draining.items():
        me.echo(f"{service} {drain.container} {drain.release} {drain.until:.0f} {world.connected(service)}")
    yield None
    me.echo(f"{mark} end")
    return 0


def _changing(world: World) -> list[str]:
    """``changing`` of lib/shared.sh: a file that nobody holds the lock of was left by one that was killed."""
    if world.locked is None or not world.lock_json:
        return []
    holder = json.loads(world.lock_json)
    return [json.dumps({key: value for key, value in holder.items() if key != "token"})]


def _in(repository: str, image: Stored) -> bool:
    return any(name.startswith((f"{repository}:", f"{repository}@")) for name in image.tags | image.digests)


def _say(world: World, me: Process, mark: str, parts: dict[str, list[str]]) -> None:
    """What comes from Docker, or why it does not."""
    for name, lines in parts.items():
        me.echo(f"{mark} {name}")
        if world.engine.up:
            me.out.extend(lines)
        else:
            me.echo(f"{mark} {name}! 1\n{mark} {name}.err\nCannot connect to the Docker daemon")


def _say_files(world: World, me: Process, mark: str, services: list[str]) -> None:
    files = ["compose/docker-compose.yml", "nginx/nginx.conf", ".env"]
    files += ["rehearsal/header", "rehearsal/map.conf"] if world.rehearsals else []
    me.echo(f"{mark} files_")
    me.out.extend(f"600 1700000000 12 {file}" for file in files)
    me.echo(f"{mark} environment\nDB_PASS set")
    me.echo(f"{mark} configured")
    me.out.extend(f"{name} {digest}" for name, digest in world.config.items())
    me.echo(f"{mark} stanzas")
    me.out.extend(f"{name} mem_limit {400 * 2**20}" for name in world.config)
    me.echo(f"{mark} nginx_")
    me.out.extend(f"stale {name}" for name in world.stale)
    me.echo(f"{mark} machine\nnow {world.now:.9f}\nuptime {world.uptime:.2f}")
    me.echo(f"MemTotal 2097152\nMemAvailable {world.available // 1024}")
    me.echo("disk 8000000000 4000000000 /")
    me.echo(f"{mark} usage")
    for box in world.engine.boxes.values():
        if box.running:
            me.echo(stats_line(world.used))
            me.echo(f"http://docker/containers/{box.id}/stats?stream=false&one-shot=true")
    me.echo(f"{mark} jobs\nzone +0000")
    me.out.extend(
        f"{name.removeprefix('job-')} on {world.now - 1:.0f} " for name, files in world.timers.items() if files
    )
    me.echo(f"{mark} maintenance")
    me.out.extend(f"{service} {record}" for service, record in world.maintenance.items())
    me.echo(f"{mark} releases")
    for (service, release), kept in world.dirs.items():
        if service in services:
            me.echo(f"{service}/{release} {kept.status} {kept.description}")
