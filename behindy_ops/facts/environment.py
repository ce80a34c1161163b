"""What the host says of its ``.env``, and of a candidate beside it: states of names, never values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from behindy_ops.facts.replies import Reply


@dataclass(frozen=True, slots=True)
class NameState:
    """One name, on the host and in the candidate: ``absent``, ``empty`` or ``set``.

    Attributes:
        same: the two have the same value.
        misread: docker compose on the host reads the candidate's value differently than it is meant.
        example: the value is the one that ``.env.example`` gives: on the host, in the candidate.
    """

    name: str
    host: str
    candidate: str
    same: bool
    misread: bool = False
    example: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The host's ``.env``, and a candidate compared with it.

    Attributes:
        mode: of the host's file in octal digits, such as ``600``; empty without one.
        sha256: of that file, or ``none``.
        weak: names whose value looks like a placeholder: on the host, in the candidate.
        old: services to the hash of their configuration with the host's file; ``new`` with the candidate.
        live: containers to the hash they were deployed with.
        problems: what docker compose could not read (``old``, ``new``, ``config``), and where.
        replaced: ``yes``, ``no``, ``changed`` (somebody else was faster), or empty when that was not asked for.
    """

    mode: str
    sha256: str
    names: tuple[NameState, ...]
    weak: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    old: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    replaced: str = ""

    @property
    def present(self) -> bool:
        return self.sha256 != "none"


def private(mode: str) -> bool:
    """Return whether nobody but its owner may read a file of this mode (octal digits; empty for none)."""
    return not int(mode or "0", 8) & 0o077


def parse(reply: Reply) -> Comparison:
    """Read what ``env/probe.sh`` printed."""
    host = reply.values("host")
    return Comparison(
        mode=host.get("mode", ""),
        sha256=host.get("sha", "none"),
        names=tuple(_name(words) for words in reply.rows("states") if len(words) == 7),
        weak=(frozenset(reply.every("host", "weak")), frozenset(reply.every("candidate", "weak"))),
        old=_hashes(reply, "old"),
        new=_hashes(reply, "new"),
        live=_hashes(reply, "live"),
        problems=dict(reply.problems),
        replaced=reply.text("replaced").strip(),
    )


def _name(words: list[str]) -> NameState:
    name, host, candidate, same, meant, *example = words
    return NameState(name, host, candidate, same == "same", meant == "no", (example[0] == "yes", example[1] == "yes"))


def _hashes(reply: Reply, which: str) -> dict[str, str]:
    return dict(words for line in reply.every(which, "services") if len(words := line.split()) == 2)
