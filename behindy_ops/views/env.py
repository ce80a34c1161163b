"""``ops.env``: the names of a service's environment, where each comes from, whether it has a value. Pure; no values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.facts.release import released_as
from behindy_ops.project.interpolation import references
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.look import require_docker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from behindy_ops.views.look import Seen

__all__ = ["EnvName", "EnvView", "describe", "lines"]

MASKED = "********"


@dataclass(frozen=True, slots=True)
class EnvName:
    """One name of the container's environment. No value is ever known here.

    :param origin: where compose would take it from now: ``.env``, ``compose default``, ``compose literal``, ``image``,
        ``nothing`` (it has no value anywhere), or ``unknown`` (only the container has it).
    :param names: names in ``.env`` its value is made of.
    :param live: ``set``, ``empty`` or ``absent`` in the live container; ``no container`` without one.
    :param would: ``set`` or ``empty`` in one that is started now, ``absent`` if it would not have it.
    :param changed: its value in ``.env`` has changed since the live release was started.
    :param trouble: what is wrong, or empty.
    """

    name: str
    origin: str
    names: tuple[str, ...]
    live: str
    would: str
    changed: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class EnvView:
    """All names of a service.

    :param release: id of the live release, empty without one.
    :param outdated: a container started now would be configured otherwise than the live one.
    :param compared: whether the values in ``.env`` could be compared with those of the live release.
    """

    service: str
    release: str
    outdated: bool
    compared: bool
    names: tuple[EnvName, ...]


def describe(seen: Seen, service: str) -> EnvView:
    """Say where a service's environment comes from.

    :raises Kind.HOST_NOT_READY: Docker cannot be asked.
    :raises Kind.COMPOSE_INVALID: the host's compose file cannot be read.
    """
    require_docker(seen)
    survey = seen.survey
    live, image = seen.values("live"), seen.values("image")
    container = survey.containers.get(service)
    release = released_as(container) if container else None
    changed = set(seen.lines("changed"))
    stanza = _environment(seen.text("compose"), service)
    names = [*stanza, *(name for name in (image | live) if name not in stanza)]
    found = [
        _name(name, stanza, image, live if container else None, survey.environment, changed)
        for name in dict.fromkeys(names)
    ]
    return EnvView(
        service,
        release.id if release else "",
        bool(release and release.config and release.config != survey.config.get(service, release.config)),
        "known" in changed,
        tuple(found),
    )


def _environment(text: str, service: str) -> dict[str, str | None]:
    """Name to the text the compose file gives it, from either of Compose's forms; None where it names no value."""
    from behindy_ops.project.compose import ComposeFile

    found = ComposeFile.parse(text).environment(service)
    if found is None:
        raise Kind.COMPOSE_INVALID(
            f"The compose file on the host does not declare {service}.",
            state="Nothing was changed.",
            remedy="Copy this project's compose/ there again.",
        )
    return found


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
        used, origin, would = _composed(text, environment)
        mentioned = set(_mentioned(text))
    elif name in image:
        used, origin, would = (), "image", image[name]
    else:
        used, origin, would = (), "unknown", "absent"
    there = "no container" if live is None else live.get(name, "absent")
    return EnvName(name, origin, used, there, would, bool(changed & mentioned), _trouble(there, would, origin))


def _composed(text: str, environment: Mapping[str, bool]) -> tuple[tuple[str, ...], str, str]:
    """The names it is made of, where its value comes from, and whether it has one."""
    outer = list(references(text))
    if not outer:
        return (), "compose literal", "set" if text else "empty"
    used: list[str] = []
    origins, missing = set(), False
    for reference in outer:
        has = environment.get(reference.name, False)
        if has:
            used.append(reference.name)
            origins.add(".env")
        elif reference.operator.endswith("-"):
            origins.add("compose default")
            inner, _, _ = _composed(reference.word, environment)
            used += inner
        else:
            missing = True
    alone = len(outer) == 1 and not missing and "compose default" in origins
    value = _has_value(text, environment)
    if alone or ("compose default" in origins and ".env" not in origins):
        origin = "compose default"
    else:
        origin = ".env" if ".env" in origins else "nothing"
    return tuple(dict.fromkeys(used)), origin, "set" if value else "empty"


def _mentioned(text: str) -> Iterator[str]:
    for reference in references(text):
        yield reference.name
        yield from _mentioned(reference.word)


def _has_value(text: str, environment: Mapping[str, bool]) -> bool:
    """Whether something is left of the text with each name replaced by a sign if it has a value."""
    from behindy_ops.project.interpolation import fill_in

    known = {name: "x" for name, has in environment.items() if has}
    try:
        return bool(fill_in(text, known))
    except KeyError:
        return False


def _trouble(live: str, would: str, origin: str) -> str:
    if origin == "nothing":
        return "it has no value in .env and no default"
    if live in ("set", "empty") and would == "absent":
        return "only the live container has it"
    if live == "absent":
        return "the live container has it not; the next deploy gives it"
    if live not in ("no container", would):
        return f"{live} in the live container, {would} from the next deploy on"
    return ""


def lines(view: EnvView) -> list[Line]:
    """The view in 80 columns; a value is never in it."""
    columns = (Column("name", 34), Column("value", 10), Column("from"))
    rows, tones = [], []
    for one in view.names:
        state = one.would if one.live in ("no container", "absent") else one.live
        origin = f"{one.origin} ({', '.join(one.names)})" if one.names and one.names != (one.name,) else one.origin
        note = f"{origin}; changed since" if one.changed else origin
        rows.append((one.name, MASKED if state == "set" else "(empty)", note))
        tones.append(Tone.BAD if one.trouble else Tone.CAREFUL if one.changed else Tone.PLAIN)
    told = [
        Line(f"{view.service}  {view.release or 'not deployed'}", Tone.STRONG),
        *table(columns, rows, tones),
        Line(""),
    ]
    return [*told, *_verdict(view)]


def _verdict(view: EnvView) -> list[Line]:
    told: list[Line] = []
    for one in view.names:
        if one.trouble:
            told += sentence(f"{one.name}: {one.trouble}", Tone.BAD)
    changed = [one.name for one in view.names if one.changed]
    if changed:
        told += sentence(f"Changed in .env since this release was started: {', '.join(changed)}.", Tone.CAREFUL)
    if view.outdated:
        effect = f"it takes effect with: inv deploy.{view.service}"
        told += sentence(f"The configuration has changed since this release was started; {effect}", Tone.CAREFUL)
    if view.release and not view.compared:
        told += sentence("The values in .env could not be compared: the release keeps no copy of its own.", Tone.FAINT)
    if not view.release:
        told += sentence(f"{view.service} is not deployed; shown is what a deploy would give it.", Tone.CAREFUL)
    return told or [Line("The live container has what a deploy now would give it.", Tone.GOOD)]
