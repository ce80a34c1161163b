"""What is wrong with a ``.env``, and what a candidate would change: pure, and by names only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from behindy_ops.report.text import Line, Tone

if TYPE_CHECKING:
    from behindy_ops.env.probe import Answer
    from behindy_ops.env.wanted import Wanted

__all__ = ["Check", "Diff", "check", "check_json", "check_lines", "diff", "diff_json", "diff_lines"]


@dataclass(frozen=True, slots=True)
class Check:
    """What a ``.env`` lacks; each name once, in the first that applies.

    :param missing: required and not there. :param empty: required, there, without a value.
    :param placeholder: with a value that was made to be replaced. :param unknown: neither used nor explained.
    :param mode: the file's permissions if others may read it, else empty.
    :param present: whether there is a file at all.
    """

    missing: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    placeholder: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    mode: str = ""
    present: bool = True

    @property
    def complete(self) -> bool:
        """Whether every service can be started with it as it is meant."""
        return self.present and not (self.missing or self.empty or self.placeholder or self.mode)


@dataclass(frozen=True, slots=True)
class Diff:
    """What a candidate changes: names, and services.

    :param redeploy: services that run and would see a change only by a new deploy.
    :param recreate: infrastructure whose configuration changes, which Compose makes anew.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    redeploy: tuple[str, ...] = ()
    recreate: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def check(answer: Answer, wanted: Wanted, *, candidate: bool) -> Check:
    """Judge the host's file, or the candidate."""
    states = {name.name: name.candidate if candidate else name.host for name in answer.names}
    weak = answer.weak[candidate] | {name.name for name in answer.names if name.example[candidate]}
    state = {name: states.get(name, "absent") for name in wanted.required}
    mode = answer.mode if not candidate and answer.mode not in ("600", "400", "") else ""
    return Check(
        missing=tuple(name for name, found in state.items() if found == "absent"),
        empty=tuple(name for name, found in state.items() if found == "empty"),
        placeholder=tuple(sorted(name for name in weak if states.get(name) == "set")),
        unknown=tuple(sorted(name for name, found in states.items() if found != "absent" and name not in wanted.known)),
        mode=mode,
        present=candidate or answer.sha256 != "none",
    )


def diff(answer: Answer, wanted: Wanted, services: frozenset[str]) -> Diff:
    """Compare the candidate with the host's file.

    :param services: those that are deployed; the others of the compose file are infrastructure.
    """
    moved = {service for service, new in answer.new.items() if answer.old.get(service) not in (None, new)}
    stale = {name for name in services if answer.live.get(name) and answer.live[name] != answer.new.get(name)}
    order = list(wanted.used)
    return Diff(
        added=tuple(name.name for name in answer.names if (name.host, name.candidate != "absent") == ("absent", True)),
        removed=tuple(name.name for name in answer.names if name.host != "absent" and name.candidate == "absent"),
        changed=tuple(
            name.name for name in answer.names if not name.same and "absent" not in (name.host, name.candidate)
        ),
        redeploy=tuple(name for name in order if name in services and name in stale & answer.new.keys()),
        recreate=tuple(name for name in order if name in moved - services and name in answer.old),
    )


def check_lines(found: Check, wanted: Wanted, where: str) -> list[Line]:
    """The verdict for people."""
    if not found.present:
        return [Line(f"There is no {where}.", Tone.BAD), Line("Make it: inv env.push FILE (compose/.env.example)")]
    lines = [Line(f"{name}: missing; {_users(name, wanted)}", Tone.BAD) for name in found.missing]
    lines += [Line(f"{name}: empty; {_users(name, wanted)}", Tone.BAD) for name in found.empty]
    lines += [Line(f"{name}: still the placeholder", Tone.BAD) for name in found.placeholder]
    lines += [
        Line(f"{name}: unknown; no service uses it, and .env.example does not explain it", Tone.CAREFUL)
        for name in found.unknown
    ]
    if found.mode:
        lines.append(Line(f"Its mode is {found.mode}: others on the host may read it; chmod 600 it there.", Tone.BAD))
    summary = Line(f"{where} has all that the services need.", Tone.GOOD)
    return lines + ([summary] if found.complete else [Line("Set a value: inv env.set NAME", Tone.STRONG)])


def _users(name: str, wanted: Wanted) -> str:
    services = wanted.required.get(name, ())
    return f"needed by {', '.join(services)}"


def diff_lines(found: Diff) -> list[Line]:
    """The names for people: what is added, removed, changed, and who would see it when."""
    if not found.anything:
        lines = [Line("No value differs.", Tone.GOOD)]
    else:
        lines = [Line(f"+ {name}", Tone.GOOD) for name in found.added]
        lines += [Line(f"- {name}", Tone.BAD) for name in found.removed]
        lines += [Line(f"~ {name}", Tone.CAREFUL) for name in found.changed]
    for service in found.redeploy:
        lines.append(Line(f"{service} sees it with its next deploy: inv deploy.{service}"))
    if found.recreate:
        names = " ".join(found.recreate)
        lines.append(Line(f"Replaced by the next inv host.up, after a yes: {names}", Tone.CAREFUL))
    if "DB_PASS" in found.changed:
        lines.append(Line("Postgres keeps the password its data was made with: docs/environment.md", Tone.CAREFUL))
    return lines


def check_json(found: Check, wanted: Wanted) -> dict[str, Any]:
    """The shape that ``--json`` prints."""
    needed = {name: list(wanted.required[name]) for name in (*found.missing, *found.empty)}
    return {
        **{key: _plain(value) for key, value in asdict(found).items()},
        "complete": found.complete,
        "needed_by": needed,
    }


def diff_json(found: Diff) -> dict[str, Any]:
    """The shape that ``--json`` prints."""
    return {key: _plain(value) for key, value in asdict(found).items()}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
