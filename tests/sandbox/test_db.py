"""Backups of the sandbox's Postgres: whole or not there, and restored row by row."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.host import shell as host
from sandbox.host.info import SandboxInfo
from tests.sandbox.support import ROOT, Ran, command_lines, environment, inv, on_host, wait_for

HOME = "/home/ubuntu/behindy-ops"
TABLES = """
create table stories(id serial primary key, title text not null, body bytea, at timestamptz default now());
insert into stories(title, body) select '이야기 ' || i || E' \\'$"\\n', sha256(i::text::bytea)
  from generate_series(1, 5000) i;
create index on stories(title);
create view newest as select * from stories order by id desc limit 10;
create table "Mixed Case"(a int references stories(id), b numeric[]);
insert into "Mixed Case" values (1, '{1.5,null}'), (null, null);
select setval('stories_id_seq', 90000);
"""
PRINT = """select md5(string_agg(s::text, '|' order by id)), count(*) from stories s;
select md5(string_agg(m::text, '|' order by a)) from "Mixed Case" m; select count(*) from newest;
select last_value from stories_id_seq; select count(*) from pg_indexes where schemaname = 'public';"""


def sql(text: str, database: str = "behindy") -> str:
    argv = [
        "docker",
        "exec",
        "-i",
        "postgres",
        "psql",
        "-XAtq",
        "-v",
        "ON_ERROR_STOP=1",
        "-U",
        "behindy",
        "-d",
        database,
    ]
    return host.run(argv, stdin=text.encode()).stdout.decode().strip()


def empty() -> None:
    """The database as it was made, and none beside it."""
    sql("drop database if exists behindy with (force)", "postgres")
    sql("create database behindy", "postgres")
    others = sql("select datname from pg_database where datname like 'behindy\\_%'", "postgres")
    for name in others.split():
        sql(f'drop database "{name}" with (force)', "postgres")


@pytest.fixture
def rows(sandbox: SandboxInfo) -> Iterator[str]:
    """A database with rows in it; what identifies them."""
    empty()
    sql(TABLES)
    try:
        yield sql(PRINT)
    finally:
        empty()
        on_host("rm", "-rf", f"{HOME}/backups")


def backup(tmp_path: Path) -> Path:
    inv("db.backup", "--to", str(tmp_path)).ok()
    (file,) = tmp_path.glob("*.dump")
    return file


def test_a_backup_restored_into_an_empty_database_gives_the_same_rows(rows: str, tmp_path: Path) -> None:
    file = backup(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    empty()
    inv("db.restore", str(file)).ok()
    assert sql(PRINT) == rows
    assert sql("select datname from pg_database where datname like 'behindy%'", "postgres") == "behindy"


def test_a_database_that_is_not_empty_takes_a_yes_and_is_kept(rows: str, tmp_path: Path) -> None:
    file = backup(tmp_path)
    sql("delete from stories where id > 5 and id < 50")
    later = sql(PRINT)
    refused = inv("db.restore", str(file))
    assert refused.code == 2, refused.said
    assert "not empty" in refused.out
    assert sql(PRINT) == later
    restored = inv("db.restore", str(file), "--yes").ok()
    assert sql(PRINT) == rows
    kept = sql("select datname from pg_database where datname like 'behindy_before%'", "postgres")
    assert kept in restored.out
    assert sql(PRINT, kept) == later


def test_a_session_that_is_open_is_ended_only_when_the_new_database_is_filled(rows: str, tmp_path: Path) -> None:
    file = backup(tmp_path)
    query, count = "select pg_sleep(60)", "select count(*) from pg_stat_activity where query ~ '^select pg_sleep'"
    argv = ["docker", "exec", container(), "docker", "exec", "postgres", "psql", "-U", "behindy", "-d", "behindy"]
    with subprocess.Popen([*argv, "-c", query], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as session:
        wait_for(lambda: sql(count) == "1", what="the session")
        inv("db.restore", str(file), "--yes").ok()
        said = session.communicate(timeout=20)[1].decode()
    assert "terminating connection" in said
    assert sql(PRINT) == rows


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda body: body[: len(body) // 2], "cannot be read through"),
        (lambda _: b"select 1;\n", "not a backup made by db.backup"),
    ],
)
def test_a_backup_that_is_not_whole_touches_nothing(rows: str, tmp_path: Path, spoil: object, said: str) -> None:
    file = backup(tmp_path)
    assert callable(spoil)
    file.write_bytes(spoil(file.read_bytes()))
    ran = inv("db.restore", str(file), "--yes")
    assert ran.code == 88, ran.said
    assert said in ran.err
    assert sql(PRINT) == rows
    assert on_host("sh", "-c", f"ls {HOME}/backups 2>/dev/null", check=False) == ""


def test_a_backup_of_a_newer_postgres_is_refused(rows: str, tmp_path: Path) -> None:
    file = backup(tmp_path)
    body = file.read_bytes()
    version = sql("show server_version").encode()
    assert version in body
    newer = b"99" + version[2:]
    file.write_bytes(body.replace(version, newer))
    ran = inv("db.restore", str(file), "--yes")
    assert ran.code == 88, ran.said
    assert "PostgreSQL 99" in ran.err
    assert sql(PRINT) == rows


def test_settings_owners_and_grants_come_along_or_are_named(rows: str, tmp_path: Path) -> None:
    sql("""drop role if exists reader; drop role if exists keeper; create role reader; create role keeper;
      alter database behindy set timezone = 'Asia/Seoul'; alter database behindy set search_path = "$user", public, x;
      alter role reader in database behindy set work_mem = '8MB'; alter database behindy set "my.note" = 'it''s';
      revoke all on database behindy from public; grant connect on database behindy to reader with grant option;
      alter table stories owner to keeper; grant select on stories to reader;""")
    look = """select datacl::text, datcollate, datctype, pg_get_userbyid(datdba) from pg_database
        where datname = 'behindy'; select setrole::regrole, setconfig from pg_db_role_setting s
        join pg_database d on d.oid = s.setdatabase where datname = 'behindy' order by 1;
      select relowner::regrole, relacl from pg_class where relname = 'stories';"""
    before = sql(look)
    assert "my.note=it's" in before
    file = backup(tmp_path)
    inv("db.restore", str(file), "--yes").ok()
    assert (sql(look), sql(PRINT)) == (before, rows)
    assert sql("show timezone; show search_path") == 'Asia/Seoul\n"$user", public, x'
    sql("drop database if exists behindy with (force)", "postgres")
    sql("create database behindy", "postgres")
    others = sql("select datname from pg_database where datname like 'behindy\\_%'", "postgres")
    for name in others.split():
        sql(f'drop database "{name}" with (force)', "postgres")
    sql("drop role reader; drop role keeper", "postgres")
    ran = inv("db.restore", str(file)).ok()
    assert "no role" in ran.out
    assert sql(PRINT) == rows


def test_what_is_written_to_an_empty_database_meanwhile_is_not_dropped(rows: str, tmp_path: Path) -> None:
    """Between the look and the swap: here, by the restore of a table that is slow to come."""
    file = backup(tmp_path)
    empty()
    with slow_restore():
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", "db.restore", str(file)],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            restoring = "select count(*) from pg_database where datname = 'behindy_restoring'"
            wait_for(lambda: sql(restoring, "postgres") == "1", what="the new database")
            sql("create table orders(a int); insert into orders values (7)")
            out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert sql(PRINT) == rows
    (kept,) = sql("select datname from pg_database where datname like 'behindy\\_before%'", "postgres").split()
    assert f"The previous database is called {kept}" in out
    assert sql("select a from orders", kept) == "7"


def test_backups_on_the_host_are_kept_up_to_a_number_and_restored_by_name(rows: str) -> None:
    inv("db.backup", "--keep-on-host").ok()
    theirs = {"prod.dump", "behindy-old.dump", "other-20250101-000000.dump", "my.part"}
    on_host("sh", "-c", f"cd {HOME}/backups && touch {' '.join(theirs)}", user="ubuntu")
    for _ in range(3):
        ran = inv("db.backup", "--keep-on-host", "--keep", "2").ok()
    there = set(on_host("ls", f"{HOME}/backups").split())
    assert theirs < there
    on_host("sh", "-c", f"cd {HOME}/backups && rm {' '.join(theirs)}")
    listed = on_host("sh", "-c", f"stat -c '%a %n' {HOME}/backups/*").splitlines()
    assert len(listed) == 2
    assert all(line.startswith("600 ") for line in listed)
    name = Path(listed[-1].split()[1]).name
    assert name in ran.out
    empty()
    inv("db.restore", name, "--from-host").ok()
    assert sql(PRINT) == rows
    assert name in inv("db.restore", "other", "--from-host", "--yes").err


def test_an_interrupted_backup_leaves_nothing_that_looks_whole(rows: str, tmp_path: Path) -> None:
    with slow_dump():
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", "db.backup", "--to", str(tmp_path)],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        with process:
            wait_for(lambda: bool(list(tmp_path.glob("*.part"))), what="the first bytes")
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=30) == 143
    assert list(tmp_path.iterdir()) == []


def test_a_dump_that_fails_half_way_leaves_nothing(rows: str, tmp_path: Path) -> None:
    with broken_dump("head -c 20000; exit 1"):
        here = inv("db.backup", "--to", str(tmp_path))
        there = inv("db.backup", "--keep-on-host")
    for ran in (here, there):
        assert ran.code == 87, ran.said
    assert list(tmp_path.iterdir()) == []
    assert on_host("sh", "-c", f"ls {HOME}/backups", check=False) == ""


def test_no_password_is_in_any_process(rows: str, tmp_path: Path, sandbox: SandboxInfo) -> None:
    password = on_host("sh", "-c", f"sed -n 's/^DB_PASS=//p' {HOME}/.env")
    with command_lines(sandbox.container) as seen:
        file = backup(tmp_path)
        ran: Ran = inv("db.restore", str(file), "--yes").ok()
    processes = "".join(seen)
    assert "pg_dump" in processes
    assert len(password) > 10
    assert password not in processes + ran.said


def test_a_postgres_that_is_stopped_is_told_by_name(rows: str, tmp_path: Path) -> None:
    on_host("docker", "stop", "postgres")
    try:
        ran = inv("db.backup", "--to", str(tmp_path))
    finally:
        on_host("docker", "start", "postgres")
        wait_for(lambda: on_host("docker", "exec", "postgres", "pg_isready", check=False).endswith("connections"))
    assert ran.code == 86, ran.said
    assert "exited" in ran.err


@contextlib.contextmanager
def instead_of(program: str, lines: str) -> Iterator[None]:
    """Within Postgres's container another script has the program's name; there, ``REAL`` stands for the program."""
    name = f"/usr/lib/postgresql/bin/{program}"
    body = f"#!/bin/sh\n{lines}\n".replace("REAL", f"{name}.real")
    inside = f"mv $(readlink -f {name}) {name}.real && cat > {name} && chmod 755 {name}"
    resolved = on_host("docker", "exec", "postgres", "readlink", "-f", name)
    host.run(["docker", "exec", "-i", "postgres", "sh", "-c", inside], stdin=body.encode())
    try:
        yield
    finally:
        on_host("docker", "exec", "postgres", "sh", "-c", f"rm -f {name}; mv {name}.real {resolved}")


def broken_dump(after: str) -> contextlib.AbstractContextManager[None]:
    """The output of pg_dump goes through a shell line."""
    return instead_of("pg_dump", f'set -o pipefail 2>/dev/null\nREAL "$@" | {{ {after}; }}')


def slow_dump() -> contextlib.AbstractContextManager[None]:
    return broken_dump("head -c 20000; sleep 8; cat")


def slow_restore() -> contextlib.AbstractContextManager[None]:
    return instead_of("pg_restore", 'case "$*" in *--single-transaction*) sleep 5 ;; esac\nexec REAL "$@"')


def container() -> str:
    from sandbox.host.checkout import here

    return here().container
