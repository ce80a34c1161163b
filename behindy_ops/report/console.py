"""For people at a terminal: each step with its time, what runs now with a clock that ticks."""

from __future__ import annotations

import atexit
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from behindy_ops.facts.figures import took
from behindy_ops.report import events
from behindy_ops.report.renderer import Renderer
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import WIDTH, Line, Tone, ending, error_lines, facts, marks_for, printable, sign

if TYPE_CHECKING:
    from rich.console import RenderableType

TITLE = 42
"""Columns of a step's title; with its time the line then has room for a short detail within 80."""


def terminal(stream: SafeStream, width: int | None = None) -> RichConsole:
    """Return a terminal that is written to by way of ``stream``."""
    return RichConsole(
        file=cast("IO[str]", stream),
        force_terminal=True,
        color_system="standard",
        no_color=not stream.color,
        highlight=False,
        markup=False,
        emoji=False,
        width=width,
    )


def coloured(lines: Sequence[Line]) -> Text:
    """Return the lines in the colours of their tones."""
    return Text("\n").join(Text(line.text, line.tone.value) for line in lines)


def live(out: RichConsole, **options: Any) -> Live:
    """Return what redraws a part of a terminal; what else is printed meanwhile is left to whoever prints it."""
    return Live(console=out, redirect_stdout=False, redirect_stderr=False, **options)


@dataclass
class _Running:
    title: str
    since: float
    text: str = ""


class Console(Renderer):
    """Shows steps on a terminal.

    Args:
        width: columns; None asks the terminal.
    """

    def __init__(self, stream: SafeStream, *, width: int | None = None) -> None:
        super().__init__(stream)
        self._marks = marks_for(stream.encoding)
        self._tag = ""
        self._running: dict[str, _Running] = {}
        self._live: Live | None = None
        self._out = terminal(stream, width)
        atexit.register(self.close)  # a cursor that was hidden comes back, whatever ended the run

    def show(self, event: events.Event) -> None:
        match event:
            case events.StepStarted(step, title):
                self._running[step] = _Running(printable(title), time.monotonic())
                self._tick()
            case events.StepProgress(step, text) if step in self._running:
                self._running[step].text = printable(text)
            case events.StepDone(step, seconds, detail):
                self._end(step, self._marks.done, Tone.GOOD, seconds, detail)
            case events.StepFailed(step, seconds, reason):
                self._end(step, self._marks.failed, Tone.BAD, seconds, reason)
            case events.Remark(text):
                self._out.print(_marked(*sign(event, self._marks), text))
            case events.Block(title, lines):
                below = [Line(part) for line in lines for part in self._quoted(line)]
                self._out.print(coloured([Line(f"  {printable(title)}", Tone.STRONG), *below]), soft_wrap=True)
            case events.Failed():
                error = error_lines(event, f"{self._marks.failed} ", width=min(self._out.width, WIDTH))
                self._out.print(coloured([Line(""), *error]), soft_wrap=True)
            case events.DeployStarted():
                self._began(event)
            case events.DeployFinished():
                self._finished(event)

    def close(self) -> None:
        with self._lock:
            self._running.clear()
            self._rest()
            super().close()

    def _quoted(self, text: str) -> Iterator[str]:
        """Yield a line behind its bar, broken at words where the terminal is narrower."""
        bar = f"    {self._marks.bar} "
        for line in printable(text).split("\n"):
            shown = bar
            for word in re.findall(r"\s*\S+", line):
                if shown.strip(f" {self._marks.bar}") and cell_len(shown + word) > self._out.width:
                    yield shown
                    shown = f"{bar}  {word.lstrip()}"
                else:
                    shown += word
            yield shown.rstrip()

    def _tick(self) -> None:
        if self._live is None:
            self._live = live(self._out, get_renderable=self._now_running, transient=True, refresh_per_second=10)
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
        now = time.monotonic()
        frame = self._marks.running[int(now * 10) % len(self._marks.running)]
        # A copy, because the thread that redraws asks while others add and remove. It must not take our lock.
        rows = [
            _row(frame, Tone.STRONG, running.title, now - running.since, detail=running.text, width=self._out.width)
            for running in self._running.copy().values()
        ]
        return Group(*rows)

    def _began(self, event: events.DeployStarted) -> None:
        self._tag = event.tag
        line = Text.assemble("\n", (printable(f"{event.service} {event.tag}"), Tone.STRONG.value))
        line.append(printable(f" {self._marks.arrow} {event.target}"))
        self._out.print(line.append(printable(f"  {event.release}"), Tone.FAINT.value) if event.release else line)

    def _finished(self, event: events.DeployFinished) -> None:
        sentence, tone = ending(event, self._tag)
        mark = self._marks.failed if tone is Tone.BAD else self._marks.done
        first = Text.assemble((f"{mark} {printable(sentence)}", f"bold {tone.value}"), f" in {took(event.seconds)}")
        below = Table.grid(padding=(0, 2, 0, 0))
        below.add_column(no_wrap=True)
        below.add_column(overflow="fold")
        for name, value in facts(event).items():
            below.add_row(Text(f"    {name}", Tone.FAINT.value), Text(value, Tone.FAINT.value))
        self._out.print(Group(first, below))


def _row(mark: str, tone: Tone, title: str, seconds: float, *, detail: str, width: int) -> RenderableType:
    """Return ``mark title    time  detail``; a detail that has no room goes below."""
    spare = " " * max(TITLE - cell_len(title), 1)
    row = Text.assemble("  ", (mark, tone.value), f" {title}{spare}", (f"{took(seconds):>9}", Tone.FAINT.value))
    if not detail:
        return row
    if "\n" not in detail and row.cell_len + 2 + cell_len(detail) <= width:
        return row.append(f"  {detail}", Tone.FAINT.value)
    return Group(row, Padding(Text(detail, Tone.FAINT.value), (0, 0, 0, 6)))


def _marked(mark: str, tone: Tone, text: str) -> RenderableType:
    """Return a sign and a text; its later lines start below the first."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, justify="right")
    grid.add_column()
    grid.add_row(Text(mark, tone.value), Text(printable(text), tone.value))
    return grid
