"""The schemas in docs/schema: what they are made of, and how an output of ``--json`` is held against them.

``python -m tests.schemas`` writes them. Most come from the dataclasses that are printed; the rest is written here.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import types
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from behindy_ops.checks.check import FixKind, Level
from behindy_ops.env.diff import Diff
from behindy_ops.errors import Kind
from behindy_ops.facts.release import Release
from behindy_ops.provision.adopt import Adoptee
from behindy_ops.report import events
from behindy_ops.scaffold.missing import Missing
from behindy_ops.views import certs, disk, env, mem, network, nginx, prune, ps, stats, status
from behindy_ops.views.view import ONLY_OF_A_SWARM
from sandbox.host.info import SandboxInfo

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schema"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
YES_OR_NO: Schema = {"type": "boolean"}

VIEWS: dict[str, tuple[str, type]] = {
    "ops.mem": ("mem", mem.MemoryView),
    "ops.stats": ("stats", stats.StatsView),
    "ops.ps": ("ps", ps.PsView),
    "ops.disk": ("disk", disk.DiskView),
    "ops.prune": ("prune", prune.PruneView),
    "ops.network": ("network", network.NetworkView),
    "ops.nginx": ("nginx", nginx.NginxView),
    "ops.env": ("env", env.EnvView),
    "ops.certs": ("certs", certs.CertsView),
    "deploy.status": ("status", status.StatusView),
}
"""Each view's task, its name in ``view``, and the dataclass that is its JSON."""

STREAMS = (
    *("db.backup", "db.fetch", "db.restore", "deploy.SERVICE", "deploy.all", "deploy.maintenance"),
    *("deploy.recover", "deploy.rollback", "ops.restart"),
)
"""Tasks that print events as they come; their schema is that of one line."""

LINES = ("deploy.history", "ops.logs")
"""Tasks that print one object a line, all of one schema."""


def of(kind: Any) -> Schema:
    """Return the schema of a type, as ``json.dumps`` writes its values."""
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        fields = {field.name: of(hints[field.name]) for field in dataclasses.fields(kind)}
        return record(fields, {name for name in fields if name in ONLY_OF_A_SWARM})
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [of(each) for each in inner]}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": of(inner[1])}
    if isinstance(origin, type) and issubclass(origin, Collection):
        return {"type": "array", "items": of(inner[0])}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [each.value for each in kind]}
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return {"type": names[kind]}


def record(fields: Mapping[str, Schema], optional: Collection[str] = ()) -> Schema:
    """Return the schema of an object."""
    needed = [name for name in fields if name not in optional]
    return {"type": "object", "properties": dict(fields), "required": needed}


ERROR: Schema = record(
    {
        "error": {"enum": [kind.name.lower() for kind in Kind], "description": "what kind of error it is"},
        "what": {"type": "string", "description": "what happened"},
        "state": {"type": "string", "description": "what state the host is in; empty where none was involved"},
        "remedy": {"type": "string", "description": "what to do or type next; may be empty"},
        "exit_code": {"type": "integer", "minimum": 1, "maximum": 255},
        "title": {"type": "string", "description": "the kind of error in words"},
        "lines": {"type": "array", "items": TEXT, "description": "evidence, such as the last lines of a log"},
        "at": {"type": "string", "format": "date-time"},
        "event": {"const": "failed"},
        "environment": TEXT,
    },
    {"title", "lines", "at", "event", "environment"},
)
ENDS = {name: {"$ref": f"error.json#/properties/{name}"} for name in ("error", "what", "state", "remedy", "exit_code")}
"""What an object has beside its own fields when the task ends with an exit code because of what it shows."""

FIX = record({"kind": {"enum": [kind.name.lower() for kind in FixKind]}, "target": TEXT, "does": TEXT})
CHECK = record(
    {"name": TEXT, "level": of(Level), "problem": TEXT, "subject": TEXT, "found": TEXT, "remedy": TEXT},
)
HOLDER = {"anyOf": [{"type": "object", "additionalProperties": TEXT}, {"type": "null"}]}


def _shown() -> Iterator[tuple[str, Schema]]:
    """Yield the tasks that print one object, or objects of one kind, with the schema of it."""
    for task, (name, kind) in VIEWS.items():
        yield task, _with(of(kind), {"view": {"const": name}}, {})
    findings = record(
        {
            **dict.fromkeys(("name", "subject", "symptom", "cause", "remedy"), TEXT),
            "evidence": TEXTS,
            "severity": {"enum": ["trouble", "risk"]},
            "fix": {"anyOf": [FIX, {"type": "null"}]},
        }
    )
    doctor = {
        "view": {"const": "doctor"},
        "healthy": YES_OR_NO,
        "services": TEXTS,
        "findings": {"type": "array", "items": findings},
        "fixed": {"type": "array", "items": FIX},
        "helps_most": TEXT,
    }
    checks = {"type": "array", "items": CHECK}
    yield "ops.doctor", _with(record(doctor), {}, ENDS)
    ready = record({"service": TEXT, "ready": YES_OR_NO, "checks": checks})
    yield "deploy.check", _with(record({"services": {"type": "array", "items": ready}}), {}, ENDS)
    host = {"host": TEXT, "ready": YES_OR_NO, "checks": checks, "helps_most": TEXT}
    yield "host.check", _with(record(host), {}, ENDS)
    more = {"live": YES_OR_NO, "previous": YES_OR_NO, "on_disk": YES_OR_NO}
    releases = {"type": "array", "items": _with(of(Release), more, {})}
    yield "deploy.releases", _with(record({"service": TEXT, "releases": releases}), {}, {})
    yield "host.adopt", _with(record({"services": {"type": "array", "items": of(Adoptee)}}), {}, {})
    names = dict.fromkeys(("missing", "empty", "placeholder", "dollar", "unknown"), TEXTS)
    needed_by = {"type": "object", "additionalProperties": TEXTS}
    file = {**names, "mode": TEXT, "present": YES_OR_NO, "complete": YES_OR_NO, "needed_by": needed_by}
    yield "env.check", _with(record(file), {}, ENDS)
    yield "env.diff", _with(of(Diff), {}, {})
    yield "env.push", _with(of(Diff), {"replaced": YES_OR_NO}, {})
    yield "lock.status", _with(record({"hold": HOLDER, "lease": HOLDER}), {}, {})
    yield "init", record({"written": TEXTS, "kept": TEXTS})
    yield "sandbox.info", of(SandboxInfo)


