"""What traffic is made of and what comes out of it: plain data, the ready-made sets of streams, and the bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "BUCKET_SECONDS",
    "LATENCY_SECONDS",
    "Answers",
    "Bounds",
    "Latency",
    "Loss",
    "Seen",
    "Stream",
    "StreamFigures",
    "StreamKind",
    "TrafficResult",
    "check",
    "demo",
    "every_kind",
    "for_service",
    "percentile",
    "websocket",
]

BUCKET_SECONDS = 0.25
LATENCY_SECONDS = 1.0
"""Latencies are told over time for spans of this."""
_MAX_RATE = 400.0
_MAX_SECONDS = 7200.0
_MAX_REQUESTS = 1_000_000

# Routes that nginx limits by no rate, and that reach the service itself.
_OPEN_PATHS = {"frontend": "/", "backend": "/v3/api-docs", "llmserver": "/llm/"}
# What asks it inside the network, and where nginx listens for that (nginx/internal.conf).
_INSIDE = {"llmserver": ("backend", "http://nginx:8000/"), "backend": ("frontend", "http://nginx:8080/")}


class StreamKind(Enum):
    """How a stream asks.

    ``SLOW_BODY`` is a POST whose body takes ``holds`` seconds to arrive. ``PAGE`` is a page that stays open: it asks
    for the scripts of the page it was given, also once that release has been replaced. ``INSIDE`` asks from a container
    on the network, each time after a lookup; its path is a whole URL.
    """

    KEPT_ALIVE = "kept-alive"
    NEW_CONNECTION = "new-connection"
    POST = "post"
    WEBSOCKET = "websocket"
    SLOW_BODY = "slow-body"
    PAGE = "page"
    INSIDE = "inside"


@dataclass(frozen=True)
class Stream:
    """One steady flow of requests.

    ``rate`` is requests a second of all ``concurrency`` workers together; each worker has one connection and asks one
    thing at a time. ``holds`` is how many seconds the server is asked to hold the answer back: it is taken off the
    latency. ``releases``, if any, are the only ones allowed to answer. ``timeout`` is seconds on top of ``holds``.
    """

    name: str
    service: str
    path: str
    rate: float
    concurrency: int
    kind: StreamKind = StreamKind.KEPT_ALIVE
    holds: float = 0.0
    timeout: float = 10.0
    body_bytes: int = 4000
    tolerates_429: bool = False
    releases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bounds:
    """Where traffic stops by itself, whichever comes first."""

    max_seconds: float = 120.0
    max_requests: int = 30_000


@dataclass(frozen=True)
class Loss:
    """A request that was not answered as it should: ``at`` is seconds since the start."""

    at: float
    stream: str
    reason: str


@dataclass(frozen=True)
class StreamFigures:
    """What became of one stream; latencies in seconds. ``skipped`` slots passed while all its workers were waiting."""

    name: str
    service: str
    sent: int
    good: int
    lost: int
    limited: int
    skipped: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True)
class Answers:
    """How many answers a release gave in the ``BUCKET_SECONDS`` from ``at`` (seconds since the start) on."""

    service: str
    at: float
    release: str
    count: int


@dataclass(frozen=True)
class Latency:
    """The latencies of ``count`` good answers in the ``LATENCY_SECONDS`` from ``at`` (seconds since the start) on."""

    at: float
    count: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True)
class Seen:
    """The first and last answer of a release, in seconds since the epoch."""

    service: str
    release: str
    first: float
    last: float
    count: int


@dataclass(frozen=True)
class TrafficResult:
    """Everything that was measured.

    ``started`` is in seconds since the epoch, latencies in seconds. ``losses`` are the first twenty. ``ended_by`` is
    ``running`` in a snapshot, ``stop`` after ``Traffic.stop``, else the bound that ended it before.
    """

    started: float
    seconds: float
    sent: int
    lost: int
    limited: int
    p50: float
    p99: float
    longest: float
    ended_by: str
    streams: tuple[StreamFigures, ...]
    losses: tuple[Loss, ...]
    answers: tuple[Answers, ...]
    seen: tuple[Seen, ...]
    latencies: tuple[Latency, ...] = ()

    def first_answer(self, service: str, release: str) -> float | None:
        """When ``release`` first answered, in seconds since the epoch; None if it never did."""
        return next((seen.first for seen in self.seen if (seen.service, seen.release) == (service, release)), None)

    def last_answer(self, service: str, release: str) -> float | None:
        """When ``release`` last answered, in seconds since the epoch; None if it never did."""
        return next((seen.last for seen in self.seen if (seen.service, seen.release) == (service, release)), None)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TrafficResult:
        """The inverse of ``dataclasses.asdict``."""
        parts = {
            "streams": tuple(StreamFigures(**item) for item in data["streams"]),
            "losses": tuple(Loss(**item) for item in data["losses"]),
            "answers": tuple(Answers(**item) for item in data["answers"]),
            "seen": tuple(Seen(**item) for item in data["seen"]),
            "latencies": tuple(Latency(**item) for item in data["latencies"]),
        }
        return cls(**{**data, **parts})


def for_service(service: str) -> tuple[Stream, ...]:
    """57 requests a second at ``service`` in every manner, plus a WebSocket on backend while another is replaced."""
    path = _open_path(service)
    slow = f"{path}?sleep=2"
    streams = (
        Stream(f"{service} kept-alive", service, path, rate=40, concurrency=4),
        Stream(f"{service} new connections", service, path, rate=10, concurrency=4, kind=StreamKind.NEW_CONNECTION),
        Stream(f"{service} slow", service, slow, rate=2, concurrency=6, holds=2.0),
        Stream(f"{service} POST", service, path, rate=5, concurrency=2, kind=StreamKind.POST),
    )
    return streams if service == "backend" else (*streams, websocket())


def demo() -> tuple[Stream, ...]:
    """The manners of ``for_service`` for all three services together, 114 requests a second, no WebSocket."""
    streams: list[Stream] = []
    for service in _OPEN_PATHS:
        kept, new, slow, post = for_service(service)[:4]
        streams += (replace(kept, rate=25), replace(new, rate=8), slow, replace(post, rate=3))
    return tuple(streams)


def every_kind() -> tuple[Stream, ...]:
    """What may ask while any service is replaced: users and applications, some 70 requests a second, no WebSocket."""
    streams: list[Stream] = []
    for service, path in _OPEN_PATHS.items():
        kept, new, slow, post = for_service(service)[:4]
        streams += (replace(kept, rate=8), replace(new, rate=4), replace(slow, rate=1, concurrency=3))
        streams += (replace(post, rate=1), _slow_body(service, path))
    for service, (asker, url) in _INSIDE.items():
        name = f"{service} asked by {asker}"
        streams += (
            Stream(name, service, url, rate=10, concurrency=4, kind=StreamKind.INSIDE),
            Stream(f"{name}, slow", service, f"{url}?sleep=2", 1, concurrency=3, kind=StreamKind.INSIDE, holds=2.0),
        )
    return (*streams, Stream("frontend page", "frontend", "/", rate=8, concurrency=2, kind=StreamKind.PAGE))


def _slow_body(service: str, path: str) -> Stream:
    """One upload of 30 kB after the other: more than nginx's buffer, which goes to its place for bodies."""
    kind, name = StreamKind.SLOW_BODY, f"{service} slow body"
    return Stream(name, service, path, rate=0.5, concurrency=2, kind=kind, holds=3.0, body_bytes=30_000)


