"""What is told while work goes on: one stream of events, shown by any of the renderers beside this file.

As JSON an event is one line, ASCII only: ``{"at": "<ISO 8601>", "event": "<name>", ...}`` with the fields of its class
here; times are in seconds. Names and fields are only ever added.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from behindy_ops.errors import BehindyError


@dataclass(frozen=True)
class DeployStarted:
    """A deploy of one service begins.

    Attributes:
        release: what is deployed, as far as it is known by now: a repository, a digest or an id.
    """

    service: str
    tag: str
    host: str
    release: str = ""


@dataclass(frozen=True)
class StepStarted:
    """A step begins. Several may run at once; ``step`` tells them apart, ``title`` is for people."""

    step: str
    title: str


@dataclass(frozen=True)
class StepProgress:
    """What a running step is at."""

    step: str
    text: str


@dataclass(frozen=True)
class StepDone:
    """A step ended well."""

    step: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class StepFailed:
    """A step ended badly."""

    step: str
    seconds: float
    reason: str


@dataclass(frozen=True)
class Decision:
    """What was found, and what is done because of it."""

    text: str


@dataclass(frozen=True)
class Note:
    """Good to know; nothing to do."""

    text: str


@dataclass(frozen=True)
class Warning_:  # noqa: N801 - Warning is a builtin
    """Something a person should look at; the work goes on."""

    text: str


@dataclass(frozen=True)
class Logs:
    """Lines from somewhere else, such as a container's log."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What would be done, in order."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """The run ended with an error; the fields are those of :class:`behindy_ops.errors.BehindyError`."""

    title: str
    what: str
    state: str = ""
    remedy: str = ""
    lines: tuple[str, ...] = ()
    exit_code: int = 1


@dataclass(frozen=True)
class DeployFinished:
    """A deploy of one service ended.

    Attributes:
        outcome: ``live``, ``unchanged``, ``refused``, ``switched back``, or ``planned``.
        seconds: from its beginning.
        facts: what else is worth knowing, by name; empty values say nothing.
    """

    service: str
    outcome: str
    seconds: float
    facts: Mapping[str, str] = field(default_factory=dict)


Event = (
    DeployStarted
    | StepStarted
    | StepProgress
    | StepDone
    | StepFailed
    | Decision
    | Note
    | Warning_
    | Logs
    | Plan
    | Failed
    | DeployFinished
)


def failed(error: BehindyError) -> Failed:
    """Return the event for an error."""
    return Failed(error.title, error.what, error.state, error.remedy, error.lines, error.exit_code)


def to_json(event: Event, at: datetime) -> str:
    """One line of JSON, without the newline.

    Args:
        at: when it happened; an aware time.
    """
    fields: dict[str, Any] = {part.name: _plain(getattr(event, part.name)) for part in dataclasses.fields(event)}
    return json.dumps({"at": at.isoformat(timespec="milliseconds"), "event": _name(event)} | fields)


def _name(event: Event) -> str:
    """What JSON calls it: the name of its class, in snake case."""
    return re.sub(r"\B(?=[A-Z])", "_", type(event).__name__.rstrip("_")).lower()


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    return dict(value) if isinstance(value, Mapping) else value
