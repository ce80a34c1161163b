"""Much of what a host gathers: containers, images, lines of history. Nothing takes it away but the host's own end."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from behindy_ops.project.paths import HostPaths
from sandbox.host import shell as host
from sandbox.host.host_files import HOST_DIR, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["RUNNING", "containers", "history", "history_lines", "image_archive", "images", "requests"]

RUNNING = 10
"""One in so many of the containers runs; the others were only created."""

_SECONDS = 900.0
_LABELS = {"org.opencontainers.image.vendor": "somebody else"}


def containers(numbers: Iterable[int], image: str) -> None:
    """Make the containers of these numbers, called ``other-0001`` and so on, of an image that has ``sleep``.

    The image comes from the host's own registry first: the engine's API pulls nothing when it makes a container.
    """
    host.run(["docker", "pull", "--quiet", image], timeout=_SECONDS)
    asked: list[tuple[str, Any]] = []
    for number in numbers:
        name = f"other-{number:04d}"
        stanza = {
            "Image": image,
            "Entrypoint": ["sleep"],
            "Cmd": ["infinity"],
            "Labels": _LABELS,
            "Env": [f"WHO={name}"],
            "HostConfig": {"Memory": 16 << 20, "NetworkMode": "none", "Init": True},
        }
        asked.append((f"containers/create?name={name}", stanza))
        if number % RUNNING == 0:
            asked.append((f"containers/{name}/start", None))
    _curl(requests(asked))


def requests(asked: Sequence[tuple[str, Any]]) -> str:
    """The configuration of one curl that posts these to the engine: path, and what is sent as JSON or None."""
    parts = []
    for path, content in asked:
        lines = ['unix-socket = "/var/run/docker.sock"', f'url = "http://docker/{path}"', 'request = "POST"', "fail"]
        if content is not None:
            text = json.dumps(content).replace("\\", "\\\\").replace('"', '\\"')
            lines += ['header = "Content-Type: application/json"', f'data = "{text}"']
        parts.append("\n".join([*lines, 'output = "/dev/null"']))
    return "\nnext\n".join(parts) + "\n"


def _curl(configuration: str) -> None:
    argv = ["curl", "--silent", "--show-error", "--fail-early", "--config", "-"]
    host.run(argv, stdin=configuration.encode(), timeout=_SECONDS)


def images(names: Sequence[str]) -> None:
    """Load one image for each name (``repository:tag``), all different: a layer of their own, and a date."""
    host.run(["docker", "load", "--quiet"], stdin=image_archive(names), timeout=_SECONDS)


def image_archive(names: Sequence[str]) -> bytes:
    """What ``docker load`` reads: an image of one small layer for each name, the last the newest, a minute apart."""
    buffer, manifest = io.BytesIO(), []
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, name in enumerate(names):
            layer = _tar({"ballast": f"{name}\n".encode()})
            created = (begin + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
            config = {
                "architecture": "amd64",
                "os": "linux",
                "created": created,
                "config": {"Cmd": ["/ballast"], "Labels": _LABELS},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
                "history": [{"created": created, "created_by": "ballast"}],
            }
            text = json.dumps(config).encode()
            place = f"{hashlib.sha256(text).hexdigest()}.json"
            manifest.append({"Config": place, "RepoTags": [name], "Layers": [f"{number}/layer.tar"]})
            _add(archive, {place: text, f"{number}/layer.tar": layer})
        _add(archive, {"manifest.json": json.dumps(manifest).encode()})
    return buffer.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", bufsize=512) as archive:
        _add(archive, files)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


def history(count: int, services: Sequence[str]) -> None:
    """Put a history of so many lines on the host, in the place of the one it has."""
    text = "".join(f"{line}\n" for line in history_lines(count, services))
    # The file's owner is the deploy's.
    put = 'umask 077 && cat >"$1"'
    host.run(["sh", "-c", put, "put", HostPaths(HOST_DIR).history], user=USER, stdin=text.encode(), timeout=_SECONDS)


def history_lines(count: int, services: Sequence[str]) -> list[str]:
    """Deploys of the services in turn, ten minutes apart, each begun and ended; now and then one is refused."""
    begin, lines = datetime(2023, 1, 1, tzinfo=UTC), []
    for number in range(count):
        deploy, last = divmod(number, 2)
        service, at = services[deploy % len(services)], begin + timedelta(minutes=10 * deploy, seconds=5 * last)
        made = begin + timedelta(minutes=10 * deploy)
        entry: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds"),
            "event": "ended" if last else "begun",
            "kind": "deploy",
            "service": service,
            "release": f"{made:%Y%m%d-%H%M%S}-{deploy % 65536:04x}",
            "tag": hashlib.sha256(f"{deploy}".encode()).hexdigest()[:40],
            "digest": f"sha256:{hashlib.sha256(service.encode() + bytes([deploy % 256])).hexdigest()}",
            "previous": "",
            "who": f"octocat (https://github.com/octocat/ops/actions/runs/{10_000_000 + deploy})",
        }
        if last:
            steps = ("connect", "survey", "pull", "start", "internal", "rehearsal", "switch", "external", "verify")
            entry["seconds"] = {step: round(0.1 + (deploy + at) % 7 / 10, 2) for at, step in enumerate(steps)}
            entry["outcome"] = "refused" if deploy % 20 == 19 else "live"
        lines.append(json.dumps(entry, ensure_ascii=False))
    return lines
