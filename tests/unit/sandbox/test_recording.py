"""Recorded sessions: the terminal they ran in, the picture they become, and that it tells nothing of a machine."""

from __future__ import annotations

import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from behindy_ops.report.console import Console
from behindy_ops.report.events import StepDone, StepStarted
from behindy_ops.report.stream import SafeStream
from sandbox.recording import traces
from sandbox.recording.picture import Frame, Stay, draw, stays
from sandbox.recording.screen import COLUMNS, Part, Screen, Style
from sandbox.recording.session import Session
from tests.kinds import raises

if TYPE_CHECKING:
    from sandbox.recording.screen import Row


def screen(*texts: str) -> Screen:
    made = Screen()
    for text in texts:
        made.feed(text)
    return made


def words(rows: tuple[Row, ...]) -> list[list[str]]:
    return [[part.text for part in row] for row in rows]


def test_text_is_where_and_how_it_was_written() -> None:
    rows = screen("  plain \x1b[1;32mgood\x1b[0m\r\n\r\n\x1b[2mfaint\x1b[39m end").rows()
    assert rows == (
        (Part(2, "plain", Style()), Part(8, "good", Style("green", bold=True))),
        (),
        (Part(0, "faint end", Style(dim=True)),),
    )


def test_a_line_that_is_redrawn_is_as_it_was_last() -> None:
    first = "\x1b[?25lworking | 0.1 s\r\nbelow"
    again = "\r\x1b[2K\x1b[1A\x1b[2Kdone"
    assert words(screen(first, again, "\x1b[?25h").rows()) == [["done"]]
    assert words(screen("long text", "\rshort\x1b[K").rows()) == [["short"]]


def test_a_sequence_may_come_in_two_pieces() -> None:
    assert screen("a\x1b[3", "1mb").rows() == ((Part(0, "a", Style()), Part(1, "b", Style("red"))),)


def test_what_is_longer_than_a_line_goes_on_in_the_next() -> None:
    assert [len(text) for (text,) in words(screen("x" * (COLUMNS + 5)).rows())] == [COLUMNS, 5]


@pytest.mark.parametrize("text", ["\x1b[5n", "\x1b[48m", "\x1b7", "\N{HANGUL SYLLABLE GA}", "\r\n" * 99])
def test_what_cannot_be_drawn_as_it_was_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not known|one cell|rows"):
        screen(text)


def test_the_console_of_a_deploy_is_understood(tmp_path: Path) -> None:
    class Terminal:
        encoding = "utf-8"

        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> int:
            self.text += text
            return len(text)

        def flush(self) -> None: ...

        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            raise OSError

    terminal = Terminal()
    console = Console(SafeStream(terminal, {"TERM": "xterm"}), width=COLUMNS)  # type: ignore[arg-type]
    console(StepStarted("pull", "Pull the image"))
    console(StepDone("pull", 1.5, "12 MB"))
    console.close()
    rows = words(screen(terminal.text.replace("\n", "\r\n")).rows())
    assert [" ".join(row) for row in rows if row] == ["\N{CHECK MARK} Pull the image 1.5 s  12 MB"]


def row(text: str, column: int = 0) -> Row:
    return (Part(column, text, Style()),)


FRAMES = [
    Frame(0.0, (row("$ a"),)),
    Frame(1.0, (row("$ ab"), row("work 1"))),
    Frame(2.0, (row("$ ab"), row("work 2"))),
    Frame(3.0, (row("$ ab"), row("<done & gone>"))),
]


def test_each_state_of_a_row_is_there_as_long_as_it_was() -> None:
    assert stays(FRAMES) == [
        Stay(0, row("$ a"), 0.0, 1.0),
        Stay(0, row("$ ab"), 1.0, None),
        Stay(1, row("work 1"), 1.0, 2.0),
        Stay(1, row("work 2"), 2.0, 3.0),
        Stay(1, row("<done & gone>"), 3.0, None),
    ]


def test_a_row_that_is_gone_in_the_end_does_not_stay() -> None:
    assert stays([Frame(0.0, (row("a"), row("b"))), Frame(1.0, (row("a"),))])[1].end == 1.0


def test_of_what_changes_too_fast_to_be_seen_the_last_is_drawn() -> None:
    frames = [Frame(0.001, (row("a"),)), Frame(0.002, (row("b"),)), Frame(0.3, (row("c"),))]
    assert [stay.content for stay in stays(frames)] == [row("b"), row("c")]


def test_the_picture_has_the_states_with_their_times_and_the_last_one_in_words() -> None:
    text = draw("A <title>", FRAMES)
    tree = ET.fromstring(text)  # noqa: S314 - ours
    space = "{http://www.w3.org/2000/svg}"
    assert tree.findtext(f"{space}title") == "A <title>"
    assert tree.findtext(f"{space}desc") == "$ ab\n<done & gone>"
    drawn = {"".join(each.itertext()): (each.get("class"), each.get("style")) for each in tree.iter(f"{space}text")}
    assert drawn["work 2"] == ("gone", "animation-duration:1.00s;animation-delay:2.00s")
    assert drawn["<done & gone>"] == ("stay", "animation-duration:3.00s")


def test_a_session_types_runs_and_keeps_the_times(tmp_path: Path) -> None:
    session = Session(lambda text: text.replace(str(tmp_path), "~"))
    session.typed("ab")
    begun = session.frames[-1].at
    script = "import os, time; print(os.getcwd(), os.isatty(1), flush=True); time.sleep(0.3); print('end'); exit(3)"
    code = session.run([sys.executable, "-c", script], dict(os.environ), str(tmp_path))
    assert code == 3
    assert words(session.frames[-1].rows) == [["$", "ab"], ["~ True"], ["end"]]
    first = next(frame.at for frame in session.frames if len(frame.rows) == 2)
    last = next(frame.at for frame in session.frames if len(frame.rows) == 3)
    assert first >= begun
    assert last - first >= 0.25


OWN = {"/srv/checkout": "~/behindy-ops", "build-vm-7": "laptop", "Kim Seoyeon": "kim"}


def test_what_is_the_machines_own_is_replaced() -> None:
    cleaned = traces.cleaning(OWN)
    assert cleaned("by Kim Seoyeon@build-vm-7 in /srv/checkout/docs") == "by kim@laptop in ~/behindy-ops/docs"
    assert cleaned("build-vm-70") == "build-vm-70"


@pytest.mark.parametrize(
    "text", ["in /srv/checkout", "at build-vm-7", "at build-\n    vm-7", "/home/kim/x", "root@somewhere", "/tmp/x/y"]
)
def test_what_is_left_of_a_machine_is_found(text: str) -> None:
    assert traces.left(text, OWN)
    with raises(Kind.SANDBOX, match="tells of this machine"):
        traces.require_none(text, OWN)


def test_what_is_everybodys_is_not_found() -> None:
    assert traces.left("https://behindy.me/ docs/host.md sandbox (127.0.0.1) backend/v2", OWN) == []


def test_a_login_of_one_letter_is_no_word_to_be_replaced(tmp_path: Path) -> None:
    own = traces.of_this_machine(tmp_path, "", "behindy-sandbox-1")
    assert own[str(tmp_path)] == "~/behindy-ops"
    assert all(len(word) > 1 for word in own)
    assert [*own] == sorted(own, key=len, reverse=True)
    assert not re.search(r"\s", "".join(instead for instead in own.values()))
