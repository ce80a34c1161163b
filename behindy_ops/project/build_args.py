"""What an image is built with where nobody says: the values that the compose file gives the same names. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.interpolation import fill_in


def completed(given: str, compose: ComposeFile, service: str) -> str:
    """Return build arguments, one ``NAME=value`` a line, without empty ones.

    One that is empty gets the value that the service has by the compose file when nothing is set (``build.args``, else
    ``environment``). Where there is none it is left out, so that the Dockerfile's own default counts.

    Args:
        service: its key in the compose file, or its container's name.
        given: lines of ``NAME=value``; blank ones and comments are passed over.
    """
    known_as = {str(each.get("container_name", "")): key for key, each in compose.stanzas.items()}
    stanza = known_as.get(service, service)
    pairs = [line.strip().partition("=") for line in given.splitlines()]
    told = {name.strip(): value for name, _, value in pairs if name.strip() and not name.lstrip().startswith("#")}
    declared = (compose.environment(stanza) or {}) | _built_with(compose, stanza)
    known = {name: value for name, value in told.items() if value.strip()}
    filled = {name: value if name in known else _default(declared.get(name), known) for name, value in told.items()}
    return "".join(f"{name}={value}\n" for name, value in filled.items() if value)


def _default(text: str | None, known: Mapping[str, str]) -> str:
    try:
        value = fill_in(text or "", known)
    except KeyError:  # it is set on the host alone
        return ""
    return "" if "\n" in value else value


def _built_with(compose: ComposeFile, stanza: str) -> dict[str, str | None]:
    build = compose.stanzas.get(stanza, {}).get("build")
    args = build.get("args") if isinstance(build, dict) else None
    if isinstance(args, dict):
        return {str(name): None if value is None else str(value) for name, value in args.items()}
    pairs = (str(entry).partition("=") for entry in args or ())
    return {name: value if equals else None for name, equals, value in pairs}
