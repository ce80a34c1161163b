"""The book-keeping of running traffic: counts what was sent, lost and answered by which release."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.traffic.model import (
    BUCKET_SECONDS,
    LATENCY_SECONDS,
    Answers,
    Latency,
    Loss,
    Seen,
    Stream,
    StreamFigures,
    TrafficResult,
    percentile,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Recorder"]

_LOSSES_KEPT = 20


@dataclass
class _Tally:
    sent: int = 0
    lost: int = 0
    limited: int = 0
    skipped: int = 0
    latencies: list[float] = field(default_factory=list)


@dataclass
class _Span:
    first: float
    last: float
    count: int = 0


class Recorder:
    """Collects outcomes; every ``at`` is seconds since the start.

    Args:
        started: when traffic started, in seconds since the epoch.
    """

    def __init__(self, streams: Sequence[Stream], *, started: float) -> None:
        self._streams = tuple(streams)
        self._started = started
        self._tallies = {stream.name: _Tally() for stream in streams}
        self._losses: list[Loss] = []
        self._answers: Counter[tuple[str, int, str]] = Counter()
        self._spans: dict[tuple[str, str], _Span] = {}
        self._latencies: defaultdict[int, list[float]] = defaultdict(list)
        self.sent = 0

    def sending(self, stream: Stream) -> None:
        self.sent += 1
        self._tallies[stream.name].sent += 1

    def good(self, stream: Stream, *, at: float, latency: float) -> None:
        taken = max(0.0, latency - stream.holds)
        self._tallies[stream.name].latencies.append(taken)
        self._latencies[int(at / LATENCY_SECONDS)].append(taken)

    def lost(self, stream: Stream, *, at: float, reason: str) -> None:
        self._tallies[stream.name].lost += 1
        if len(self._losses) < _LOSSES_KEPT:
            self._losses.append(Loss(round(at, 3), stream.name, reason))

    def limited(self, stream: Stream) -> None:
        self._tallies[stream.name].limited += 1

    def skipped(self, stream: Stream, slots: int) -> None:
        self._tallies[stream.name].skipped += slots

    def answered(self, service: str, release: str, *, at: float) -> None:
        """A complete answer came from ``release``, good or not."""
        self._answers[service, int(at / BUCKET_SECONDS), release] += 1
        span = self._spans.setdefault((service, release), _Span(at, at))
        span.last = at
        span.count += 1

    def result(self, *, seconds: float, ended_by: str) -> TrafficResult:
        """What is known now, after ``seconds`` of traffic."""
        every = [latency for tally in self._tallies.values() for latency in tally.latencies]
        return TrafficResult(
            started=self._started,
            seconds=seconds,
            sent=self.sent,
            lost=sum(tally.lost for tally in self._tallies.values()),
            limited=sum(tally.limited for tally in self._tallies.values()),
            p50=percentile(every, 0.5),
            p99=percentile(every, 0.99),
            longest=max(every, default=0.0),
            ended_by=ended_by,
            streams=tuple(self._figures(stream) for stream in self._streams),
            losses=tuple(self._losses),
            answers=tuple(
                Answers(service, bucket * BUCKET_SECONDS, release, count)
                for (service, bucket, release), count in sorted(self._answers.items())
            ),
            seen=tuple(
                Seen(service, release, self._started + span.first, self._started + span.last, span.count)
                for (service, release), span in self._spans.items()
            ),
            latencies=tuple(
                Latency(second * LATENCY_SECONDS, len(each), percentile(each, 0.5), percentile(each, 0.99), max(each))
                for second, each in sorted(self._latencies.items())
            ),
        )

    def _figures(self, stream: Stream) -> StreamFigures:
        tally = self._tallies[stream.name]
        return StreamFigures(
            name=stream.name,
            service=stream.service,
            sent=tally.sent,
            good=len(tally.latencies),
            lost=tally.lost,
            limited=tally.limited,
            skipped=tally.skipped,
            p50=percentile(tally.latencies, 0.5),
            p99=percentile(tally.latencies, 0.99),
            longest=max(tally.latencies, default=0.0),
        )
