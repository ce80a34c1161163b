"""The page of JSON: the fields of what each task prints with ``--json``, from the classes they are made of."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.reference.markdown import table
from sandbox.reference.outputs import EVENTS, OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.reference.markdown import Page

MEANINGS = Path(__file__).parent / "fields.yml"

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


@dataclass(frozen=True)
class Field:
    """A field of an object, or of one within it.

    Attributes:
        path: such as ``containers[].used``.
        type: in the words of JSON.
        key: the class and the field that its meaning stands under.
    """

    path: str
    type: str
    key: str


def fields(kind: type, before: str = "") -> Iterator[Field]:
    """Yield the fields of a class, each followed by those of the objects in it."""
    hints = typing.get_type_hints(kind)
    for each in dataclasses.fields(kind):
        shape, inner, many = _shape(hints[each.name])
        path = f"{before}{each.name}"
        yield Field(path, shape, f"{_origin(kind, each.name)}.{each.name}")
        if inner is not None:
            yield from fields(inner, f"{path}[]." if many else f"{path}.")


def inner(kind: type) -> dict[str, type]:
    """Return the classes of the objects in a class's fields, by the fields' names."""
    hints = typing.get_type_hints(kind)
    shapes = {each.name: _shape(hints[each.name]) for each in dataclasses.fields(kind)}
    return {name: of for name, (_, of, _) in shapes.items() if of is not None}


def _origin(kind: type, name: str) -> str:
    """Return the class that a field was declared in, so that those that inherit it share its meaning."""
    declared = [base for base in kind.__mro__ if name in inspect.get_annotations(base)]
    return declared[-1].__name__.rstrip("_")


def _shape(hint: Any) -> tuple[str, type | None, bool]:
    """Return a type in the words of JSON, the class of the objects in it, and whether there are many of these."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _NAMES:
        return _NAMES[hint], None, False
    if origin in {types.UnionType, typing.Union}:
        told = [_shape(argument) for argument in arguments]
        inner = next(((kind, many) for _, kind, many in told if kind), (None, False))
        return " or ".join(shape for shape, _, _ in told), *inner
    if origin in {tuple, list}:
        shape, kind, _ = _shape(arguments[0])
        return f"array of {shape}", kind, True
    if origin is not None and issubclass(origin, typing.get_origin(typing.Mapping[str, str]) or dict):
        shape, kind, _ = _shape(arguments[1])
        return f"object of {shape}", kind, False
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "string", None, False
    return "object", hint, False


@cache
def meanings() -> dict[str, tuple[str, str]]:
    """Return what ``fields.yml`` says: by class and field, the unit and the meaning."""
    import yaml

    found: dict[str, tuple[str, str]] = {}
    for kind, told in yaml.safe_load(MEANINGS.read_text(encoding="utf-8")).items():
        for name, meaning in told.items():
            unit, text = meaning if isinstance(meaning, list) else ("", meaning)
            found[f"{kind}.{name}"] = unit, " ".join(text.split())
    return found


def problems() -> list[str]:
    """Return the fields without a meaning, and meanings of no field; in sentences."""
    roots = [*(output.kind for output in OUTPUTS.values() if output.kind), *EVENTS]
    wanted = {field.key for kind in roots for field in fields(kind)}
    known = meanings()
    lacking = [f"No meaning in fields.yml: {key}" for key in sorted(wanted - known.keys())]
    return [*lacking, *(f"No JSON has this field of fields.yml: {key}" for key in sorted(known.keys() - wanted))]


_ABOVE = """
Made from the code by ./inv docs. Sizes are in bytes, durations in seconds, times in RFC 3339, unless a unit says
otherwise. `[]` stands for each object of an array. Names and fields that change are listed in CHANGELOG.md.

Where an environment is chosen, each object has `environment`, its name, too. What is said of a swarm is left out
where there is none.

An error is the event `failed`, on standard output too: the last entry of this page. If the exit code is not 0, the
object of ops.doctor, host.check, deploy.check and env.check has `error`, `what`, `state`, `remedy` and `exit_code` as
well: docs/json.md.
"""
_EVENTS = "Events"
_OF_EVENTS = """
What deploys and other tasks that take a while print: each has `at`, the time, and `event`, its name, and the fields
of that name. Names and fields are only ever added.
"""


def page(page: Page) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from (f"# {page.text('JSON')}", "")
    yield from page.paragraphs(_ABOVE)
    for task, output in OUTPUTS.items():
        yield from (f"## {task}", "", page.text(output.form.value), "")
        if output.kind is None:
            continue
        rows = [("`view`", "string", "", f"`{output.view}`")] if output.view else []
        yield from (*_table(page, [*rows, *_rows(page, output.kind)]), "")
    yield from (f"## {page.text(_EVENTS)}", "", *page.paragraphs(_OF_EVENTS))
    for event in EVENTS:
        yield from (f"### {event_name(event)}", "", *page.paragraphs(_summary(event)))
        yield from (*_table(page, _rows(page, event)), "")


def _summary(event: type) -> str:
    summary = (event.__doc__ or "").partition("\n")[0].replace("``", "`")
    return re.sub(r"; [^;]*:class:.*", ".", summary)


def event_name(event: type) -> str:
    """Return the name of an event in JSON."""
    return re.sub(r"\B(?=[A-Z])", "_", event.__name__.rstrip("_")).lower()


def _rows(page: Page, kind: type) -> list[tuple[str, ...]]:
    known = meanings()
    told = [(field, *known.get(field.key, ("", ""))) for field in fields(kind)]
    return [(f"`{field.path}`", field.type, page.text(unit), page.text(text)) for field, unit, text in told]


def _table(page: Page, rows: list[tuple[str, ...]]) -> list[str]:
    return table([page.text(text) for text in ("field", "type", "unit", "meaning")], rows)
