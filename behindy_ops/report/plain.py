"""For logs and pipes: one line an event, nothing moves, progress only now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from behindy_ops.facts.figures import took
from behindy_ops.report import events
from behindy_ops.report.renderer import SerialRenderer
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import ASCII, ending, error_lines, fact_lines, printable

QUIET = 5.0
"""Seconds between two progress lines of a step."""


class Plain(SerialRenderer):
    """Writes lines; the signs are ASCII, so that any log shows them."""

    def __init__(self, stream: SafeStream, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._tag = ""
        self._titles: dict[str, str] = {}
        self._spoke_at: dict[str, float] = {}

    def show(self, event: events.Event) -> None:
        for line in self._lines(event):
            self._stream.write(line + "\n")

    def _lines(self, event: events.Event) -> Iterator[str]:
        match event:
            case events.DeployStarted():
                self._tag = event.tag
                release = f" ({event.release})" if event.release else ""
                yield printable(f"{event.service} {event.tag} -> {event.host}{release}")
            case events.StepStarted() | events.StepProgress() | events.StepDone() | events.StepFailed():
                yield from self._step_lines(event)
            case events.DeployFinished():
                sentence, _ = ending(event, self._tag)
                yield printable(f"{sentence} ({took(event.seconds)})")
                yield from (f"      {line}" for line in fact_lines(event))
            case _:
                yield from _remarks(event)

    def _step_lines(
        self, event: events.StepStarted | events.StepProgress | events.StepDone | events.StepFailed
    ) -> Iterator[str]:
        if isinstance(event, events.StepStarted):
            self._titles[event.step] = printable(event.title)
            self._spoke_at[event.step] = self._clock()
            yield f"  ... {self._titles[event.step]}"
            return
        title = self._titles.get(event.step, printable(event.step))
        match event:
            case events.StepProgress():
                if self._clock() - self._spoke_at.get(event.step, float("-inf")) >= QUIET:
                    self._spoke_at[event.step] = self._clock()
                    yield f"  ... {title}: {printable(event.text)}"
            case events.StepDone():
                detail = f": {printable(event.detail)}" if event.detail else ""
                yield f"  ok  {title} ({took(event.seconds)}){detail}"
            case events.StepFailed():
                yield f"  FAILED  {title} ({took(event.seconds)}): {printable(event.reason)}"


def _remarks(event: events.Event) -> Iterator[str]:
    match event:
        case events.Decision():
            yield f"  {ASCII.arrow}   {printable(event.text)}"
        case events.Note():
            yield f"  {ASCII.note}   {printable(event.text)}"
        case events.Warning_():
            yield f"  {ASCII.warning}   Warning: {printable(event.text)}"
        case events.Logs() | events.Plan():
            yield f"  {printable(event.title)}"
            yield from (f"    {ASCII.bar} {printable(line)}" for line in event.lines)
        case events.Failed():
            yield ""
            yield from (line.text for line in error_lines(event))
