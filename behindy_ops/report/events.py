"""What is told while work goes on: one stream of events, shown by any of the renderers beside this file.

As JSON an event is one line, ASCII only: ``{"at": "<ISO 8601>", "event": "<name>", ...}`` with the name of its class
in snake case, and the fields of it; times are in seconds. Each has ``environment``, too, if one is chosen. Names and
fields are only ever added.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from behindy_ops.errors import BehindyError


@dataclass(frozen=True)
class Event:
    """One thing that is told."""


@dataclass(frozen=True)
class DeployStarted(Event):
    """A deploy of one service begins.

    Attributes:
        release: what is deployed, as far as it is known by now: a repository, a digest or an id.
        environment: the chosen one's name, or empty.
    """

    service: str
    tag: str
    host: str
    release: str = ""
    environment: str = ""

    @property
    def target(self) -> str:
        """The host, with the environment's name if one is chosen."""
        return f"{self.environment} ({self.host})" if self.environment else self.host


@dataclass(frozen=True)
class StepStarted(Event):
    """A step begins. Several may run at once; ``step`` tells them apart, ``title`` is for people."""

    step: str
    title: str


@dataclass(frozen=True)
class StepProgress(Event):
    """What a running step is at."""

    step: str
    text: str


@dataclass(frozen=True)
class StepDone(Event):
    """A step ended well."""

    step: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class StepFailed(Event):
    """A step ended badly."""

    step: str
    seconds: float
    reason: str


@dataclass(frozen=True)
class Remark(Event):
    """A sentence beside the steps."""

    text: str


class Decision(Remark):
    """What was found, and what is done because of it."""


class Note(Remark):
    """Good to know; nothing to do."""


class Warning_(Remark):  # noqa: N801 - Warning is a builtin
    """Something a person should look at; the work goes on."""


@dataclass(frozen=True)
class Block(Event):
    """Lines below a title."""

    title: str
    lines: tuple[str, ...]


class Logs(Block):
    """Lines from somewhere else, such as a container's log."""


class Plan(Block):
    """What would be done, in order."""


@dataclass(frozen=True)
class Failed(Event):
    """The run ended with an error; the fields are those of :class:`behindy_ops.errors.BehindyError`.

    Attributes:
        error: what kind it is, for programs: ``lock_held``. The title says it to people.
    """

    title: str
    what: str
    state: str = ""
    remedy: str = ""
    lines: tuple[str, ...] = ()
    exit_code: int = 1
    error: str = "unexpected"


@dataclass(frozen=True)
class DeployFinished(Event):
    """A deploy of one service ended.

    Attributes:
        outcome: ``live``, ``unchanged``, ``older``, ``refused``, ``switched back``, or ``planned``.
        seconds: from its beginning.
        facts: what else is worth knowing, by name; empty values say nothing.
    """

    service: str
    outcome: str
    seconds: float
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TakenBack(Event):
    """A new release that had the traffic was taken back; a sentence on it is told to people beside this."""

    service: str
    reason: str


@dataclass(frozen=True)
class Recovered(Event):
    """What an interrupted run left of one service is in order, and that is recorded; likewise.

    Attributes:
        outcome: as in the history: ``live``, or ``not deployed``.
        tag: of the release that is live now.
        what: was seen, and done.
    """

    service: str
    outcome: str
    tag: str
    what: str


def failed(error: BehindyError) -> Failed:
    """Return the event for an error."""
    name = error.kind.name.lower()
    return Failed(error.title, error.what, error.state, error.remedy, error.lines, error.exit_code, name)


def error_fields(error: BehindyError) -> dict[str, object]:
    """Return what the last object on standard output has of an error, whichever task ended with it."""
    told = failed(error)
    return {name: getattr(told, name) for name in ("error", "what", "state", "remedy", "exit_code")}


def to_json(event: Event, at: datetime, environment: str = "") -> str:
    """One line of JSON, without the newline.

    Args:
        at: when it happened; an aware time.
        environment: the chosen one's name, which is in every line then; empty for none.
    """
    name = re.sub(r"\B(?=[A-Z])", "_", type(event).__name__.rstrip("_")).lower()
    fields = {part.name: _plain(getattr(event, part.name)) for part in dataclasses.fields(event)}
    if environment:
        fields["environment"] = environment
    return json.dumps({"at": at.isoformat(timespec="milliseconds"), "event": name, **fields})


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    return dict(value) if isinstance(value, Mapping) else value
