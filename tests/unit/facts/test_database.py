"""What the host says of its database and of a backup, read; and which words reach a person before a restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.db.restore import Source, question
from behindy_ops.errors import Kind
from behindy_ops.facts import database as facts
from behindy_ops.host.command import Command, Result
from tests.kinds import raises

LOOKED = "state running\navail 5000\nbackup a-20260101-000000.dump 7\ndatabase 150004 1000 3 2 0 my db\n"


def result(stdout: str, code: int = 0, stderr: str = "") -> Result:
    return Result(Command((), "ask"), code, stdout, stderr, 0.1)


def test_a_database_is_read() -> None:
    found = facts.read_database(result(LOOKED))
    assert found == facts.Database("my db", 150004, 1000, 3, 2, 5000, {"a-20260101-000000.dump": 7})
    assert found.major == 15


@pytest.mark.parametrize(("stdout", "said"), [("state none\n", "no container"), ("state exited\n", "is exited")])
def test_a_postgres_that_is_not_there_is_an_error_of_its_own(stdout: str, said: str) -> None:
    with raises(Kind.DATABASE_NOT_READY, match=said):
        facts.read_database(result(stdout, 1))


def test_a_dump_counts_as_whole_only_if_it_was_read_to_its_end() -> None:
    told = "sum abc 12\nArchive created at 2026-01-31\ndbname: behindy\nDumped from database version: 15.4 (Debian)\n"
    assert facts.read_dump(result(f"{told}whole\n")) == facts.Dump(
        "abc", 12, 15, "behindy", "15.4 (Debian)", "2026-01-31", whole=True
    )
    assert not facts.read_dump(result(told)).whole
    assert not facts.read_dump(result(f"{told}whole\n", 87)).whole
    assert facts.read_dump(result("", 1)).sha256 == ""


def test_a_dump_has_a_sum_only_if_it_went_well() -> None:
    assert facts.read_sum(result("", 0, "note\nsum abc 12\n")) == ("abc", 12)
    assert facts.read_sum(result("", 1, "sum abc 12\n")) is None
    assert facts.read_sum(result("", 0, "")) is None


def test_names_sort_by_time_and_have_nothing_strange_in_them() -> None:
    assert facts.name_for("my db/..", "20260131-093000") == "my_db_..-20260131-093000.dump"
    assert facts.is_name("behindy-20260131-093000.dump")
    assert not facts.is_name("../behindy-20260131-093000.dump")


def test_a_database_with_anything_in_it_takes_a_yes() -> None:
    database = facts.read_database(result(LOOKED))
    lines, asks = question(database)
    assert asks
    assert "2 connection(s)" in " ".join(lines)
    assert question(facts.Database("x", 150004, 1, 0, 0, 1, {}))[1] is False


def test_a_source_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    database = facts.read_database(result(LOOKED))
    file = tmp_path / "x"
    with raises(Kind.USAGE, match="cannot be read"):
        Source(file).checked(database)
    file.write_bytes(b"select 1;")
    with raises(Kind.BACKUP_INVALID, match="no backup"):
        Source(file).checked(database)
    with raises(Kind.USAGE, match=r"a-20260101-000000\.dump"):
        Source(name="../../etc/passwd").checked(database)
