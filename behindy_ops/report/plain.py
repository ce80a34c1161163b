"""For logs and pipes: one line an event, nothing moves, progress only now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from behindy_ops.facts.figures import took
from behindy_ops.report import events
from behindy_ops.report.renderer import Renderer
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import ASCII, ending, error_lines, fact_lines, printable, sign

QUIET = 5.0
"""Seconds between two progress lines of a step."""


class Plain(Renderer):
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
            case events.DeployStarted(service, tag, release=release):
                self._tag = tag
                yield printable(f"{service} {tag} -> {event.target}{f' ({release})' if release else ''}")
            case events.StepStarted(step, title):
                self._titles[step], self._spoke_at[step] = printable(title), self._clock()
                yield f"  ... {self._titles[step]}"
            case events.StepProgress(step, text) if self._clock() - self._spoke_at.get(step, float("-inf")) >= QUIET:
                self._spoke_at[step] = self._clock()
                yield f"  ... {self._title(step)}: {printable(text)}"
            case events.StepDone(step, seconds, detail):
                yield f"  ok  {self._title(step)} ({took(seconds)}){f': {printable(detail)}' if detail else ''}"
            case events.StepFailed(step, seconds, reason):
                yield f"  FAILED  {self._title(step)} ({took(seconds)}): {printable(reason)}"
            case events.Remark(text):
                what = "Warning: " if isinstance(event, events.Warning_) else ""
                yield f"  {sign(event, ASCII)[0]}   {what}{printable(text)}"
            case events.Block(title, lines):
                yield f"  {printable(title)}"
                yield from (f"    {ASCII.bar} {printable(line)}" for line in lines)
            case events.Failed():
                yield from ("", *(line.text for line in error_lines(event)))
            case events.DeployFinished(seconds=seconds):
                yield printable(f"{ending(event, self._tag)[0]} ({took(seconds)})")
                yield from (f"      {line}" for line in fact_lines(event))

    def _title(self, step: str) -> str:
        return self._titles.get(step, printable(step))
