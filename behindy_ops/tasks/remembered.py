"""The tags and releases that a shell offers: asked from the host in a process of its own, and kept for a minute.

The process has no terminal, so whatever it starts can ask for nothing; what goes wrong in it is seen by nobody. A host
that is slow is waited for only so long: the answer that comes later is there the next time.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import guarded

if TYPE_CHECKING:
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.project import Project
    from behindy_ops.project.services import Service

Known = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Of each service's container ``tag`` and ``release``: each value, and a line about it."""

FRESH = 60.0
"""Seconds for which an answer is taken as it is, be it that there was none."""

PATIENCE = 2.0
"""Seconds that somebody who pressed TAB waits at most."""

LONGEST = 15
"""Seconds after which the process that asks is ended."""


STARTED: list[subprocess.Popen[bytes]] = []
"""Processes that ask, and may go on when this one has ended."""


PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*").fullmatch
"""What a tag or an id is made of. Whatever else a host says would stand on somebody's command line."""


def known(project: Project, environ: Mapping[str, str]) -> Known:
    """Return what is known of the host's tags and releases; asks it where that is old."""
    file = place(project, environ)
    kept = _read(file)
    if time.time() - kept.get("at", 0.0) > FRESH:
        argv = [sys.executable, "-P", "-m", __name__, str(file)]  # nothing of the folder around is imported
        ours = str(Path(__file__).resolve().parents[2])
        environ = {**environ, "BEHINDY_PROJECT": str(project.root), "PYTHONPATH": ours}
        nothing = subprocess.DEVNULL
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            asks = subprocess.Popen(
                argv, env=environ, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
            )
            STARTED.append(asks)
            asks.wait(PATIENCE)
        kept = _read(file)
    found: Known = kept.get("services", {})
    return found


def place(project: Project, environ: Mapping[str, str]) -> Path:
    """Return the file in which it is kept, one for each project, environment and host that is named by a variable."""
    cache = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    whose = "\0".join([str(project.root), environ.get("BEHINDY_ENV", ""), environ.get("BEHINDY_HOST", "")])
    return Path(cache, "behindy-ops", f"completion-{sha256(whose.encode()).hexdigest()[:16]}.json")


def _read(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def values(survey: Survey, services: Sequence[Service], prefix: str) -> Known:
    """Return what a survey says of tags and releases: no value of an environment, and nothing that a shell acts on."""
    from behindy_ops.project.services import repository

    found = {}
    for service in services:
        own = repository(service, prefix)
        releases = [each for each in survey.released(service.name) if PLAIN(each.id) and PLAIN(each.tag)]
        names = (name for image in survey.images for name in image.references(own) if "@" not in name)
        images = {tag: "image on the host" for name in names if PLAIN(tag := name.rpartition(":")[2])}
        tags = {each.tag: f"release {each.id}" for each in reversed(releases)}
        stood = {each.id: f"{each.tag}, {each.status}" for each in releases}
        found[service.name] = {"tag": images | tags, "release": stood | dict(reversed(tags.items()))}
    return found


def ask(file: Path) -> None:
    """Ask the host of the project around, and keep what it says; after a failure, what was known before."""
    kept = _read(file).get("services", {})
    _write(file, kept)  # so that TAB does not ask once more meanwhile, nor after a host that stays silent
    with contextlib.suppress(SystemExit):
        _write(file, _look())


def _write(file: Path, services: Known) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump({"at": time.time(), "services": services}, stream)
    whole.replace(file)


@guarded
def _look() -> Known:
    with client(quiet=True) as this, this.connect() as session:
        return values(session.look(), session.services, this.settings.image_prefix)


def main(file: Path) -> None:
    """Do as :func:`ask` does, in a process that ends by itself if that takes too long."""
    signal.alarm(LONGEST)
    ask(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