def _with(schema: Schema, more: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object with more fields, and with ``environment``, if one is chosen."""
    properties = {"environment": TEXT, **more, **schema["properties"], **more, **optional}
    return {**schema, "properties": properties, "required": list(dict.fromkeys([*more, *schema["required"]]))}


def _events() -> list[Schema]:
    told = []
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)]
    for kind in (kind for kind in kinds if not kind.__subclasses__() and kind is not events.Failed):
        name = json.loads(events.to_json(_made(kind), _NOW))["event"]
        told.append(_with(of(kind), {"at": {"type": "string", "format": "date-time"}, "event": {"const": name}}, {}))
    return told


_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _made(kind: type) -> Any:
    return kind(**dict.fromkeys((field.name for field in dataclasses.fields(kind)), ""))


def _history() -> Schema:
    known = dict.fromkeys(("at", "event", "kind", "service", "release", "tag", "outcome", "reason", "who"), TEXT)
    return {"type": "object", "properties": known, "required": ["event"], "additionalProperties": True}


def written() -> dict[str, Schema]:
    """Return every file of the folder, by its name."""
    files = {task: _document(f"inv {task} --json", shown) for task, shown in _shown()}
    lacks = of(Missing)
    files["init"]["anyOf"].insert(1, {"$ref": "#/$defs/missing"})
    files["init"]["$defs"]["missing"] = lacks
    files["deploy.history"] = _document("a line of inv deploy.history --json", _history())
    line = record(dict.fromkeys(("container", "task", "node", "at", "text"), TEXT), {"task", "node"})
    files["ops.logs"] = _document("a line of inv ops.logs --json", line)
    files["events"] = _document("a line of a task that tells events, with --json", {"anyOf": _events()})
    files["error"] = {"$schema": DIALECT, "title": "how a task with --json ends that fails", **ERROR}
    return {f"{name}.json": schema for name, schema in files.items()}


DIALECT = Draft202012Validator.META_SCHEMA["$id"]


def _document(title: str, shown: Schema) -> Schema:
    ends = [{"$ref": "#/$defs/shown"}, {"$ref": "error.json"}]
    return {"$schema": DIALECT, "title": title, "anyOf": ends, "$defs": {"shown": shown}}


def schema_of(task: str, services: Iterable[str] = ()) -> str:
    """Return the file with the schema of what a task prints."""
    if task in STREAMS or task.removeprefix("deploy.") in services:
        return "events.json"
    return f"{task}.json"


@cache
def _validator(name: str) -> Draft202012Validator:
    """Return what checks against a schema as it stands in docs/, and lets no field pass that is not there."""
    texts = {file.name: closed(json.loads(file.read_text(encoding="utf-8"))) for file in FOLDER.glob("*.json")}
    resources = [(each, DRAFT202012.create_resource(schema)) for each, schema in texts.items()]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator({"$ref": name}, registry=registry)


def closed(schema: Any) -> Any:
    """Return a schema that lets no field pass that it does not name: readers of a later version have to."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: closed(each) for name, each in schema.items()}
    if isinstance(shut.get("properties"), dict) and "additionalProperties" not in shut:
        shut["additionalProperties"] = False
    return shut


def documents(text: str) -> list[Any]:
    """Return the JSON values of an output, one after the other.

    Raises:
        ValueError: there is anything else in it.
    """
    found, place, decoder = [], 0, json.JSONDecoder()
    while rest := text[place:].lstrip():
        value, end = decoder.raw_decode(rest)
        found.append(value)
        place = len(text) - len(rest) + end
    return found


def held(name: str, value: Any) -> None:
    """Hold a value against a schema.

    Raises:
        AssertionError: it is not as the schema says; each difference with its place.
    """
    wrong = [f"{error.json_path}: {error.message}" for error in _flat(_validator(name).iter_errors(value))]
    assert not wrong, f"{name}: {wrong}\n{json.dumps(value)[:2000]}"


def _flat(errors: Iterable[Any]) -> Iterator[Any]:
    for error in errors:
        yield from _flat(error.context) if error.context else (error,)


def as_text(schema: Schema) -> str:
    return json.dumps(copy.deepcopy(schema), indent=2, ensure_ascii=False) + "\n"


def check_output(task: str, out: str, code: int, services: Sequence[str] = ()) -> list[Any]:
    """Check the whole standard output of a task with ``--json``, and return what is in it.

    Raises:
        AssertionError: something in it is no JSON, or not as the schema says, or it does not end as the exit code says.
    """
    try:
        told = documents(out)
    except ValueError as error:
        raise AssertionError(f"{task}: {error}:\n{out[:2000]}") from None
    for each in told:
        held(schema_of(task, services), each)
    if code:
        assert told, f"{task} ended with {code} and said nothing"
        assert told[-1].get("exit_code") == code, told[-1]
        held("error.json", {name: told[-1].get(name) for name in ENDS})
    else:
        assert not any("exit_code" in each for each in told)
    return told


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, content in written().items():
        (FOLDER / file_name).write_text(as_text(content), encoding="utf-8")
