"""For programs: one JSON object a line, see :mod:`behindy_ops.report.events`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from behindy_ops.errors import BehindyError
from behindy_ops.report.events import Event, failed, to_json
from behindy_ops.report.renderer import Renderer
from behindy_ops.report.stream import SafeStream


class JsonLines(Renderer):
    """Writes each event as it comes; ``environment`` is the chosen one's name, if any."""

    repeats = True

    def __init__(
        self, stream: SafeStream, *, environment: str = "", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__(stream)
        self._environment = environment
        self._now = now

    def failure(self, error: BehindyError) -> bool:
        self(failed(error))
        return False

    def show(self, event: Event) -> None:
        self._stream.write(to_json(event, self._now(), self._environment) + "\n")
