"""For people at a terminal: each step with its time, what runs now with a clock that ticks."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from behindy_ops.facts.figures import took
from behindy_ops.report import events
from behindy_ops.report.renderer import SerialRenderer
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import WIDTH, Line, Tone, ending, error_lines, fact_lines, marks_for, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

TITLE = 42
"""Columns of a step's title; with its time the line then has room for a short detail within 80."""


def terminal(stream: SafeStream, *, color: bool = True, width: int | None = None) -> RichConsole:
    """Return a terminal that is written to by way of ``stream``."""
    return RichConsole(
        file=cast("IO[str]", stream),
        force_terminal=True,
        color_system="standard",
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        width=width,
    )


def coloured(lines: Sequence[Line]) -> Text:
    """Return the lines in the colours of their tones."""
    return Text("\n").join(Text(line.text, line.tone.value) for line in lines)


@dataclass
class _Running:
    title: str
    since: float
    text: str = ""


class Console(SerialRenderer):
    """Shows steps on a terminal.

    Args:
        color: False for ``NO_COLOR``; bold and dim stay.
        width: columns; None asks the terminal.
    """

    def __init__(
        self,
        stream: SafeStream,
        *,
        color: bool = True,
        width: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream)
        self._clock = clock
        self._marks = marks_for(stream.encoding)
        self._tag = ""
        self._running: dict[str, _Running] = {}
        self._live: Live | None = None
        self._out = terminal(stream, color=color, width=width)
        atexit.register(self.close)  # a cursor that was hidden comes back, whatever ended the run

    def show(self, event: events.Event) -> None:
        match event:
            case events.StepStarted():
                self._running[event.step] = _Running(printable(event.title), self._clock())
                self._tick()
            case events.StepProgress():
                if event.step in self._running:
                    self._running[event.step].text = printable(event.text)
            case events.StepDone():
                self._end(event.step, self._marks.done, Tone.GOOD, event.seconds, event.detail)
            case events.StepFailed():
                self._end(event.step, self._marks.failed, Tone.BAD, event.seconds, event.reason)
            case events.Decision():
                self._out.print(_marked(self._marks.arrow, event.text, Tone.PLAIN))
            case events.Note():
                self._out.print(_marked(self._marks.note, event.text, Tone.FAINT))
            case events.Warning_():
                self._out.print(_marked(self._marks.warning, event.text, Tone.CAREFUL))
            case _:
                self._show_block(event)

    def _show_block(
        self, event: events.DeployStarted | events.DeployFinished | events.Failed | events.Logs | events.Plan
    ) -> None:
        match event:
            case events.DeployStarted():
                self._out.print(self._began(event))
            case events.DeployFinished():
                self._out.print(self._finished(event))
            case events.Failed():
                self._out.print(self._failed(event), soft_wrap=True)
            case events.Logs() | events.Plan():
                self._out.print(self._block(event), soft_wrap=True)

    def close(self) -> None:
        with self._lock:
            self._running.clear()
            self._rest()
            super().close()

    def _tick(self) -> None:
        if self._live is None:
            self._live = Live(
                get_renderable=self._now_running,
                console=self._out,
                transient=True,
                refresh_per_second=10,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)

    def _rest(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _end(self, step: str, mark: str, tone: Tone, seconds: float, detail: str) -> None:
        running = self._running.pop(step, None)
        if not self._running:
            self._rest()
        title = running.title if running else printable(step)
        self._out.print(_row(mark, tone, title, seconds, detail=printable(detail), width=self._out.width))

    def _now_running(self) -> RenderableType:
        now = self._clock()
        frame = self._marks.running[int(now * 10) % len(self._marks.running)]
        # A copy, because the thread that redraws asks while others add and remove. It must not take our lock.
        rows = [
            _row(frame, Tone.STRONG, running.title, now - running.since, detail=running.text, width=self._out.width)
            for running in self._running.copy().values()
        ]
        return Group(*rows)

    def _began(self, event: events.DeployStarted) -> RenderableType:
        self._tag = event.tag
        line = Text.assemble("\n", (printable(f"{event.service} {event.tag}"), Tone.STRONG.value))
        line.append(printable(f" {self._marks.arrow} {event.host}"))
        return line.append(printable(f"  {event.release}"), Tone.FAINT.value) if event.release else line

    def _finished(self, event: events.DeployFinished) -> RenderableType:
        sentence, tone = ending(event, self._tag)
        mark = self._marks.failed if tone is Tone.BAD else self._marks.done
        first = Text.assemble((f"{mark} {printable(sentence)}", f"bold {tone.value}"), f" in {took(event.seconds)}")
        return Group(first, *(Text(f"    {line}", Tone.FAINT.value) for line in fact_lines(event)))

    def _failed(self, event: events.Failed) -> RenderableType:
        first, *rest = error_lines(event, width=min(self._out.width, WIDTH))
        title = Text(f"\n{self._marks.failed} {first.text}", first.tone.value)
        return Group(title, coloured(rest))

    def _block(self, event: events.Logs | events.Plan) -> RenderableType:
        lines = (f"\n    {self._marks.bar} {printable(line)}" for line in event.lines)
        return Text.assemble((f"  {printable(event.title)}", Tone.STRONG.value), *lines)


def _row(mark: str, tone: Tone, title: str, seconds: float, *, detail: str, width: int) -> RenderableType:
    """Return ``mark title    time  detail``; a detail that has no room goes below."""
    spare = " " * max(TITLE - cell_len(title), 1)
    row = Text.assemble("  ", (mark, tone.value), f" {title}{spare}", (f"{took(seconds):>9}", Tone.FAINT.value))
    if not detail:
        return row
    if "\n" not in detail and row.cell_len + 2 + cell_len(detail) <= width:
        return row.append(f"  {detail}", Tone.FAINT.value)
    return Group(row, Padding(Text(detail, Tone.FAINT.value), (0, 0, 0, 6)))


def _marked(mark: str, text: str, tone: Tone) -> RenderableType:
    """Return a sign and a text; its later lines start below the first."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, justify="right")
    grid.add_column()
    grid.add_row(Text(mark, tone.value), Text(printable(text), tone.value))
    return grid
