"""What is asked of the host about its ``.env``, and what it answers. Pure.

Values are compared on the host, as the docker compose there reads them: a compose file with one service for each name
makes it print a hash for each. A candidate goes there on standard input, with a second such file that says literally
what is meant, so that a Compose that reads a line otherwise is found out before anything is replaced.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from behindy_ops.errors import UNCHANGED
from behindy_ops.host.command import Command, script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from behindy_ops.env.dialect import EnvText
    from behindy_ops.env.wanted import Wanted
    from behindy_ops.host.command import Result

__all__ = ["KEPT", "Answer", "Name", "fetch", "look", "read_answer", "read_fetched", "replace"]

KEPT = 5
"""Earlier ``.env`` files that stay on the host."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name, on the host and in the candidate: ``absent``, ``empty`` or ``set``; and whether the values are equal.

    :param misread: docker compose on the host reads the candidate's value otherwise than it is meant.
    :param example: the value is the one that ``.env.example`` gives: on the host, in the candidate.
    """

    name: str
    host: str
    candidate: str
    same: bool
    misread: bool = False
    example: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host said.

    :param mode: of its ``.env``, such as ``600``; empty without one.
    :param sha256: of that file, or ``none``.
    :param weak: names whose value looks like a placeholder: on the host, in the candidate.
    :param old: service to the hash of its configuration with the host's ``.env``; ``new`` with the candidate.
    :param live: container to the hash it was deployed with.
    :param from_host: those are from the compose file on the host, not from the checkout's.
    :param problems: what docker compose could not read (``old``, ``new``, ``config``), and where.
    :param replaced: ``yes``, ``no``, ``changed`` (somebody else was faster), or empty when it was not asked to.
    """

    mode: str
    sha256: str
    names: tuple[Name, ...]
    weak: tuple[frozenset[str], frozenset[str]]
    old: dict[str, str] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    from_host: bool = True
    problems: dict[str, str] = field(default_factory=dict)
    replaced: str = ""


def look(mark: str, host_dir: str, wanted: Wanted, compose_text: str, candidate: EnvText | None = None) -> Command:
    """Compare the host's ``.env`` with what is wanted, and with a candidate if there is one. Changes nothing."""
    stdin = _stdin(wanted, compose_text, candidate)
    return Command(
        script("env/probe", mark, host_dir, "look"), title="look at the host's .env", timeout=60, stdin=stdin
    )


def replace(
    mark: str, host_dir: str, wanted: Wanted, compose_text: str, candidate: EnvText, *, expected: str, backup: str
) -> Command:
    """Look once more, keep the ``.env`` there is under the name ``backup``, and put the candidate in its place.

    :param expected: sha256 of the file it is to replace, or ``none``.
    """
    argv = script("env/probe", mark, host_dir, "replace", expected, backup, str(KEPT))
    stdin = _stdin(wanted, compose_text, candidate)
    return Command(argv, title="replace the host's .env", timeout=60, stdin=stdin, changes=True)


def fetch(host_dir: str) -> Command:
    """Read the host's ``.env`` itself, for an editor."""
    return Command(script("env/probe", "-", host_dir, "fetch"), title="read the host's .env")


def _stdin(wanted: Wanted, compose_text: str, candidate: EnvText | None) -> bytes:
    meant = {entry.name: entry.value for entry in candidate.entries if entry.value is not None} if candidate else {}
    parts = [
        "".join(f"{name}\n" for name in sorted(wanted.known)),
        (candidate.text or "\n") if candidate else "",
        _literally(meant),
        _literally(wanted.examples),
        compose_text,
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


def read_answer(result: Result, mark: str) -> Answer:
    """Read what ``look`` or ``replace`` printed.

    :raises Kind.FILES_MISSING: there is no such directory on the host.
    :raises Kind.HOST_NOT_READY: nothing can be written there, or docker compose is missing.
    """
    reply = result.require(state=UNCHANGED).reply(mark)
    host, weak = reply.values("host"), reply.rows("weak")
    services = reply.rows("services")
    return Answer(
        mode=host.get("mode", ""),
        sha256=host.get("sha", "none"),
        names=tuple(_name(words) for words in reply.rows("states") if len(words) == 7),
        weak=(_second(weak, "host"), _second(weak, "candidate")),
        old=_pairs(services, "old"),
        new=_pairs(services, "new"),
        live=_pairs(services, "live"),
        from_host=["from", "host"] in services,
        problems=dict(reply.problems),
        replaced=reply.text("replaced").strip(),
    )


def read_fetched(result: Result) -> tuple[str, bytes]:
    """The sha256 of the host's ``.env`` (or ``none``), and what is in it."""
    import base64

    result.require(state=UNCHANGED)
    sha256, _, body = result.stdout.partition("\n")
    return sha256.strip(), base64.b64decode(body)


def _name(words: list[str]) -> Name:
    name, host, candidate, same, meant, *example = words
    return Name(name, host, candidate, same == "same", meant == "no", (example[0] == "yes", example[1] == "yes"))


def _second(lines: Iterable[list[str]], first: str) -> frozenset[str]:
    return frozenset(words[1] for words in lines if len(words) == 2 and words[0] == first)


def _pairs(lines: Iterable[list[str]], first: str) -> dict[str, str]:
    return {words[1]: words[2] for words in lines if len(words) == 3 and words[0] == first}
