"""``ops.env``: the names of a service's environment, where each comes from, whether it has a value. Pure; no values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.facts.release import released_as
from behindy_ops.project.interpolation import all_names, fill_in, references
from behindy_ops.project.services import Service
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.view import Seen, View

MASKED = "********"


@dataclass(frozen=True, slots=True)
class EnvName:
    """One name of the container's environment, and the names in ``.env`` its value is made of; no value."""

    name: str
    origin: str
    names: tuple[str, ...]
    live: str
    next: str
    changed: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class EnvView:
    """All names of a service, and whether those that have changed in ``.env`` are known."""

    service: str
    release: str
    outdated: bool
    compared: bool
    names: tuple[EnvName, ...]


def view(service: Service) -> View[EnvView]:
    """Return the view of one service's environment."""
    return View(
        "env",
        partial(describe, service),
        lines,
        survey="containers environment configured",
        script="ops/env",
        asks=lambda session: (session.settings.host_dir, service.name),
    )


def describe(service: Service, seen: Seen) -> EnvView:
    """Say where a service's environment comes from.

    Raises:
        Kind.COMPOSE_INVALID: the host's compose file cannot be read.
    """
    survey = seen.survey
    live, image = seen.values("live"), seen.values("image")
    container = survey.containers.get(service.name)
    release = released_as(container) if container else None
    changed = set(seen.lines("changed"))
    stanza, secrets = _declared(seen.text("compose"), service.stanza)
    names = [*stanza, *(name for name in (image | live) if name not in stanza)]
    described = [
        _name(name, stanza, image, live if container else None, survey.environment, changed)
        for name in dict.fromkeys(names)
    ]
    described += [_secret(name, made_of, survey.environment, changed) for name, made_of in secrets.items()]
    return EnvView(
        service.name,
        release.id if release else "",
        bool(release and release.config and release.config != survey.config.get(service.name, release.config)),
        "known" in changed,
        tuple(described),
    )


def _declared(text: str, service: str) -> tuple[dict[str, str | None], dict[str, str]]:
    """Return name to the text the compose file gives it, None where it gives none; and its secrets.

    Raises:
        Kind.COMPOSE_INVALID: it does not declare the service.
    """
    from behindy_ops.project.compose import ComposeFile

    compose = ComposeFile.parse(text)
    declared = compose.environment(service)
    if declared is None:
        raise Kind.COMPOSE_INVALID(
            f"The compose file on the host does not declare {service}.",
            state=UNCHANGED,
            remedy="Put this project's compose/ there again: inv host.sync",
        )
    return declared, compose.secrets(service)


def _secret(name: str, made_of: str, environment: Mapping[str, bool], changed: set[str]) -> EnvName:
    """Describe what the container gets as a file; what is in that of the live one is not looked at."""
    if not made_of:
        return EnvName(name, "secret, a file", (), "set", "set")
    state = "set" if environment.get(made_of, False) else "empty"
    trouble = _trouble(state, state, "secret" if state == "set" else "nothing")
    return EnvName(name, "secret, .env", (made_of,), state, state, made_of in changed, trouble)


def _name(
    name: str,
    stanza: Mapping[str, str | None],
    image: Mapping[str, str],
    live: Mapping[str, str] | None,
    environment: Mapping[str, bool],
    changed: set[str],
) -> EnvName:
    mentioned: set[str] = set()
    if name in stanza:
        text = stanza[name]
        text = f"${{{name}-}}" if text is None else text
        used, origin, next_ = _composed(text, environment)
        mentioned = set(all_names(text))
    elif name in image:
        used, origin, next_ = (), "image", image[name]
    else:
        used, origin, next_ = (), "unknown", "absent"
    there = "no container" if live is None else live.get(name, "absent")
    return EnvName(name, origin, used, there, next_, bool(changed & mentioned), _trouble(there, next_, origin))


def _composed(text: str, environment: Mapping[str, bool]) -> tuple[tuple[str, ...], str, str]:
    """Return the names it is made of, where its value comes from, and whether it has one."""
    outer = list(references(text))
    if not outer:
        return (), "compose literal", "set" if text else "empty"
    used: list[str] = []
    origins = set()
    for reference in outer:
        if environment.get(reference.name, False):
            used.append(reference.name)
            origins.add(".env")
        elif reference.operator.endswith("-"):
            origins.add("compose default")
            used += _composed(reference.word, environment)[0]
    origin = next((origin for origin in (".env", "compose default") if origin in origins), "nothing")
    return tuple(dict.fromkeys(used)), origin, "set" if _has_value(text, environment) else "empty"


def _has_value(text: str, environment: Mapping[str, bool]) -> bool:
    """Return whether anything is left of the text when each name with a value is replaced by a sign."""
    try:
        return bool(fill_in(text, {name: "x" for name, has in environment.items() if has}))
    except KeyError:
        return False


def _trouble(live: str, next_: str, origin: str) -> str:
    if origin == "nothing":
        return "it has no value in .env and no default"
    if live in ("set", "empty") and next_ == "absent":
        return "only the live container has it"
    if live == "absent":
        return "not set in the live container; the next deploy sets it"
    if live not in ("no container", next_):
        return f"{live} in the live container, {next_} from the next deploy on"
    return ""


def lines(view: EnvView) -> list[Line]:
    """Lay the view out in 80 columns; a value is never in it."""
    columns = (Column("name", 34), Column("value", 10), Column("from"))
    rows, tones = [], []
    for each in view.names:
        state = each.next if each.live in ("no container", "absent") else each.live
        origin = f"{each.origin} ({', '.join(each.names)})" if each.names not in ((), (each.name,)) else each.origin
        note = f"{origin}; changed since" if each.changed else origin
        rows.append((each.name, MASKED if state == "set" else "(empty)", note))
        tones.append(Tone.BAD if each.trouble else Tone.CAREFUL if each.changed else Tone.PLAIN)
    heading = Line(f"{view.service}  {view.release or 'not deployed'}", Tone.STRONG)
    return [heading, *table(columns, rows, tones), Line(""), *_verdict(view)]


def _verdict(view: EnvView) -> list[Line]:
    told: list[Line] = []
    for each in view.names:
        if each.trouble:
            told += sentence(f"{each.name}: {each.trouble}", Tone.BAD)
    changed = [each.name for each in view.names if each.changed]
    if changed:
        told += sentence(f"Changed in .env since this release was started: {', '.join(changed)}.", Tone.CAREFUL)
    if view.outdated:
        effect = f"it takes effect with: inv deploy.{view.service}"
        told += sentence(f"The configuration has changed since this release was started; {effect}", Tone.CAREFUL)
    if view.release and not view.compared:
        told += sentence("The values in .env could not be compared: the release keeps no copy of its own.", Tone.FAINT)
    if not view.release:
        told += sentence(f"{view.service} is not deployed; this is what a deploy would give it.", Tone.CAREFUL)
    return told or [Line("The live container has what a deploy would give it now.", Tone.GOOD)]
