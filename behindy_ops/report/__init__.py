"""What a person or a program reads: events while work goes on, errors, and the lines of a view."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from behindy_ops.errors import BehindyError
from behindy_ops.project.secret import Secret
from behindy_ops.report.events import failed
from behindy_ops.report.renderer import Renderer
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import Line, error_lines, marks_for, shown_with
from behindy_ops.report.workflow import inert, on_actions

__all__ = ["choose", "show_error", "show_lines"]


def choose(
    json: bool, stream: TextIO, environ: Mapping[str, str], hide: Sequence[Secret] = (), environment: str = ""
) -> Renderer:
    """Return the renderer that fits: call it with events, from any thread.

    Args:
        json: one JSON object a line, whatever the stream is.
        stream: where it writes.
        environ: ``TERM`` and ``NO_COLOR`` are heeded, and what a GitHub runner sets.
        hide: values that are masked where the reader of the stream can do that.
        environment: the chosen one's name, for every line of JSON.
    """
    if json:
        from behindy_ops.report.jsonlines import JsonLines

        return JsonLines(SafeStream(stream), environment=environment)
    safe = SafeStream(stream, environ)
    if on_actions(environ):
        from behindy_ops.report.actions import Actions

        return Actions(safe, environ, hide)
    if safe.is_terminal:
        from behindy_ops.report.console import Console

        return Console(safe)
    from behindy_ops.report.plain import Plain

    return Plain(safe)


def show_error(error: BehindyError, stream: TextIO | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Show an error as every task does: its title, what happened, what state the host is in, what to do next.

    It goes to standard error, if no stream is given.
    """
    stream = stream or sys.stderr
    environ = os.environ if environ is None else environ
    if on_actions(environ):
        from behindy_ops.report.actions import failure_lines

        safe = SafeStream(stream, environ)
        safe.write("\n".join(failure_lines(failed(error))) + "\n")
        safe.flush()
    else:
        mark = marks_for(getattr(stream, "encoding", None)).failed
        show_lines(error_lines(failed(error), f"{mark} "), stream, environ)


def show_lines(lines: Sequence[Line], stream: TextIO | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Show lines: coloured by their tones on a terminal, plain elsewhere and with ``NO_COLOR``.

    They go to standard output, if no stream is given.
    """
    environ = os.environ if environ is None else environ
    safe = SafeStream(stream or sys.stdout, environ)
    lines = shown_with(safe.encoding, lines)
    if on_actions(environ):
        lines = [Line(inert(part), line.tone) for line in lines for part in line.text.split("\n")]
    if safe.is_terminal and safe.color:
        from behindy_ops.report.console import coloured, terminal

        terminal(safe).print(coloured(lines), soft_wrap=True)
    else:
        safe.write("".join(f"{line.text}\n" for line in lines))
    safe.flush()
