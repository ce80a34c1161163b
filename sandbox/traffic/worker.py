"""The load generator's process (``python -m sandbox.traffic.worker``): asks at a steady pace, counts.

Its first line on stdin says where, what and for how long; then ``snapshot`` and ``stop`` are answered with the figures
so far. It stops by itself at its bounds, and when its stdin ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.traffic.child import commands, first_line, reply
from sandbox.traffic.client import Caller, Limited, Lost, Place, caller
from sandbox.traffic.inside import Inside
from sandbox.traffic.model import Bounds, Stream, StreamKind, check
from sandbox.traffic.record import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

__all__ = ["Run", "next_slot"]


def next_slot(due: float, interval: float, now: float) -> tuple[float, int]:
    """When a worker asks next, and how many slots passed unused meanwhile: never two requests at once to catch up."""
    missed = max(0, int((now - due) / interval))
    return due + (missed + 1) * interval, missed


class Run:
    """Workers that ask until told to stop or until a bound is reached."""

    def __init__(self, place: Place, streams: Sequence[Stream], bounds: Bounds, inside: Sequence[str] = ()) -> None:
        check(streams, bounds)
        self._inside = Inside(inside) if inside else None
        self._place = place
        self._streams = tuple(streams)
        self._bounds = bounds
        self._begin = time.monotonic()
        self._end: float | None = None
        self._record = Recorder(streams, started=time.time())
        self._stopping = asyncio.Event()
        self._ended_by = "running"

    def stop(self, ended_by: str) -> None:
        """Send nothing more; requests under way may finish. The first reason given stays."""
        if not self._stopping.is_set():
            self._ended_by = ended_by
            self._end = self._now()
            self._stopping.set()

    def figures(self) -> dict[str, Any]:
        """The ``TrafficResult`` so far, as JSON takes it."""
        seconds = self._now() if self._end is None else self._end
        return asdict(self._record.result(seconds=seconds, ended_by=self._ended_by))

    async def work(self) -> None:
        """Return when all workers are done."""
        asyncio.get_running_loop().call_later(self._bounds.max_seconds, self.stop, "max_seconds")
        workers = [self._worker(stream, index) for stream in self._streams for index in range(stream.concurrency)]
        if self._inside:
            await self._inside.start()
        try:
            await asyncio.gather(*workers)
        finally:
            if self._inside:
                await self._inside.close()

    def _now(self) -> float:
        return time.monotonic() - self._begin

    async def _worker(self, stream: Stream, index: int) -> None:
        connection = caller(self._place, stream, self._inside)
        interval = stream.concurrency / stream.rate
        due = self._now() + index / stream.rate
        try:
            while await self._pause_until(due):
                await self._once(stream, connection)
                due, missed = next_slot(due, interval, self._now())
                self._record.skipped(stream, missed)
        finally:
            await connection.close()

    async def _pause_until(self, due: float) -> bool:
        """False when it is time to stop instead."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), max(0.0, due - self._now()))
        return not self._stopping.is_set()

    async def _once(self, stream: Stream, connection: Caller) -> None:
        self._record.sending(stream)
        if self._record.sent >= self._bounds.max_requests:
            self.stop("max_requests")
        sent = self._now()
        try:
            outcome = await connection.call()
        except Limited:
            self._record.limited(stream)
        except Lost as lost:
            self._record.lost(stream, at=self._now(), reason=str(lost))
        else:
            at = self._now()
            if outcome.release:
                self._record.answered(stream.service, outcome.release, at=at)
            if outcome.fault:
                self._record.lost(stream, at=at, reason=outcome.fault)
            else:
                self._record.good(stream, at=at, latency=at - sent)


def _run_of(spec: dict[str, Any]) -> Run:
    streams = [
        Stream(**{**item, "kind": StreamKind(item["kind"]), "releases": tuple(item["releases"])})
        for item in spec["streams"]
    ]
    return Run(Place(**spec["place"]), streams, Bounds(**spec["bounds"]), spec.get("inside", ()))


async def _obey(run: Run, work: asyncio.Task[None], lines: AsyncIterator[str]) -> None:
    async for line in lines:
        if line == "snapshot":
            reply(run.figures())
        elif line == "stop":
            run.stop("stop")
            await work
            reply(run.figures())
    work.cancel()


async def _main() -> None:
    lines = commands()
    run = _run_of(await first_line(lines))
    work = asyncio.create_task(run.work())
    obey = asyncio.create_task(_obey(run, work, lines))
    await asyncio.wait((work, obey), return_when=asyncio.FIRST_COMPLETED)
    if work.done() and not work.cancelled():
        work.result()  # a mistake in here must show as one, not as silence
    await obey


if __name__ == "__main__":
    asyncio.run(_main())
