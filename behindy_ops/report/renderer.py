"""What all renderers have in common."""

from __future__ import annotations

import threading
from typing import Protocol

from behindy_ops.errors import BehindyError
from behindy_ops.report.events import Event
from behindy_ops.report.stream import SafeStream


class Renderer(Protocol):
    """Takes events, from any thread, and shows them; never raises."""

    def __call__(self, event: Event) -> None: ...

    def failure(self, error: BehindyError) -> bool:
        """Take the error that ends the run; return whether people have seen it, so that nobody need show it again."""

    def close(self) -> None:
        """Leave the terminal as it was found. Closing twice does no harm."""


class SerialRenderer:
    """Shows one event at a time; a mistake in showing one costs its looks, not the deploy."""

    def __init__(self, stream: SafeStream) -> None:
        self._stream = stream
        self._lock = threading.RLock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            try:
                self.show(event)
            except Exception:  # noqa: BLE001 - whatever it was, the work goes on
                self._stream.write(ascii(event) + "\n")
            self._stream.flush()

    def failure(self, error: BehindyError) -> bool:  # noqa: ARG002 - most leave it to the end of the task
        return False

    def show(self, event: Event) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._stream.flush()
