"""One stream of events about the work, and what shows it: a terminal, a log, or a program."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from behindy_ops.report.events import Event, failed, to_json
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.text import Line
from behindy_ops.report.workflow import inert, on_actions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from behindy_ops.errors import BehindyError
    from behindy_ops.project.secret import Secret
    from behindy_ops.report.renderer import Renderer

__all__ = ["Event", "choose", "failed", "show_error", "show_lines", "to_json"]

_COLOURS = {"bold red": "1;31", "bold": "1", "green": "32", "yellow": "33", "dim": "2"}


def choose(json: bool, stream: TextIO, environ: Mapping[str, str], hide: Sequence[Secret] = ()) -> Renderer:
    """The renderer that fits: call it with events, from any thread.

    :param json: one JSON object a line, whatever the stream is.
    :param environ: ``TERM`` and ``NO_COLOR`` are heeded, and what a GitHub runner sets.
    :param hide: values that are masked where the reader of the stream can do that.
    """
    safe = SafeStream(stream)
    if json:
        from behindy_ops.report.jsonlines import JsonLines

        return JsonLines(safe)
    if on_actions(environ):
        from behindy_ops.report.actions import Actions

        return Actions(safe, environ, hide)
    if _is_terminal(safe, environ):
        from behindy_ops.report.console import Console

        return Console(safe, color=not environ.get("NO_COLOR"))
    from behindy_ops.report.plain import Plain

    return Plain(safe)


def show_error(error: BehindyError, stream: TextIO | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Show an error as every task does: its title, what happened, what state the host is in, what to do next.

    :param stream: standard error, if not given.
    """
    from behindy_ops.report.text import error_lines, marks_for

    stream = stream or sys.stderr
    if on_actions(os.environ if environ is None else environ):
        _annotate(error, SafeStream(stream))
        return
    first, *rest = error_lines(failed(error))
    mark = marks_for(getattr(stream, "encoding", None)).failed
    show_lines([Line(f"{mark} {first.text}", first.tone), *rest], stream, environ)


def show_lines(lines: Sequence[Line], stream: TextIO | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Show the lines of a view: coloured by their tones on a terminal, plain elsewhere and with ``NO_COLOR``.

    :param stream: standard output, if not given.
    """
    safe = SafeStream(stream or sys.stdout)
    environ = os.environ if environ is None else environ
    if on_actions(environ):
        lines = [Line(inert(part), line.tone) for line in lines for part in line.text.split("\n")]
    colourful = _is_terminal(safe, environ) and not environ.get("NO_COLOR")
    for line in lines:
        code = _COLOURS.get(line.tone.value) if colourful else None
        safe.write(f"\x1b[{code}m{line.text}\x1b[0m\n" if code else f"{line.text}\n")
    safe.flush()


def _annotate(error: BehindyError, stream: SafeStream) -> None:
    import secrets

    from behindy_ops.report.actions import failure_lines

    stream.write("\n".join(failure_lines(failed(error), secrets.token_hex(16))) + "\n")
    stream.flush()


def _is_terminal(stream: SafeStream, environ: Mapping[str, str]) -> bool:
    return stream.isatty() and environ.get("TERM", "dumb") not in {"", "dumb"}
