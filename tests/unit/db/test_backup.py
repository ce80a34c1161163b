"""A backup bears its name only when it is whole."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from behindy_ops.db.backup import backup_here, backup_on_host, fetch, name_for
from behindy_ops.errors import Kind
from behindy_ops.report.events import StepDone
from tests.kinds import raises
from tests.scripted import Answer, scripted

LOOKED = Answer("state running\navail 5000\ndatabase 150004 1000 3 2 behindy\n")
SUM = f"sum {hashlib.sha256(b'dumped').hexdigest()} 6\n"


def test_names_sort_by_time_and_have_nothing_strange_in_them() -> None:
    assert name_for("my db/..", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)) == "my_db_..-20260131-093000.dump"


def test_what_arrived_whole_gets_its_name(tmp_path: Path) -> None:
    there = scripted(db__look=LOOKED, db__dump=Answer("dumped", stderr=SUM))
    file = backup_here(there.session, tmp_path)
    assert file.read_bytes() == b"dumped"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not there.host.locked
    assert str(file) in there.told()
    (detail,) = (event.detail for event in there.events if isinstance(event, StepDone))
    assert detail == "6 B, read through by pg_restore, same checksum here"


@pytest.mark.parametrize(
    "dump", [Answer("dumped!", stderr=SUM), Answer("dumpee", stderr=SUM), Answer("dumped", 4, SUM), Answer("dumped")]
)
def test_of_anything_else_nothing_is_left(tmp_path: Path, dump: Answer) -> None:
    with raises(Kind.BACKUP_FAILED):
        backup_here(scripted(db__look=LOOKED, db__dump=dump).session, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x.dump").write_text("mine")
    with raises(Kind.USAGE, match="--to"):
        backup_here(scripted(db__look=LOOKED).session, tmp_path / "x.dump")


def test_on_the_host_the_oldest_ones_go_under_the_lock() -> None:
    there = scripted(db__look=LOOKED, db__dump=Answer(stderr=f"removed old.dump\n{SUM}"))
    name = backup_on_host(there.session, 7, 0.0)
    assert there.host.locked == ["db.backup"]
    assert there.host.commands[-1].argv[-2:] == (name, "7")
    assert "removed: old.dump" in there.told()


def test_without_room_nothing_is_dumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Answer("state running\navail 999\ndatabase 150004 1000 3 2 behindy\n")
    with raises(Kind.HOST_NOT_READY, match="inv ops.disk"):
        backup_on_host(scripted(db__look=looked).session, 7, 0.0)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=999))
    with raises(Kind.HOST_NOT_READY, match="this machine"):
        backup_here(scripted(db__look=LOOKED).session, tmp_path)


KEPT = Answer(
    "state running\navail 5000\nbackup behindy-20260101-000000.dump 6\nbackup behindy-20260131-093000.dump 6\n"
    "backup behindy-prod.dump 9\nbackup zoo-20270101-000000.dump 6\ndatabase 150004 1000 3 2 behindy\n"
)


def test_the_newest_backup_of_this_database_is_fetched(tmp_path: Path) -> None:
    there = scripted(db__look=KEPT, db__fetch=Answer("dumped", stderr=SUM))
    file = fetch(there.session, "", tmp_path)
    assert (file.name, file.read_bytes()) == ("behindy-20260131-093000.dump", b"dumped")
    assert file.stat().st_mode & 0o777 == 0o600
    assert not there.host.locked
    assert fetch(there.session, "behindy-prod.dump", tmp_path).name == "behindy-prod.dump"


@pytest.mark.parametrize("answer", [Answer("dumpe", stderr=SUM), Answer("dumped"), Answer("dumped", 77, SUM)])
def test_of_one_that_does_not_arrive_whole_nothing_is_left(tmp_path: Path, answer: Answer) -> None:
    with raises(Kind.BACKUP_FAILED, match="Try again"):
        fetch(scripted(db__look=KEPT, db__fetch=answer).session, "", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../.env", "behindy-20200101-000000.dump"])
def test_only_a_backup_is_fetched(tmp_path: Path, name: str) -> None:
    with raises(Kind.BACKUP_INVALID, match="behindy-20260131-093000.dump"):
        fetch(scripted(db__look=KEPT).session, name, tmp_path)
    with raises(Kind.BACKUP_INVALID, match="inv db.backup"):
        fetch(scripted(db__look=LOOKED).session, "", tmp_path)


def test_where_the_host_keeps_none_it_is_said_how_to_make_one_there(tmp_path: Path) -> None:
    with raises(Kind.BACKUP_INVALID, match="The host keeps no backup of behindy") as refused:
        fetch(scripted(db__look=LOOKED).session, "", tmp_path)
    assert refused.value.remedy.endswith("Make one: inv db.backup --keep-on-host")
