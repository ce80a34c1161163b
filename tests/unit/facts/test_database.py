"""What the host says of its database and of a backup, read; and which words reach a person before a restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.db import commands
from behindy_ops.db.restore import Source, question
from behindy_ops.errors import Kind
from behindy_ops.facts import database as facts
from behindy_ops.facts.replies import short
from tests.kinds import raises

LOOKED = "state running\navail 5000\nbackup a-20260101-000000.dump 7\ndatabase 150004 1000 3 2 0 my db\n"


def test_a_database_is_read() -> None:
    found = facts.parse_database(short(LOOKED))
    assert found == facts.Database("my db", 150004, 1000, 3, 2, 5000, {"a-20260101-000000.dump": 7})
    assert found.major == 15


@pytest.mark.parametrize(("stdout", "said"), [("state none\n", "no container"), ("state exited\n", "is exited")])
def test_a_postgres_that_is_not_there_is_an_error_of_its_own(stdout: str, said: str) -> None:
    with raises(Kind.DATABASE_NOT_READY, match=said):
        facts.parse_database(short(stdout))


def test_what_a_backup_says_of_itself_is_read() -> None:
    told = short("""sum abc 12
list Archive created at 2026-01-31
list dbname: behindy
list Dumped from database version: 15.4 (Debian)
""")
    assert facts.parse_dump(told) == facts.Dump("abc", 12, 15, "behindy", "15.4 (Debian)", "2026-01-31")
    assert facts.parse_dump(short("")).sha256 == ""


def test_a_dump_has_a_sum_only_if_it_went_well() -> None:
    assert facts.parse_sum(short("note\nsum abc 12\n")) == ("abc", 12)
    assert facts.parse_sum(short("")) is None


def test_names_sort_by_time_and_have_nothing_strange_in_them() -> None:
    assert commands.name_for("my db/..", "20260131-093000") == "my_db_..-20260131-093000.dump"


def test_a_database_with_anything_in_it_takes_a_yes() -> None:
    database = facts.parse_database(short(LOOKED))
    lines, asks = question(database)
    assert asks
    assert "2 connection(s)" in " ".join(lines)
    assert question(facts.Database("x", 150004, 1, 0, 0, 1, {}))[1] is False


def test_a_source_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    database = facts.parse_database(short(LOOKED))
    file = tmp_path / "x"
    with raises(Kind.USAGE, match="cannot be read"):
        Source(file).checked(database)
    file.write_bytes(b"select 1;")
    with raises(Kind.BACKUP_INVALID, match="no backup"):
        Source(file).checked(database)
    with raises(Kind.USAGE, match=r"a-20260101-000000\.dump"):
        Source(name="../../etc/passwd").checked(database)
