"""One value, or the whole file in an editor."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest

from behindy_ops.env.edit import EMACS, VIM, check_name, edited, read_value, with_value, without_traces
from behindy_ops.errors import BehindyError, Kind
from tests.kinds import raises
from tests.scripted import Answer, scripted
from tests.unit.env.declared import checkout


def test_a_value_on_the_command_line_is_refused_and_not_repeated() -> None:
    with raises(Kind.USAGE, match="inv env.set DB_PASS") as raised:
        check_name("DB_PASS=s3cret")
    assert "s3cret" not in str(raised.value)
    with raises(Kind.USAGE, match="not a name"):
        check_name("9A")
    check_name("DB_PASS")


def test_one_value_is_put_into_the_hosts_file(tmp_path: Path) -> None:
    there = scripted(root=checkout(tmp_path), env__fetch=Answer("sha f00\ncontent QT0xCg==\n"))
    assert with_value(there.session, "B", "x y").text == "A=1\nB='x y'\n"


def test_a_value_that_was_typed_wrongly_can_be_set_anew_and_no_other(tmp_path: Path) -> None:
    body = base64.b64encode(b"A=ab$cd\nB=1\n").decode()
    there = scripted(root=checkout(tmp_path), env__fetch=Answer(f"sha f00\ncontent {body}\n"))
    assert with_value(there.session, "A", "ab$cd").text == "A='ab$cd'\nB=1\n"
    with raises(Kind.ENVIRONMENT_INVALID):
        with_value(there.session, "B", "2")


def test_what_was_fetched_of_the_file_is_never_an_explanation(tmp_path: Path) -> None:
    there = scripted(root=checkout(tmp_path), env__fetch=Answer("sha f00\ncontent QT1zM2NyZXQK\n", exit_code=137))
    with raises(Kind.REMOTE_COMMAND_FAILED) as raised:
        with_value(there.session, "B", "x")
    assert "QT1z" not in f"{raised.value} {raised.value.lines}"


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "editor"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))


def test_what_the_editor_leaves_is_the_candidate_and_no_copy_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    editor(tmp_path, monkeypatch, f'echo "$1" >{tmp_path}/where; stat -c %a "$1" >{tmp_path}/mode; echo B=2 >>"$1"')
    file = edited(b"A=1\n", b"TEMPLATE=\n", said.append)
    assert file is not None
    assert file.text == "A=1\nB=2\n"
    assert (tmp_path / "mode").read_text() == "600\n"
    assert not Path((tmp_path / "where").read_text().strip()).parent.exists()
    assert said == [
        f"{tmp_path}/editor may keep copies of what it edits (backups, local history) that we cannot remove."
    ]


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("vim", VIM),
        ("vim.basic", VIM),
        ("nvim", VIM),
        ("nano", ("--ignorercfiles",)),
        ("emacs", EMACS),
        ("emacs-nox", EMACS),
        ("nvi", None),
        ("code", None),
        ("nanoo", None),
    ],
)
def test_an_editor_that_can_is_told_to_keep_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, options: tuple[str, ...] | None
) -> None:
    wanted = None if options is None else ["--wait", *options]
    assert without_traces([program, "--wait"]) == (wanted and [program, *wanted])
    (tmp_path / program).write_text("#!/bin/sh\n")
    (tmp_path / program).chmod(0o755)
    (tmp_path / "vi").symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert without_traces(["vi", "--wait"]) == (wanted and ["vi", *wanted])


def test_a_file_that_was_left_as_it_was_is_no_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    editor(tmp_path, monkeypatch, "true")
    assert edited(b"A=1\n", b"", said.append) is None


def test_a_first_file_begins_with_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    editor(tmp_path, monkeypatch, "true")
    file = edited(b"", b"A=\n", said.append)
    assert file is not None
    assert file.text == "A=\n"


def test_an_editor_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    editor(tmp_path, monkeypatch, "exit 3")
    with pytest.raises(BehindyError, match="exit code 3"):
        edited(b"A=1\n", b"", said.append)
    monkeypatch.setenv("VISUAL", "/nonexistent/editor")
    with raises(Kind.USAGE, match="Set EDITOR"):
        edited(b"A=1\n", b"", said.append)


def typed(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(body)))


def test_a_value_comes_from_standard_input_without_its_last_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "한글 $ \n\n".encode())
    assert read_value("A") == "한글 $ \n"


@pytest.mark.parametrize(
    ("body", "said"), [(b"", "no value to read"), (b"\n", "inv env.edit"), (b"a\0", "NUL"), (b"\xff", "UTF-8")]
)
def test_a_value_no_environment_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch, body: bytes, said: str) -> None:
    typed(monkeypatch, body)
    with raises(Kind.USAGE, match=said):
        read_value("A")


@pytest.mark.parametrize("again", ["s3cret", "other"])
def test_at_a_terminal_a_value_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch, again: str) -> None:
    answers = iter(["s3cret", again])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    if again == "s3cret":
        assert read_value("A") == "s3cret"
        return
    with raises(Kind.USAGE, match="differ"):
        read_value("A")
