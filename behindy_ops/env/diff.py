"""``env.diff``: what a candidate would change: names, and which services would notice. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from behindy_ops.facts.environment import Comparison
from behindy_ops.project.project import Wanted
from behindy_ops.report.text import Line, Tone

BOUND = ("DB_PASS", "FIELD_KEY", "TABLE_KEY", "JWT_SECRET")
"""Names whose value belongs to the data: a new one locks it away."""


@dataclass(frozen=True, slots=True)
class Diff:
    """What a candidate changes: names, and services. Its fields are those of ``--json``.

    Attributes:
        redeploy: running services that get a change only by a new deploy.
        recreate: infrastructure whose configuration changes, which Compose recreates.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    redeploy: tuple[str, ...] = ()
    recreate: tuple[str, ...] = ()


def diff(comparison: Comparison, wanted: Wanted, services: Collection[str]) -> Diff:
    """Compare the candidate with the host's file.

    Args:
        services: those that are deployed; the others of the compose file are infrastructure.
    """
    old, new, live, names = comparison.old, comparison.new, comparison.live, comparison.names
    return Diff(
        added=tuple(name.name for name in names if name.host == "absent" != name.candidate),
        removed=tuple(name.name for name in names if name.host != "absent" == name.candidate),
        changed=tuple(name.name for name in names if not name.same and "absent" not in (name.host, name.candidate)),
        redeploy=tuple(
            service
            for service in wanted.used
            if service in services and service in new and live.get(service, new[service]) != new[service]
        ),
        recreate=tuple(
            service
            for service in wanted.used
            if service not in services and service in new and old.get(service, new[service]) != new[service]
        ),
    )


def lines(changes: Diff) -> list[Line]:
    """Return the names for people: what is added, removed and changed, and who notices when."""
    told = [Line(f"+ {name}", Tone.GOOD) for name in changes.added]
    told += [Line(f"- {name}", Tone.BAD) for name in changes.removed]
    told += [Line(f"~ {name}", Tone.CAREFUL) for name in changes.changed]
    if not told:
        told = [Line("No value differs.", Tone.GOOD)]
    told += [Line(f"{service} gets it with its next deploy: inv deploy.{service}") for service in changes.redeploy]
    if changes.recreate:
        names = " ".join(changes.recreate)
        told.append(Line(f"Replaced by the next inv host.up, after a yes: {names}", Tone.CAREFUL))
    if kept := [name for name in BOUND if name in changes.added + changes.changed]:
        text = f"Is there a database already? Then it needs the old {', '.join(kept)}: docs/environment.md"
        told.append(Line(text, Tone.CAREFUL))
    return told
