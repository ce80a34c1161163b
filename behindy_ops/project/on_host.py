"""The project's compose file as the host has it: there it always is ``compose/docker-compose.yml``.

The host directory stands for the project's folder. So a path that is relative to the compose file stays as it is where
that is in ``compose/`` here too; of a compose file in the project's folder itself, ``./nginx`` becomes ``../nginx``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from behindy_ops.errors import Kind

_SENT = "nginx"
"""The folder that is put on the host beside the compose file."""

_DEFAULT = re.compile(r"(\$\{\w+:?[-+])(\.[^${}]*)(\}.*)")
"""A path that is a variable with a relative path as its default."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A scalar with a path in it, by its key.

    Attributes:
        whole: it is a path and nothing else; otherwise it may be ``source:target``, or the name of a volume.
    """

    key: str
    node: ScalarNode
    whole: bool = True


def for_host(text: str, folder: Path) -> str:
    """Return the text of a compose file that is in the project's folder itself, as the host is to have it.

    Args:
        folder: the project's.

    Raises:
        Kind.COMPOSE_INVALID: a path in it leads to what the host does not have; with one line for each.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    mistakes: list[str] = []
    changes: dict[int, tuple[int, str]] = {}
    for place in _places(root):
        value = place.node.value
        path = value if place.whole else _source(value)
        try:
            moved = _moved(path, folder, whole=place.whole)
        except ValueError as error:
            mistakes.append(f"{place.key}: {error}")
            continue
        if moved != path:
            changes[place.node.start_mark.index] = (place.node.end_mark.index, moved + value[len(path) :])
    mistakes += [f"{key}: a file beside this one, which the host does not have" for key in _others(root)]
    if mistakes:
        raise Kind.COMPOSE_INVALID(
            "The compose file names what is not put on the host.",
            remedy="Keep the compose file and what it names in compose/, or correct it.",
            lines=tuple(mistakes),
        )
    for start, (end, value) in sorted(changes.items(), reverse=True):
        text = text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]
    return text


def _source(volume: str) -> str:
    """Return the first part of ``source:target``; a ``${NAME:-default}`` in it has a colon, too."""
    depth = 0
    for position, character in enumerate(volume):
        depth += (character == "{") - (character == "}")
        if character == ":" and depth == 0:
            return volume[:position]
    return volume


def _moved(path: str, folder: Path, *, whole: bool) -> str:
    """Return a path as it reads from ``compose/`` on the host.

    Raises:
        ValueError: there is no such path; the text says why.
    """
    if default := _DEFAULT.fullmatch(path):
        return f"{default[1]}{_moved(default[2], folder, whole=True)}{default[3]}"
    if path.startswith("$") and re.search(r"[-+]\.{1,2}(/|\})", path):
        raise ValueError("a relative path as a variable's default, within another; write it as ${NAME:-./path}")
    if path.startswith(("/", "~", "$")) or not (whole or path.startswith(".")):
        return path  # absolute, or the name of a volume
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == "..":
            if not parts:
                raise ValueError(f"{path} is outside the project's folder")
            parts.pop()
        else:
            parts.append(part)
    inner = "/".join(parts)
    if parts[:1] != [_SENT] and inner != ".env" and (folder / inner).is_file():
        raise ValueError(f"{path} is a file that is not put on the host; only compose/ and nginx/ are")
    return f"../{inner}" if inner else ".."


def _places(root: Node | None) -> Iterator[_Place]:
    for name, service in _items(_child(root, "services")):
        for number, volume in enumerate(_entries(_child(service, "volumes"))):
            yield from _of_volume(f"services.{name}.volumes[{number}]", volume)
        for what in ("env_file", "label_file"):
            files = _child(service, what)
            for entry in _entries(files) or filter(None, [files]):
                yield from _whole(f"services.{name}.{what}", _child(entry, "path") or entry)
    for group in ("configs", "secrets"):
        for name, declared in _items(_child(root, group)):
            yield from _whole(f"{group}.{name}.file", _child(declared, "file"))


def _of_volume(key: str, volume: Node) -> Iterator[_Place]:
    if isinstance(volume, ScalarNode):
        yield _Place(key, volume, whole=False)
        return
    kind, source = _child(volume, "type"), _child(volume, "source")
    if kind is not None and kind.value == "bind":
        yield from _whole(f"{key}.source", source)


def _whole(key: str, node: Node | None) -> Iterator[_Place]:
    if isinstance(node, ScalarNode):
        yield _Place(key, node)


def _others(root: Node | None) -> Iterator[str]:
    """Yield the keys of what is read from other compose files."""
    if _child(root, "include") is not None:
        yield "include"
    for name, service in _items(_child(root, "services")):
        if _child(_child(service, "extends"), "file") is not None:
            yield f"services.{name}.extends.file"


def _items(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield what is in a mapping by name, after what is merged into it. What an anchor names is one node everywhere."""
    if isinstance(node, MappingNode):
        for merged in (value for key, value in node.value if key.value == "<<"):
            for each in _entries(merged) or [merged]:
                yield from _items(each)
        yield from ((key.value, value) for key, value in node.value if key.value != "<<")


def _child(node: Node | None, name: str) -> Node | None:
    return dict(_items(node)).get(name)  # what a mapping has itself comes after what is merged into it, and wins


def _entries(node: Node | None) -> list[Node]:
    return node.value if isinstance(node, SequenceNode) else []
