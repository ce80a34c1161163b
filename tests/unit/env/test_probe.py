"""What is asked of the host about its ``.env``."""

from __future__ import annotations

from pathlib import Path

from behindy_ops.env import probe
from behindy_ops.project.dotenv import parse
from tests.scripted import Answer, scripted
from tests.unit.env.declared import checkout, printed


def test_no_value_is_in_the_arguments_of_a_command(tmp_path: Path) -> None:
    there = scripted(root=checkout(tmp_path), env__probe=Answer(printed()))
    probe.compare(there.session, parse("DB_PASS='s3cret'"))
    (command,) = there.host.commands
    assert not any("s3cret" in word for word in command.argv)
    assert command.stdin.count(b"s3cret") == 2
    assert "s3cret" not in repr(command)


def test_the_file_itself_is_fetched_for_an_editor_only(tmp_path: Path) -> None:
    there = scripted(root=checkout(tmp_path), env__fetch=Answer("sha f00\ncontent QT0xCg==\n"))
    assert probe.fetch(there.session) == ("f00", b"A=1\n")
