"""What all renderers have in common."""

from __future__ import annotations

import threading

from behindy_ops.errors import BehindyError
from behindy_ops.report.events import Event, Warning_
from behindy_ops.report.stream import SafeStream


class Renderer:
    """Shows events one at a time, from any thread; a mistake in showing one costs its looks, not the deploy.

    Attributes:
        repeats: a warning that was told before is told again, which programs expect and people do not.
    """

    repeats = False

    def __init__(self, stream: SafeStream) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._warned: set[Warning_] = set()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Warning_) and not self.repeats:
                if event in self._warned:
                    return
                self._warned.add(event)
            try:
                self.show(event)
            except Exception:  # noqa: BLE001 - whatever it was, the work goes on
                self._stream.write(ascii(event) + "\n")
            self._stream.flush()

    def show(self, event: Event) -> None:
        raise NotImplementedError

    def failure(self, error: BehindyError) -> bool:  # noqa: ARG002 - most leave it to the end of the task
        """Take the error that ends the run; return whether people have seen it, so that nobody need show it again."""
        return False

    def close(self) -> None:
        """Leave the terminal as it was found. Closing twice does no harm."""
        self._stream.flush()
