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
    """

    name: str
    host: str
    candidate: str
    same: bool
    misread: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The host's ``.env``, and a candidate compared with it.

    Attributes:
        mode: of the host's file in octal digits, such as ``600``; empty without one.
        dollars: as in the survey.
        sha256: of that file, or ``none``.
        placeholders: names whose value ``.env.example`` gives, or that looks like it: on the host, in the candidate.
        old: services to the hash of their configuration with the host's file; ``new`` with the candidate.
        live: likewise to the hash they were deployed with; what is no service, by its container's name.
        problems: what docker compose could not read (``old``, ``new``, ``config``), and where.
        replaced: ``yes``, ``no``, ``changed`` (somebody else was faster), or empty when that was not asked for.
    """

    mode: str
    sha256: str
    names: tuple[NameState, ...]
    placeholders: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    old: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    replaced: str = ""
    dollars: Mapping[str, int] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        return self.sha256 != "none"


def private(mode: str) -> bool:
    """Return whether nobody but its owner may read a file of this mode (octal digits; empty for none)."""
    return not int(mode or "0", 8) & 0o077


def parse(reply: Reply) -> Comparison:
    """Read what ``env/probe.sh`` printed."""
    host, rows = reply.values("host"), [words for words in reply.rows("states") if len(words) == 7]

    def placeholders(whose: str, column: int) -> frozenset[str]:
        return frozenset([*reply.every(whose, "weak"), *(words[0] for words in rows if words[column] == "yes")])

    return Comparison(
        mode=host.get("mode", ""),
        sha256=host.get("sha", "none"),
        names=tuple(
            NameState(name, here, new, same == "same", meant == "no") for name, here, new, same, meant, *_ in rows
        ),
        placeholders=(placeholders("host", 5), placeholders("candidate", 6)),
        old=_hashes(reply, "old"),
        new=_hashes(reply, "new"),
        live=_hashes(reply, "live"),
        problems=dict(reply.problems),
        replaced=reply.text("replaced").strip(),
        dollars={words[1]: int(words[2]) for words in reply.rows("host") if words[0] == "dollar"},
    )


def _hashes(reply: Reply, which: str) -> dict[str, str]:
    return dict(words for line in reply.every(which, "services") if len(words := line.split()) == 2)
