"""``compose/`` and ``nginx/``: what is here, what is on the host, and how they differ. Pure, but for :func:`local`."""

from __future__ import annotations

import base64
import difflib
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind
from behindy_ops.project.interpolation import fill_in
from behindy_ops.report.text import Line, Tone, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from behindy_ops.facts.replies import Reply

__all__ = [
    "FOLDERS",
    "KEPT",
    "NginxStage",
    "OnHost",
    "difference",
    "local",
    "nginx_stage",
    "parse",
    "version",
    "wire_lines",
]

FOLDERS = ("compose", "nginx")
KEPT = 3
"""Versions kept on the host, the live one included."""

LIMIT = 1_000_000
"""Bytes all files may have together: configuration, not data."""

_PATH = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")

Files = dict[str, bytes]
"""Contents by path, such as ``nginx/site.conf``."""


@dataclass(frozen=True, slots=True)
class OnHost:
    """What the host has; ``live`` is the version, empty when files lie there as they were put by hand."""

    files: Files = field(default_factory=dict)
    live: str = ""
    loaded: bool = True


@dataclass(frozen=True, slots=True)
class NginxStage:
    """How nginx is tried: its image, and its mounts as ``source:target`` (see ``host/sync_stage.sh``)."""

    image: str
    mounts: tuple[str, ...]


def local(root: Path) -> Files:
    """Return the files of this checkout; a developer's own ``.env`` stays at home.

    :raises Kind.FILES_REFUSED: a name that cannot be sent, a link, or too much.
    """
    found: Files = {}
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            name = file.relative_to(root).as_posix()
            if file.name == ".env" or (file.name.startswith(".env.") and file.name != ".env.example"):
                continue
            if file.is_symlink() or not _PATH.fullmatch(name):
                raise Kind.FILES_REFUSED(
                    f"{name!a} cannot be put on the host.", remedy="Plain files with plain names only."
                )
            if file.is_file():
                found[name] = file.read_bytes()
    if sum(map(len, found.values())) > LIMIT:
        raise Kind.FILES_REFUSED(f"compose/ and nginx/ have over {LIMIT // 1000} kB.", remedy="Keep data out of them.")
    return found


def wire_lines(files: Mapping[str, bytes]) -> bytes:
    """Return the files as the host's scripts read them: one line each, path and base64."""
    lines = (f"{name} {base64.b64encode(content).decode('ascii')}\n" for name, content in files.items())
    return "".join(lines).encode("ascii")


def parse(reply: Reply) -> OnHost:
    """Read what ``host/files.sh`` printed."""
    state = reply.values("state")
    files = {name: base64.b64decode(content) for name, content in reply.values("files").items()}
    return OnHost(files, state.get("live", ""), loaded=state.get("loaded") != "no")


def version(now: datetime, files: Mapping[str, bytes]) -> str:
    """Return a version's name, which sorts by time: ``20260131-093000-1f2e3d4c`` (UTC)."""
    return f"{now:%Y%m%d-%H%M%S}-{sha256(wire_lines(files)).hexdigest()[:8]}"


def difference(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[Line]:
    """Return what differs, as unified diffs and a summary; nothing when nothing does."""
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    lines: list[Line] = []
    added = removed = 0
    for name in changed:
        for line in _diff(name, old.get(name), new.get(name)):
            added += line.tone is Tone.GOOD
            removed += line.tone is Tone.BAD
            lines.append(line)
    if not changed:
        return []
    summary = f"{len(changed)} {'file differs' if len(changed) == 1 else 'files differ'}: +{added} -{removed} lines."
    return [*lines, Line(summary, Tone.STRONG)]


def _diff(name: str, old: bytes | None, new: bytes | None) -> Iterator[Line]:
    before = f"on the host: {name}" if old is not None else "not on the host"
    after = f"here:        {name}" if new is not None else "not here: it is removed there"
    left, right = ((content or b"").decode("utf-8", "replace").splitlines() for content in (old, new))
    for number, line in enumerate(difflib.unified_diff(left, right, before, after, lineterm="")):
        tone = {"+": Tone.GOOD, "-": Tone.BAD, "@": Tone.FAINT}.get(line[:1], Tone.PLAIN)
        yield Line(printable(line), Tone.STRONG if number < 2 else tone, exact=True)


def nginx_stage(files: Mapping[str, bytes]) -> NginxStage | None:
    """Return how nginx is to be tried with these files, by the compose file among them; None without an nginx there.

    :raises Kind.COMPOSE_INVALID: it is missing, no YAML, or its image depends on the host's ``.env``.
    """
    from behindy_ops.project.compose import parse_yaml

    text = files.get("compose/docker-compose.yml")
    if text is None:
        raise Kind.COMPOSE_INVALID("There is no compose/docker-compose.yml here.", remedy="Run this in the checkout.")
    document: Any = parse_yaml(text.decode("utf-8", "replace"))
    services = document.get("services") if isinstance(document, dict) else None
    nginx = services.get("nginx") if isinstance(services, dict) else None
    if not isinstance(nginx, dict):
        return None
    try:
        image = fill_in(str(nginx.get("image", "")), {})
    except KeyError as error:
        raise Kind.COMPOSE_INVALID(
            f"services.nginx.image depends on {error.args[0]}, which has no default.", remedy="Name the image there."
        ) from error
    volumes = nginx.get("volumes", [])
    mounts = (_mount(volume) for volume in volumes if isinstance(volume, str | dict))
    return NginxStage(image, tuple(mount for mount in mounts if mount))


def _mount(volume: str | Mapping[str, Any]) -> str:
    """A bind mount as ``source:target``, its source below the host directory or absolute; empty for anything else."""
    if isinstance(volume, str):
        source, _, rest = volume.partition(":")
        target = rest.split(":")[0]
    else:
        source, target = str(volume.get("source", "")), str(volume.get("target", ""))
    if source.startswith("../"):
        source = source.removeprefix("../")
    elif source.startswith("./"):
        source = f"compose/{source.removeprefix('./')}"
    elif not source.startswith("/"):
        return ""
    return f"{source}:{target}" if target else ""
