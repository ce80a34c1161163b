"""What the host says of its database and of a backup, read."""

from __future__ import annotations

import pytest

from behindy_ops.facts.database import Database, Dump, parse_database, parse_dump, parse_sum
from behindy_ops.facts.replies import short

LOOKED = "state running\navail 5000\nbackup a-20260101-000000.dump 7\ndatabase 150004 1000 3 2 my db\n"


def test_a_database_is_read() -> None:
    database = parse_database(short(LOOKED))
    assert database == Database("my db", 150004, 1000, 3, 2, 5000, {"a-20260101-000000.dump": 7})
    assert isinstance(database, Database)
    assert database.major == 15


@pytest.mark.parametrize(("stdout", "state"), [("state none\n", "none"), ("state exited\n", "exited"), ("", "unknown")])
def test_where_there_is_no_database_its_containers_state_is_what_is_known(stdout: str, state: str) -> None:
    assert parse_database(short(stdout)) == state


def test_what_a_backup_says_of_itself_is_read() -> None:
    header = (
        "list Archive created at 2026-01-31\nlist dbname: behindy\nlist Dumped from database version: 15.4 (Debian)"
    )
    assert parse_dump(short(f"sum abc 12\n{header}\n")) == Dump("abc", 12, 15, "behindy", "15.4 (Debian)", "2026-01-31")
    assert parse_dump(short("")) == Dump("", 0, 0, "", "", "")


def test_the_sum_of_a_dump_is_found_among_what_was_written_beside_it() -> None:
    assert parse_sum(short("note\nsum abc 12\n")) == ("abc", 12)
    assert parse_sum(short("note\n")) is None
