"""What the user reads: the same events on a terminal, in a log and for programs, and never a crash because of it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops import report
from behindy_ops.errors import BehindyError, Interrupted, Kind
from behindy_ops.report import events, text
from behindy_ops.report.console import Console
from behindy_ops.report.events import to_json
from behindy_ops.report.jsonlines import JsonLines
from behindy_ops.report.plain import Plain
from behindy_ops.report.stream import SafeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behindy_ops.report.renderer import Renderer

AT = datetime(2025, 11, 10, 12, 30, 0, 250_000, UTC)

ERROR = Kind.RELEASE_REFUSED(
    "frontend-green exited with code 1 and never answered on port 3000, however long we waited for it.",
    state="frontend v1 serves on; nothing was changed.",
    remedy="Mend the release, then:\ninv deploy.frontend --tag v4",
    lines=("Error: Cannot find module 'next'",),
)

ONE_OF_EACH: list[events.Event] = [
    events.DeployStarted("frontend", "v2", "ubuntu@behindy.me", "team/frontend"),
    events.StepStarted("pull", "Pull the image"),
    events.StepProgress("pull", "3 of 7 layers"),
    events.StepDone("pull", 1.2345, "sha256:1f2e"),
    events.StepStarted("inside", "Ask from inside"),
    events.StepFailed("inside", 45.1, "exited with code 1"),
    events.Decision("A green left over was removed."),
    events.Note("Good to know."),
    events.Warning_("Little memory is left."),
    events.Logs("Last log lines", ("one", "[red]two[/red]")),
    events.Plan("Plan", ("pull  docker pull team/frontend:v2",)),
    events.failed(ERROR),
    events.DeployFinished("frontend", "live", 8.4, {"digest": "sha256:1f2e", "log_errors": "0", "previous": ""}),
]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def as_plain(*told: events.Event, clock: Callable[[], float] | None = None) -> str:
    stream = io.StringIO()
    show = Plain(SafeStream(stream), clock=clock or Clock())
    for event in told:
        show(event)
    return stream.getvalue()


def on_console(*told: events.Event, width: int = 80, color: bool = True) -> str:
    """What was written to the terminal, with all escape sequences."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    show = Console(SafeStream(stream), color=color, width=width)
    for event in told:
        show(event)
    show.close()
    stream.seek(0)
    return stream.read()


