"""Who reads decides how it is shown; errors are shown alike everywhere."""

from __future__ import annotations

import io
import os
import pty
import select
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops import report
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.report import events
from behindy_ops.report.console import Console
from behindy_ops.report.jsonlines import JsonLines
from behindy_ops.report.plain import Plain
from behindy_ops.report.text import Line
from tests.unit.report.told import ERROR, Terminal, as_plain

if TYPE_CHECKING:
    from behindy_ops.report.renderer import Renderer


@pytest.mark.parametrize(
    ("as_json", "stream", "environ", "expected"),
    [
        (True, Terminal(), {"TERM": "xterm"}, JsonLines),
        (True, io.StringIO(), {}, JsonLines),
        (False, Terminal(), {"TERM": "xterm"}, Console),
        (False, Terminal(), {"TERM": "dumb"}, Plain),
        (False, Terminal(), {}, Plain),
        (False, io.StringIO(), {"TERM": "xterm"}, Plain),
    ],
)
def test_the_renderer_is_chosen_by_who_reads(
    as_json: bool, stream: io.StringIO, environ: dict[str, str], expected: type[Renderer]
) -> None:
    assert type(report.choose(as_json, stream, environ)) is expected


def test_a_real_terminal_gets_the_console(capfd: pytest.CaptureFixture[str]) -> None:
    outer, inner = pty.openpty()
    with os.fdopen(inner, "w", encoding="utf-8") as stream:
        show = report.choose(False, stream, {"TERM": "xterm"})
        show(events.StepStarted("pull", "Pull the image"))
        show(events.StepDone("pull", 1.0))
        show.close()
        shown = b""
        while b"Pull the image" not in shown and select.select([outer], [], [], 5)[0]:
            shown += os.read(outer, 65536)  # a pty gives what it has, not all there will be
    os.close(outer)
    assert b"Pull the image" in shown
    assert capfd.readouterr().out == ""


def test_an_error_is_shown_alike_by_tasks_and_renderers() -> None:
    stream = io.StringIO()
    report.show_error(ERROR, stream, {})
    assert as_plain(events.failed(ERROR)).splitlines()[2:] == stream.getvalue().splitlines()[1:]
    assert stream.getvalue().splitlines()[0].endswith("release refused (exit code 50)")


def test_commands_are_shown_as_the_reader_types_them() -> None:
    error = Kind.USAGE(
        "No.", remedy="See inv deploy.status; inv ops.ps. Not: ./inv db.backup, the inv task, env/inv ops."
    )
    for environ, shown in (({}, "inv"), ({"BEHINDY_INV": "./inv"}, "./inv"), ({"BEHINDY_INV": "../a/inv"}, "../a/inv")):
        stream = io.StringIO()
        report.show_error(error, stream, environ)
        report.show_lines([Line("Now: inv host.up")], stream, environ)
        said = " ".join(stream.getvalue().split())
        assert f"See {shown} deploy.status; {shown} ops.ps. Not: ./inv db.backup, the inv task, env/inv ops." in said
        assert said.endswith(f"Now: {shown} host.up")
    stream = io.StringIO()
    report.choose(True, stream, {"BEHINDY_INV": "./inv"})(events.Note("inv deploy.status"))
    assert "./inv" not in stream.getvalue()


def test_every_mistake_in_the_settings_is_shown() -> None:
    stream = io.StringIO()
    report.show_error(Kind.SETTINGS("2 settings are wrong.", lines=("A: x", "B: y")), stream, {})
    assert stream.getvalue().splitlines()[-2:] == ["    A: x", "    B: y"]


def test_an_error_is_coloured_on_a_terminal_only_and_not_against_the_users_will() -> None:
    def shown(stream: io.StringIO, **environ: str) -> str:
        report.show_error(ERROR, stream, environ)
        return stream.getvalue()

    assert "\x1b[1;31m" in shown(Terminal(), TERM="xterm")
    assert "\x1b" not in shown(Terminal(), TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in shown(io.StringIO(), TERM="xterm")


@given(what=st.text(), state=st.text(), remedy=st.text(), line=st.text())
def test_no_error_whatever_breaks_its_showing(what: str, state: str, remedy: str, line: str) -> None:
    stream = io.StringIO()
    report.show_error(BehindyError(what, state=state, remedy=remedy, lines=(line,)), stream, {})
    assert stream.getvalue().splitlines()[0].endswith("unexpected (exit code 1)")