def websocket() -> Stream:
    """One WebSocket on backend that counts five times a second and demands the echo of each count in order."""
    return Stream("backend WebSocket", "backend", "/ws", rate=5, concurrency=1, kind=StreamKind.WEBSOCKET)


def _open_path(service: str) -> str:
    try:
        return _OPEN_PATHS[service]
    except KeyError:
        known = ", ".join(_OPEN_PATHS)
        raise Kind.USAGE(f"No stream is known for a service named {service!r}.", remedy=f"Known: {known}.") from None


def check(streams: Sequence[Stream], bounds: Bounds) -> None:
    """Refuse traffic that is unbounded, too heavy for a small machine, or ambiguous.

    Raises:
        Kind.USAGE: says which stream or bound and why.
    """
    names = [stream.name for stream in streams]
    if not names or len(set(names)) != len(names):
        raise Kind.USAGE("Traffic needs at least one stream, and every stream a name of its own.")
    for stream in streams:
        if stream.rate <= 0 or stream.concurrency < 1 or stream.timeout <= 0:
            raise Kind.USAGE(f"Stream {stream.name!r} needs a rate and a timeout above 0 and a worker at least.")
    total = sum(stream.rate for stream in streams)
    if total > _MAX_RATE:
        raise Kind.USAGE(f"The streams ask {total:g} times a second together; at most {_MAX_RATE:g}.")
    if not (0 < bounds.max_seconds <= _MAX_SECONDS and 0 < bounds.max_requests <= _MAX_REQUESTS):
        raise Kind.USAGE(f"Traffic lasts at most {_MAX_SECONDS:g} s and {_MAX_REQUESTS} requests.")


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile (``share`` from 0 to 1) of ``values``; 0 when there are none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
