"""The scripts of the database, run by bash with fakes: a backup is whole or not there, a restore all or nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from behindy_ops.facts.database import Database, parse_database, parse_dump, parse_sum
from behindy_ops.facts.replies import short
from behindy_ops.host.exit_codes import Code
from tests.unit.host.scripts.fake_host import INSIDE, Answer

if TYPE_CHECKING:
    from tests.unit.host.scripts.fake_host import FakeHost, Ran

DUMP = "PGDMP of something\n"
SUM = (hashlib.sha256(DUMP.encode()).hexdigest(), len(DUMP))


@pytest.fixture
def postgres(host: FakeHost) -> FakeHost:
    """A host with a Postgres: its programs are fakes as well."""
    host.file("home/backups/.x")
    host.on("docker", "container inspect *", "state running\n")
    host.on("docker", "exec -i postgres sh -c *", INSIDE)
    host.on("docker", "exec -i postgres pg_restore *", Answer(run="cat >/dev/null; exit 0"))
    host.on("pg_dump", "-Fc --no-password", DUMP)
    return host


def test_the_database_is_looked_at_as_its_own_user(postgres: FakeHost) -> None:
    postgres.file("home/backups/a-20260101-000000.dump", "1234567")
    postgres.on(
        "psql",
        "*",
        Answer(run='printf "%s" "$PGUSER/$PGDATABASE" >&2; cat >/dev/null; echo "database 150004 9 3 2 my db"'),
    )
    ran = postgres.run("db/look", "postgres", str(postgres.home))
    found = parse_database(short(ran.out))
    assert isinstance(found, Database)
    assert (found.name, found.major, found.backups) == ("my db", 15, {"a-20260101-000000.dump": 7})
    assert ran.err == "postgres/postgres"


def test_a_postgres_that_is_not_there_is_told(host: FakeHost) -> None:
    host.on("docker", "container inspect *", Answer(code=1))
    assert host.run("db/look", "postgres", str(host.home)).values == {"state": "none"}
    assert host.run("db/look", "postgres", str(host.root / "none")).code == Code.NO_DIRECTORY


def test_a_dump_is_printed_and_summed_up_while_it_passes(postgres: FakeHost) -> None:
    ran = postgres.run("db/dump", "postgres", "", "", "0")
    assert (ran.code, ran.out, parse_sum(short(ran.err))) == (0, DUMP, SUM)
    assert not [*(postgres.root / "shm").iterdir()]


def test_a_dump_is_kept_under_its_name_only_when_it_is_whole_and_the_oldest_goes(postgres: FakeHost) -> None:
    backups = postgres.home / "backups"
    postgres.file("home/backups/a-20260101-010101.dump.part")
    for day in (1, 2):
        postgres.file(f"home/backups/a-2026010{day}-000000.dump")
    theirs = [
        "prod.dump",
        "a-old.dump",
        "b-20250101-000000.dump",
        "a-b-20250101-000000.dump",
        "theirs.part",
        "a-9.part",
    ]
    for name in theirs:
        postgres.file(f"home/backups/{name}", "theirs")
    postgres.file("home/backups/a-20260102-120000.dump.part", "half of one")
    ran = postgres.run("db/dump", "postgres", str(backups), "a-20260103-000000.dump", "2")
    assert (ran.code, short(ran.err).every("removed")) == (0, ["a-20260101-000000.dump"])
    assert (backups / "a-20260103-000000.dump").read_text() == DUMP
    postgres.on("docker", "exec -i postgres pg_restore *", Answer(run="cat >/dev/null; echo damaged >&2; exit 1"))
    ran = postgres.run("db/dump", "postgres", str(backups), "a-20260104-000000.dump", "2")
    assert (ran.code, ran.err) == (Code.BACKUP_UNREADABLE, "damaged\n")
    ours = ["a-20260102-000000.dump", "a-20260103-000000.dump"]
    assert sorted(path.name for path in backups.glob("[a-z]*")) == sorted([*theirs, *ours])


def test_where_no_backup_can_be_kept_nothing_is_left_running(postgres: FakeHost) -> None:
    postgres.file("home/file")
    ran = postgres.run("db/dump", "postgres", str(postgres.home / "file"), "a-20260103-000000.dump", "2")
    assert ran.code == Code.NOT_WRITABLE  # within the time of a test: what waits on a pipe would hold the host for ever
    assert not [*(postgres.root / "shm").iterdir()]


def test_a_dump_that_cannot_be_written_leaves_nothing_running(postgres: FakeHost) -> None:
    backups = postgres.home / "backups"
    (backups / "a-20260103-000000.dump.part").mkdir()
    ran = postgres.run("db/dump", "postgres", str(backups), "a-20260103-000000.dump", "2")
    assert ran.code != 0
    assert (backups / "a-20260103-000000.dump.part").is_dir()


def test_the_directory_of_the_backups_keeps_its_mode(postgres: FakeHost) -> None:
    backups = postgres.home / "backups"
    backups.chmod(0o755)
    postgres.run("db/dump", "postgres", str(backups), "a-20260103-000000.dump", "2")
    assert backups.stat().st_mode & 0o777 == 0o755


def test_a_backup_is_received_and_read_through(postgres: FakeHost) -> None:
    postgres.on(
        "docker", "exec -i postgres pg_restore --list", Answer(run='cat >/dev/null; printf "; \\n;     dbname: x\\n"')
    )
    ran = postgres.run("db/receive", "postgres", str(postgres.home), "", stdin=DUMP)
    dump = parse_dump(short(ran.out))
    assert (ran.code, (dump.sha256, dump.size), dump.database) == (0, SUM, "x")
    part = postgres.home / "backups/.behindy-restore.part"
    assert part.read_text() == DUMP
    assert part.stat().st_mode & 0o77 == 0
    assert postgres.run("db/receive", "postgres", str(postgres.home), "none.dump").code == Code.NO_BACKUP
    postgres.file("home/backups/there.dump", DUMP)
    assert postgres.run("db/receive", "postgres", str(postgres.home), "there.dump").code == 0
    postgres.on("docker", "exec -i postgres pg_restore -f *", Answer(run="cat >/dev/null; exit 1"))
    assert postgres.run("db/receive", "postgres", str(postgres.home), "", stdin=DUMP).code == Code.BACKUP_UNREADABLE
    assert not part.exists()


def fill(postgres: FakeHost) -> Ran:
    part = postgres.file("home/backups/.behindy-restore.part", DUMP)
    ran = postgres.run("db/fill", "postgres", str(postgres.home))
    assert not part.exists()
    return ran


def test_a_new_database_is_filled_beside_the_one_in_use(postgres: FakeHost) -> None:
    postgres.on("psql", "*", Answer(run='cat >>"$root/sql"; exit 0'))
    postgres.on("pg_restore", "*-d postgres_restoring", Answer(run='cat >"$root/fed"; exit 0'), Answer(code=1))
    assert fill(postgres).code == 0
    assert (postgres.root / "fed").read_text() == DUMP
    sql = (postgres.root / "sql").read_text()
    assert ("create database %I" in sql, sql.endswith("analyze;\n")) == (True, True)
    assert fill(postgres).code == Code.NOT_RESTORED
    assert (postgres.root / "sql").read_text().endswith('drop database if exists :"new" with (force);\n')
    postgres.on("psql", "*", Answer(code=2))
    assert fill(postgres).code == Code.NO_NEW_DATABASE


def test_owners_that_this_server_does_not_have_are_named_and_left_out(postgres: FakeHost) -> None:
    postgres.on("psql", "*", Answer(run="cat >/dev/null; exit 0"))
    lacks = Answer(run="""cat >/dev/null; echo 'pg_restore: error: role "read only" does not exist' >&2; exit 1""")
    postgres.on("pg_restore", "*-d postgres_restoring", lacks)
    postgres.on("pg_restore", "*--no-owner --no-acl", Answer(run='cat >"$root/fed"; exit 0'))
    ran = fill(postgres)
    assert (ran.code, ran.values, (postgres.root / "fed").read_text()) == (0, {"missing": "read only"}, DUMP)
    postgres.on("pg_restore", "*--no-owner --no-acl", Answer(run="cat >/dev/null; echo damaged >&2; exit 1"))
    ran = fill(postgres)
    assert (ran.code, ran.err) == (Code.NOT_RESTORED, "damaged\n")


def test_the_two_change_names_in_one_transaction_that_is_tried_again(postgres: FakeHost) -> None:
    postgres.on("psql", "*", Answer(code=1), Answer(run='cat >"$root/sql"; exit 0'))
    ran = postgres.run("db/swap", "postgres", "kept", "always")
    assert (ran.code, len(ran.calls), ran.values) == (0, 3, {})
    assert "-v old=postgres -v new=postgres_restoring -v away=kept" in ran.calls[-1]
    assert "begin;" in (postgres.root / "sql").read_text()
    postgres.on("psql", "*", Answer(code=1))
    assert postgres.run("db/swap", "postgres", "kept", "always").code == Code.DATABASE_IN_USE


@pytest.mark.parametrize(("objects", "dropped"), [(0, True), (1, False)])
def test_only_a_database_that_is_empty_once_nobody_can_reach_it_is_dropped(
    postgres: FakeHost, objects: int, *, dropped: bool
) -> None:
    postgres.on("psql", "*", Answer(run='cat >>"$root/sql"; exit 0'))
    postgres.on("psql", "*-d kept -c *", f"{objects}\n")
    ran = postgres.run("db/swap", "postgres", "kept", "if-used")
    assert (ran.code, "dropped" in ran.values) == (0, dropped)
    assert ((postgres.root / "sql").read_text().count("drop database")) == int(dropped)
