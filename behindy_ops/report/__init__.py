"""One stream of events about the work, and what shows it: a terminal, a log, or a program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from behindy_ops.report.events import Event, failed, to_json
from behindy_ops.report.stream import SafeStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from behindy_ops.errors import BehindyError
    from behindy_ops.report.renderer import Renderer

__all__ = ["Event", "choose", "failed", "show_error", "to_json"]

_COLOURS = {"bold red": "1;31", "bold": "1"}


def choose(json: bool, stream: TextIO, environ: Mapping[str, str]) -> Renderer:
    """The renderer that fits: call it with events, from any thread.

    :param json: one JSON object a line, whatever the stream is.
    :param environ: ``TERM`` and ``NO_COLOR`` are heeded.
    """
    safe = SafeStream(stream)
    if json:
        from behindy_ops.report.jsonlines import JsonLines

        return JsonLines(safe)
    if _is_terminal(safe, environ):
        from behindy_ops.report.console import Console

        return Console(safe, color=not environ.get("NO_COLOR"))
    from behindy_ops.report.plain import Plain

    return Plain(safe)


def show_error(error: BehindyError, stream: TextIO | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Show an error as every task does: its title, what happened, what state the host is in, what to do next.

    :param stream: standard error, if not given.
    """
    import os

    from behindy_ops.report.text import error_lines, marks_for

    safe = SafeStream(stream or sys.stderr)
    environ = os.environ if environ is None else environ
    colourful = _is_terminal(safe, environ) and not environ.get("NO_COLOR")
    lines = error_lines(failed(error))
    for number, line in enumerate(lines):
        text = f"{marks_for(safe.encoding).failed} {line.text}" if number == 0 else line.text
        code = _COLOURS.get(line.tone.value) if colourful else None
        safe.write(f"\x1b[{code}m{text}\x1b[0m\n" if code else f"{text}\n")
    safe.flush()


def _is_terminal(stream: SafeStream, environ: Mapping[str, str]) -> bool:
    return stream.isatty() and environ.get("TERM", "dumb") not in {"", "dumb"}
