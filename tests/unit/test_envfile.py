"""The verdict on a ``.env``: by names, never by values; and which word behind a task is a file."""

from __future__ import annotations

from behindy_ops.env import verdict, wanted
from behindy_ops.env.probe import Answer, Name, look, read_answer
from behindy_ops.host.command import Command, Result
from behindy_ops.project.compose import ComposeFile
from behindy_ops.tasks.options import file_behind

COMPOSE = """
services:
  db: {image: postgres, environment: {P: "${DB_PASS}", N: "${DB_NAME:-x}"}}
  backend:
    image: ${PREFIX:-p}/b
    environment: ["P=${DB_PASS}", "J=${JWT?why}", "U=${URL:-redis://${CACHE_PASS}}", "D=$$NOT"]
    x-deploy: {internal: "/${NEITHER}"}
"""
EXAMPLE = "# about\nDB_PASS=\nJWT=change-it\nPREFIX=mine\n#OPTIONAL=1\n"
WANTED = wanted.read(ComposeFile.parse(COMPOSE), EXAMPLE)


def test_the_names_are_those_the_stanzas_use() -> None:
    assert WANTED.used == {"db": ("DB_PASS", "DB_NAME"), "backend": ("PREFIX", "DB_PASS", "JWT", "URL", "CACHE_PASS")}
    assert WANTED.required == {"DB_PASS": ("db", "backend"), "JWT": ("backend",)}
    assert WANTED.known == {"DB_PASS", "DB_NAME", "PREFIX", "JWT", "URL", "CACHE_PASS", "OPTIONAL"}
    assert WANTED.examples == {"JWT": "change-it"}


def answer(*names: Name, mode: str = "600", **more: object) -> Answer:
    return Answer(mode, "abc", names, (frozenset({"URL"}), frozenset()), **more)  # type: ignore[arg-type]


def test_each_thing_that_is_wrong_is_told_by_its_name() -> None:
    found = verdict.check(
        answer(
            Name("DB_PASS", "empty", "absent", same=False),
            Name("URL", "set", "absent", same=False),
            Name("TYPO", "set", "absent", same=False),
            mode="644",
        ),
        WANTED,
        candidate=False,
    )
    assert found == verdict.Check(("JWT",), ("DB_PASS",), ("URL",), ("TYPO",), "644")
    assert not found.complete
    said = "\n".join(line.text for line in verdict.check_lines(found, WANTED, "it"))
    assert "JWT: missing; needed by backend" in said
    assert "DB_PASS: empty; needed by db, backend" in said
    assert "Its mode is 644" in said


def test_an_examples_value_is_a_placeholder() -> None:
    names = (
        Name("DB_PASS", "set", "set", same=True),
        Name("JWT", "set", "set", same=False, example=(False, True)),
    )
    assert verdict.check(answer(*names), WANTED, candidate=False).placeholder == ()
    assert verdict.check(answer(*names), WANTED, candidate=True).placeholder == ("JWT",)


def test_a_diff_names_what_changes_and_who_sees_it() -> None:
    found = verdict.diff(
        answer(
            Name("DB_PASS", "set", "set", same=False),
            Name("JWT", "absent", "empty", same=False),
            Name("URL", "empty", "absent", same=False),
            Name("PREFIX", "set", "set", same=True),
            old={"db": "1", "backend": "1"},
            new={"db": "2", "backend": "2"},
            live={"backend": "1"},
        ),
        WANTED,
        frozenset({"backend"}),
    )
    assert found == verdict.Diff(("JWT",), ("URL",), ("DB_PASS",), ("backend",), ("db",))
    assert [line.text for line in verdict.diff_lines(found)][:3] == ["+ JWT", "- URL", "~ DB_PASS"]


def test_a_service_that_runs_with_it_already_needs_no_deploy() -> None:
    same = answer(new={"backend": "1"}, old={"backend": "1"}, live={"backend": "1"})
    assert verdict.diff(same, WANTED, frozenset({"backend"})).redeploy == ()


def test_what_the_host_prints_is_read() -> None:
    mark = "@@1"
    lines = """@@1 host|mode 640|sha f00|@@1 states|A set empty differs no - yes|@@1 old! 1|@@1 old.err|line 3|@@1 weak
|host A|@@1 services|from host|old db 1|live db |@@1 replaced|yes|@@1 end"""
    text = lines.replace("\n", "").replace("|", "\n")
    found = read_answer(Result(Command((), ""), 0, text, "", 0.1), mark)
    assert found == Answer(
        "640", "f00", (Name("A", "set", "empty", same=False, misread=True, example=(False, True)),),
        (frozenset({"A"}), frozenset()), {"db": "1"}, from_host=True, problems={"old": "line 3"}, replaced="yes",
    )  # fmt: skip


def test_no_value_is_in_the_arguments_of_a_command() -> None:
    from behindy_ops.env.dialect import parse

    command = look("@@1", "dir", WANTED, COMPOSE, parse("DB_PASS='s3cret'"))
    assert not any("s3cret" in word for word in command.argv)
    assert command.stdin.count(b"s3cret") == 2
    assert "s3cret" not in repr(command)


def test_a_file_may_be_named_right_behind_a_task_that_needs_none() -> None:
    for words, named in {
        "env.push host.env": True,
        "env.push .env.host": True,
        "env.push ../other": True,
        "env.push --yes": False,
        "env.push": False,
        "env.push env.check": False,
        "env.push tasks.py": True,
    }.items():
        assert file_behind("push", words.split()) is named, words