def lines_left(shown: str) -> list[str]:
    """Lines as they stand once escape sequences are gone; those that were erased again are left out."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n").splitlines()]


def test_one_of_each_is_every_event_there_is() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(events.Event))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            events.DeployStarted("api", "v2", "ubuntu@behindy.me", "team/api"),
            '"deploy_started", "service": "api", "tag": "v2", "host": "ubuntu@behindy.me", "release": "team/api"',
        ),
        (ONE_OF_EACH[1], '"step_started", "step": "pull", "title": "Pull the image"'),
        (ONE_OF_EACH[2], '"step_progress", "step": "pull", "text": "3 of 7 layers"'),
        (ONE_OF_EACH[3], '"step_done", "step": "pull", "seconds": 1.234, "detail": "sha256:1f2e"'),
        (ONE_OF_EACH[5], '"step_failed", "step": "inside", "seconds": 45.1, "reason": "exited with code 1"'),
        (ONE_OF_EACH[6], '"decision", "text": "A green left over was removed."'),
        (ONE_OF_EACH[7], '"note", "text": "Good to know."'),
        (ONE_OF_EACH[8], '"warning", "text": "Little memory is left."'),
        (ONE_OF_EACH[9], '"logs", "title": "Last log lines", "lines": ["one", "[red]two[/red]"]'),
        (ONE_OF_EACH[10], '"plan", "title": "Plan", "lines": ["pull  docker pull team/frontend:v2"]'),
        (
            events.failed(BehindyError("w", state="s", remedy="r", lines=("l",))),
            '"failed", "title": "unexpected", "what": "w", "state": "s", "remedy": "r", "lines": ["l"], "exit_code": 1',
        ),
        (
            events.DeployFinished("api", "live", 8.4, {"a": "", "b": "0"}),
            '"deploy_finished", "service": "api", "outcome": "live", "seconds": 8.4, "facts": {"a": "", "b": "0"}',
        ),
    ],
)
def test_the_json_line_of_an_event_stays_as_programs_know_it(event: events.Event, line: str) -> None:
    assert to_json(event, AT) == f'{{"at": "2025-11-10T12:30:00.250+00:00", "event": {line}}}'


@given(words=st.text())
def test_json_is_one_ascii_line_whatever_the_text(words: str) -> None:
    line = to_json(events.Logs(words, (words,)), AT)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["lines"] == [words]


def test_a_log_reads_as_it_was_written() -> None:
    assert as_plain(*ONE_OF_EACH).splitlines() == [
        "frontend v2 -> ubuntu@behindy.me (team/frontend)",
        "  ... Pull the image",
        "  ok  Pull the image (1.2 s): sha256:1f2e",
        "  ... Ask from inside",
        "  FAILED  Ask from inside (45.1 s): exited with code 1",
        "  >   A green left over was removed.",
        "  -   Good to know.",
        "  !   Warning: Little memory is left.",
        "  Last log lines",
        "    | one",
        "    | [red]two[/red]",
        "  Plan",
        "    | pull  docker pull team/frontend:v2",
        "",
        "release refused (exit code 50)",
        "  What  frontend-green exited with code 1 and never answered on port 3000,",
        "        however long we waited for it.",
        "  State frontend v1 serves on; nothing was changed.",
        "  Next  Mend the release, then:",
        "        inv deploy.frontend --tag v4",
        "",
        "    Error: Cannot find module 'next'",
        "frontend v2 is live (8.4 s)",
        "      digest      sha256:1f2e",
        "      log errors  0",
    ]


def test_a_log_has_progress_at_most_every_five_seconds_of_a_step() -> None:
    clock = Clock()
    stream = io.StringIO()
    show = Plain(SafeStream(stream), clock=clock)
    show(events.StepStarted("pull", "Pull"))
    for number in range(12):
        clock.now = float(number)
        show(events.StepProgress("pull", f"at {number}"))
    assert stream.getvalue().splitlines() == ["  ... Pull", "  ... Pull: at 5", "  ... Pull: at 10"]


def test_a_terminal_shows_steps_in_columns_within_eighty() -> None:
    shown = on_console(*ONE_OF_EACH)
    left = lines_left(shown)
    assert "  ✓ Pull the image                                1.2 s  sha256:1f2e" in left
    assert "  ✗ Ask from inside                              45.1 s  exited with code 1" in left
    assert "✓ frontend v2 is live in 8.4 s" in left
    assert "    │ [red]two[/red]" in left
    assert all(len(line) <= 80 for line in left)


def test_a_detail_without_room_goes_below_its_step() -> None:
    left = lines_left(on_console(events.StepDone("x", 1, "word " * 20)))
    assert left[0].endswith("1.0 s")
    assert left[1].startswith("      word word")
    assert all(len(line) <= 80 for line in left)


def test_korean_titles_keep_the_times_in_their_column() -> None:
    left = lines_left(on_console(events.StepDone("a", 1), events.StepStarted("b", "이미지"), events.StepDone("b", 1)))
    korean = next(line for line in left if "이미지" in line and "✓" in line)
    latin = next(line for line in left if "✓ a" in line)
    assert len(korean) + len("이미지") == len(latin)


def test_a_step_that_runs_is_shown_with_a_clock_and_erased_when_it_is_done() -> None:
    shown = on_console(events.StepStarted("pull", "Pull"), events.StepDone("pull", 1.0))
    assert "0.0 s" in shown
    assert "\x1b[?25l" in shown
    assert "\x1b[2K" in shown


@pytest.mark.parametrize("told", [ONE_OF_EACH[:3], ONE_OF_EACH[:2]])
def test_the_cursor_comes_back_even_when_a_step_never_ended(told: list[events.Event]) -> None:
    shown = on_console(*told)
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0


def test_two_steps_may_run_at_once() -> None:
    left = lines_left(
        on_console(
            events.StepStarted("a", "First"),
            events.StepStarted("b", "Second"),
            events.StepDone("a", 1),
            events.StepDone("b", 2),
        )
    )
    ended = [line for line in left if "✓" in line]
    assert [line.split()[1] for line in ended] == ["First", "Second"]


def test_no_color_means_no_color() -> None:
    colours = re.compile(r"\x1b\[(?:[0-9;]*;)?3[0-7]m")
    assert colours.search(on_console(*ONE_OF_EACH))
    assert not colours.search(on_console(*ONE_OF_EACH, color=False))


HOSTILE = "a\x1b[2Jb\x1b]0;title\x07c\x00\x08\x9b31md\u202ee\r\nf\tg"


@pytest.mark.parametrize("show", [as_plain, on_console])
def test_what_a_container_logged_cannot_drive_the_terminal(show: Callable[..., str]) -> None:
    shown = show(events.Logs("log", (HOSTILE,)), events.Note(HOSTILE), events.StepDone(HOSTILE, 1, HOSTILE))
    assert not re.search(r"\x1b\[2J|\x1b\]|[\x00\x08\x9b\u202e]", shown)


@given(words=st.text())
def test_what_is_printable_has_no_control_characters_left(words: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text.printable(words))


@given(words=st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=50))
def test_ordinary_text_is_printed_as_it_is(words: str) -> None:
    assert text.printable(words) == words


def renderers(stream: io.TextIOBase) -> Iterator[Renderer]:
    safe = SafeStream(stream)  # type: ignore[arg-type]
    yield Plain(safe)
    yield Console(safe)
    yield JsonLines(safe, now=lambda: AT)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp949", "utf-8"])
def test_no_encoding_stops_a_deploy(encoding: str) -> None:
    for number in range(3):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
        show = list(renderers(stream))[number]
        for event in [*ONE_OF_EACH, events.Note("한국어 \u2713 \udcff \U0001f600"), events.Logs("로그", ("\ud800",))]:
            show(event)
        show.close()
        assert b"frontend" in raw.getvalue()
        assert "�" in raw.getvalue().decode(encoding, "replace") or b"?" in raw.getvalue() or number == 2


def test_an_ascii_terminal_gets_ascii_signs() -> None:
    raw = io.BytesIO()
    show = Console(SafeStream(io.TextIOWrapper(raw, encoding="ascii", write_through=True)), width=80)
    for event in ONE_OF_EACH:
        show(event)
    show.close()
    left = lines_left(raw.getvalue().decode("ascii"))
    assert "  + Pull the image                                1.2 s  sha256:1f2e" in left
    assert not [line for line in left if "?" in line]


def test_a_reader_that_went_away_does_not_stop_a_deploy() -> None:
    for number in range(3):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as stream:
            show = list(renderers(stream))[number]
            for event in ONE_OF_EACH:
                show(event)
            show.close()


def test_a_closed_stream_does_not_stop_a_deploy() -> None:
    stream = io.StringIO()
    shows = list(renderers(stream))
    stream.close()
    for show in shows:
        for event in ONE_OF_EACH:
            show(event)
        show.close()


def test_a_mistake_in_showing_an_event_does_not_stop_a_deploy() -> None:
    stream = io.StringIO()
    Plain(SafeStream(stream))(events.StepDone("pull", "not a number"))  # type: ignore[arg-type]
    assert "not a number" in stream.getvalue()


def test_events_from_many_threads_come_out_whole() -> None:
    stream = io.StringIO()
    show = Plain(SafeStream(stream))

    def tell() -> None:
        for _ in range(50):
            show(events.Note("x" * 60))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.getvalue().splitlines() == ["  -   " + "x" * 60] * 200


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


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


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("live", "api v2 is live"),
        ("unchanged", "api v2 is live already; nothing changed"),
        ("refused", "api v2 was refused; it never took traffic"),
        ("switched back", "api v2 was taken back; the previous release serves again"),
        ("planned", "api v2 was only planned; nothing changed"),
        ("something new", "api v2: something new"),
    ],
)
def test_every_ending_is_a_sentence(outcome: str, said: str) -> None:
    told = as_plain(events.DeployStarted("api", "v2", "host"), events.DeployFinished("api", outcome, 1.0))
    assert told.splitlines()[-1] == f"{said} (1.0 s)"


def test_an_error_is_shown_alike_by_tasks_and_renderers() -> None:
    stream = io.StringIO()
    report.show_error(ERROR, stream, {})
    assert as_plain(events.failed(ERROR)).splitlines()[2:] == stream.getvalue().splitlines()[1:]
    assert stream.getvalue().splitlines()[0].endswith("release refused (exit code 50)")


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


def test_an_interrupted_run_has_the_exit_code_of_its_signal() -> None:
    assert events.failed(Interrupted("stopped", signal_number=15)).exit_code == 143


@given(what=st.text(), state=st.text(), remedy=st.text(), line=st.text())
def test_no_error_whatever_breaks_its_showing(what: str, state: str, remedy: str, line: str) -> None:
    stream = io.StringIO()
    report.show_error(BehindyError(what, state=state, remedy=remedy, lines=(line,)), stream, {})
    assert stream.getvalue().splitlines()[0].endswith("unexpected (exit code 1)")
