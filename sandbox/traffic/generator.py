"""Traffic for the sandbox: users who keep asking while a service is replaced, and who notice everything.

Used as ``with Traffic(info, for_service("frontend")) as traffic``; then ``traffic.wait_until_flowing()``, whatever
should go unnoticed, and ``traffic.stop().lost == 0``.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

from behindy_ops.errors import Kind
from sandbox.traffic.child import Child
from sandbox.traffic.model import (
    BUCKET_SECONDS,
    Answers,
    Bounds,
    Loss,
    Seen,
    Stream,
    StreamFigures,
    StreamKind,
    TrafficResult,
    check,
    demo,
    every_kind,
    for_service,
    websocket,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = [
    "BUCKET_SECONDS",
    "Answers",
    "Bounds",
    "Loss",
    "Seen",
    "Site",
    "Stream",
    "StreamFigures",
    "StreamKind",
    "Traffic",
    "TrafficResult",
    "demo",
    "every_kind",
    "for_service",
    "websocket",
]

_ANSWER_SECONDS = 20.0
_LOOK_SECONDS = 0.1


class Site(Protocol):
    """What traffic needs to know of a sandbox: the base URL for its port and scheme, the CA, and the public name."""

    @property
    def https(self) -> str: ...

    @property
    def ca_file(self) -> str: ...

    @property
    def domain(self) -> str: ...


class Traffic:
    """A load generator in a process of its own, from ``with`` to ``stop``.

    It connects to 127.0.0.1 alone, with ``site.domain`` as server name and Host. It stops by itself at its bounds and
    when this process ends.

    Args:
        max_seconds: the longest it may last.
        max_requests: the most it may send.
        inside: the command of a process inside the network (``sandbox.traffic.inside``), for streams that ask there.

    Raises:
        Kind.USAGE: the streams or bounds are not acceptable.
    """

    def __init__(
        self,
        site: Site,
        streams: Sequence[Stream],
        *,
        max_seconds: float = 120.0,
        max_requests: int = 30_000,
        inside: Sequence[str] = (),
    ) -> None:
        self._streams = tuple(streams)
        self._inside = tuple(inside)
        self._bounds = Bounds(max_seconds, max_requests)
        check(self._streams, self._bounds)
        url = urlsplit(site.https)
        encrypted = url.scheme == "https"
        self._place = {
            "domain": site.domain,
            "port": url.port or (443 if encrypted else 80),
            "ca_file": str(Path(site.ca_file).resolve()) if encrypted else "",
        }
        self._child: Child | None = None
        self._result: TrafficResult | None = None

    def __enter__(self) -> Self:
        streams = [{**asdict(stream), "kind": stream.kind.value} for stream in self._streams]
        spec = {"place": self._place, "streams": streams, "bounds": asdict(self._bounds), "inside": self._inside}
        self._child = Child("sandbox.traffic.worker", spec)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.close()

    def snapshot(self) -> TrafficResult:
        """The figures so far.

        Raises:
            Kind.SANDBOX: the generator died.
        """
        return self._result or TrafficResult.from_json(self._ask("snapshot", _ANSWER_SECONDS))

    def wait_until_flowing(self, timeout: float = 20.0) -> TrafficResult:
        """Return once every stream has had a good answer.

        Args:
            timeout: seconds.

        Raises:
            Kind.SANDBOX: it did not come to that in time; says which streams and their first losses.
        """
        deadline = time.monotonic() + timeout
        while True:
            now = self.snapshot()
            waiting = [figures.name for figures in now.streams if not figures.good]
            if not waiting:
                return now
            if time.monotonic() > deadline or now.ended_by != "running":
                raise Kind.SANDBOX(
                    f"No good answer after {now.seconds:.0f} s for: {', '.join(waiting)}.",
                    lines=tuple(f"{loss.at:.1f} s {loss.stream}: {loss.reason}" for loss in now.losses[:5]),
                )
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> TrafficResult:
        """Send nothing more, wait for the requests under way, and return the final figures. May be repeated."""
        if self._result is None:
            longest = max(stream.timeout + stream.holds for stream in self._streams)
            self._result = TrafficResult.from_json(self._ask("stop", longest + _ANSWER_SECONDS))
        return self._result

    def _ask(self, command: str, timeout: float) -> dict[str, object]:
        if self._child is None:
            raise Kind.SANDBOX("The traffic has not been started.", remedy="Use it in a with statement.")
        answer: dict[str, object] = self._child.ask(command, timeout=timeout)
        return answer
