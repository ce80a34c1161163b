"""What a person reads before a restore, and that nothing is touched until the backup was read through."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from behindy_ops.db.restore import Source, effects, restore
from behindy_ops.errors import Interrupted, Kind
from behindy_ops.facts.database import Database
from behindy_ops.report.events import Note, Warning_
from tests.kinds import raises
from tests.scripted import Answer, Scripted, script_of, scripted

if TYPE_CHECKING:
    from behindy_ops.host.command import Command, Result

DATABASE = Database("behindy", 150004, 1000, 3, 2, 5000, {"a-20260101-000000.dump": 7})
BACKUP = b"PGDMP and more"


def looked(objects: int = 3, available: int = 5000, name: str = "behindy") -> Answer:
    backup = "backup a-20260101-000000.dump 2000\n"
    return Answer(f"state running\navail {available}\ndatabase 150004 1000 {objects} 2 {name}\n{backup}")


def received(version: str = "15.4", body: bytes = BACKUP, code: int = 0) -> Answer:
    header = f"list Archive created at 2026-01-31\nlist dbname: behindy\nlist Dumped from database version: {version}\n"
    return Answer(f"sum {hashlib.sha256(body).hexdigest()} {len(body)}\n{header}", code)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.dump"
    path.write_bytes(BACKUP)
    return path


def run(there: Scripted, file: Path, answer: bool = True) -> list[str]:
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    restore(there.session, Source(file), confirm, task="db.restore x.dump")
    return asked


def test_a_database_with_anything_in_it_takes_a_yes(file: Path) -> None:
    there = scripted(db__look=looked())
    assert run(there, file, answer=False) == [f"Put {file} in its place?"]
    assert "2 open connection(s)" in there.told()
    assert there.told().endswith("Nothing changed.")
    assert there.host.locked == []


def test_after_a_yes_it_is_filled_and_the_names_are_swapped(file: Path) -> None:
    ok = Answer()
    there = scripted(db__look=looked(), db__receive=received(), db__fill=ok, db__swap=ok)
    run(there, file)
    assert there.host.ran() == ["db/look", "db/look", "db/receive", "db/fill", "db/swap"]
    kept, what = there.host.commands[-1].argv[-2:]
    assert what == "always"
    assert kept.startswith("behindy_before_")
    assert f'dropdb -U "$POSTGRES_USER" {kept}\'' in there.told()


def test_an_empty_database_is_filled_without_a_question(file: Path) -> None:
    ok = Answer()
    there = scripted(db__look=looked(0), db__receive=received("14.9"), db__fill=ok, db__swap=Answer("dropped\n"))
    assert run(there, file, answer=False) == []
    assert there.host.commands[-1].argv[-1] == "if-used"
    assert "previous database" not in there.told()
    assert any(isinstance(event, Warning_) for event in there.events)
    assert effects(Database("x", 150004, 1, 0, 0, 1, {})) == ("x is empty: it is filled.",)


def test_an_empty_database_that_somebody_wrote_to_meanwhile_is_kept_and_named(file: Path) -> None:
    ok = Answer()
    there = scripted(db__look=looked(0), db__receive=received(), db__fill=ok, db__swap=ok)
    run(there, file)
    assert "The previous database is called behindy_before_" in there.told()


def test_owners_that_could_not_be_carried_over_are_told(file: Path) -> None:
    ok = Answer()
    there = scripted(db__look=looked(), db__receive=received(), db__fill=Answer("missing read only\n"), db__swap=ok)
    run(there, file)
    warnings = [event.text for event in there.events if isinstance(event, Warning_)]
    assert any("no role read only" in text for text in warnings)


def test_after_a_lost_answer_nothing_is_claimed_of_a_database_that_was_empty(file: Path) -> None:
    looks = [looked(0), looked(0), looked()]
    there = scripted(db__look=looks, db__receive=received(), db__fill=Answer(), db__swap=Answer("", 255))
    run(there, file)
    assert "Unless it was still empty, the previous database is called behindy_before_" in there.told()


@pytest.mark.parametrize(
    ("after", "kind", "said"),
    [
        (looked(), None, "The previous database is called behindy_before_"),
        (Answer(f"{looked().stdout}restoring\n"), Kind.REMOTE_COMMAND_FAILED, "not touched"),
        (Answer("state exited\n"), Kind.REMOTE_COMMAND_FAILED, "could not be seen"),
    ],
)
def test_after_a_lost_answer_it_is_looked_which_of_the_two_has_the_name(
    file: Path, after: Answer, kind: Kind | None, said: str
) -> None:
    ok = Answer()
    looks = [looked(), looked(), after]
    there = scripted(db__look=looks, db__receive=received(), db__fill=ok, db__swap=Answer("", 255))
    if kind is None:
        run(there, file)
        assert said in there.told()
    else:
        with raises(kind, match=said):
            run(there, file)


@pytest.mark.parametrize(
    ("look", "receive", "kind", "said"),
    [
        ([looked(0), looked(3)], received(), Kind.USAGE, "Somebody else changed this"),
        ([looked(available=9)], received(), Kind.HOST_NOT_READY, "inv ops.prune"),
        ([looked()], received(code=87), Kind.BACKUP_INVALID, "database in use was not touched"),
        ([looked()], received("16.1"), Kind.BACKUP_INVALID, "PostgreSQL 16 or newer"),
        ([looked()], received(body=b"else"), Kind.REMOTE_COMMAND_FAILED, "not what was sent"),
    ],
)
def test_what_ends_a_restore_before_anything_is_touched(
    file: Path, look: list[Answer], receive: Answer, kind: Kind, said: str
) -> None:
    there = scripted(db__look=look, db__receive=receive)
    with raises(kind, match=said):
        run(there, file)
    assert not {"db/fill", "db/swap"} & set(there.host.ran())


def test_a_source_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "x"
    with raises(Kind.USAGE, match="Could not read.*--from-host"):
        Source(file).require_usable(DATABASE)
    file.write_bytes(b"select 1;")
    with raises(Kind.BACKUP_INVALID, match="not a backup"):
        Source(file).require_usable(DATABASE)
    with raises(Kind.USAGE, match=r"a-20260101-000000\.dump"):
        Source(name="../../etc/passwd").require_usable(DATABASE)


def test_a_backup_on_the_host_needs_four_times_its_size_there() -> None:
    there = scripted(db__look=looked(0, available=7999))
    with raises(Kind.HOST_NOT_READY, match="inv ops.disk"):
        restore(there.session, Source(name="a-20260101-000000.dump"), lambda _: True, task="db.restore")


def test_a_backup_of_a_database_with_another_name_is_told(file: Path) -> None:
    ok = Answer()
    there = scripted(db__look=looked(name="other"), db__receive=received(), db__fill=ok, db__swap=ok)
    run(there, file)
    assert [event.text for event in there.events if isinstance(event, Note)] == [
        "The backup is of a database called behindy."
    ]


def test_a_restore_that_is_stopped_says_that_a_half_filled_one_may_be_left(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = scripted(db__look=looked(), db__receive=received())
    ordinary = there.host.run

    def stopped(command: Command) -> Result:
        if script_of(command) == "db/fill":
            raise Interrupted("Stopped.", signal_number=15)
        return ordinary(command)

    monkeypatch.setattr(there.host, "run", stopped)
    with raises(Kind.INTERRUPTED, match="A half-filled one may be beside it"):
        run(there, file)
