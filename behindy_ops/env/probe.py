"""What is asked of the host about its ``.env``.

Values are compared on the host, as the docker compose there reads them: a compose file with one service for each name
makes it print a hash for each. A candidate goes there on standard input, with a second such file that says literally
what is meant, so that a Compose that reads a line differently is found out before anything is replaced.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping

from behindy_ops.errors import UNCHANGED
from behindy_ops.facts.environment import Comparison, parse
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.dotenv import EnvText
from behindy_ops.project.project import Project

KEPT = 5
"""Earlier ``.env`` files that stay on the host."""


def compare(session: Session, candidate: EnvText | None = None) -> Comparison:
    """Compare the host's ``.env`` with what is wanted, and with a candidate if there is one. Changes nothing."""
    return _probe(session, candidate, "look", title="inspect the host's .env")


def replace(session: Session, candidate: EnvText, *, expected: str) -> Comparison:
    """Compare once more, keep the ``.env`` there is as a backup, and put the candidate in its place.

    Args:
        expected: sha256 of the file to be replaced, or ``none``; any other is left alone.
    """
    words = ("replace", expected, f"{session.host_now():%Y%m%d-%H%M%S-%f}.env", str(KEPT))
    return _probe(session, candidate, *words, title="replace the host's .env", changes=True)


def fetch(session: Session) -> tuple[str, bytes]:
    """Return the sha256 of the host's ``.env`` (or ``none``), and its text, for an editor."""
    argv = script("env/fetch", session.settings.host_dir)
    told = (
        session.host.run(Command(argv, title="read the host's .env", secret=True))
        .require(state=UNCHANGED)
        .reply()
        .values()
    )
    return told["sha"], base64.b64decode(told.get("content", ""))


def _probe(session: Session, candidate: EnvText | None, *words: str, title: str, changes: bool = False) -> Comparison:
    stdin, where = _stdin(session.project, candidate), session.settings.host_dir
    found = parse(session.ask("env/probe", where, *words, title=title, timeout=60, stdin=stdin, changes=changes))
    called = {session.names.service(stanza): stanza for stanza in session.names.deployed}
    return dataclasses.replace(found, live={called.get(name, name): hash_ for name, hash_ in found.live.items()})


def _stdin(project: Project, candidate: EnvText | None) -> bytes:
    meant = {entry.name: entry.value for entry in candidate.entries if entry.value is not None} if candidate else {}
    parts = [
        "".join(f"{name}\n" for name in sorted(project.wanted.known)),
        (candidate.text or "\n") if candidate else "",
        _literally(meant),
        _literally(project.wanted.examples),
        project.compose_on_host,
    ]
    encoded = [part.encode("utf-8") for part in parts]
    return b" ".join(b"%d" % len(part) for part in encoded) + b"\n" + b"".join(encoded)


def _literally(values: Mapping[str, str]) -> str:
    """A compose file whose services hash like those of the host's probe do when it reads these values."""
    services = {
        name: {"image": "x", "environment": {"S": "set", "V": value.replace("$", "$$")}}
        for name, value in values.items()
    }
    return json.dumps({"services": services}) if services else ""
