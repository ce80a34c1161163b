"""A look at the database, and what it is an error of."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from behindy_ops.db.database import Meter, look
from behindy_ops.errors import Kind
from behindy_ops.facts.figures import MB
from behindy_ops.report.events import StepProgress
from tests.kinds import raises
from tests.scripted import Answer, scripted


def test_a_database_is_found() -> None:
    there = scripted(db__look=Answer("state running\navail 5000\ndatabase 150004 1000 3 2 behindy\n"))
    assert look(there.session).name == "behindy"


@pytest.mark.parametrize(("stdout", "said"), [("state none\n", "no container"), ("state exited\n", "is exited")])
def test_a_postgres_that_is_not_there_is_an_error_of_its_own(stdout: str, said: str) -> None:
    with raises(Kind.DATABASE_NOT_READY, match=said):
        look(scripted(db__look=Answer(stdout, 1)).session)


def test_a_project_without_a_database_is_told_so_and_how_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "compose").mkdir()
    text = "services: {web: {image: acme/web, x-deploy: {}}, files: {image: acme/minio}}\n"
    (tmp_path / "compose" / "docker-compose.yml").write_text(text)
    with raises(Kind.DATABASE_NOT_READY, match="has no database") as error:
        look(scripted(root=tmp_path).session)
    assert error.value.remedy.endswith("docker-compose.yml: x-role: database")


def test_a_missing_host_directory_is_told_before_anything_about_postgres() -> None:
    with raises(Kind.FILES_MISSING, match="BEHINDY_HOST_DIR"):
        look(scripted(db__look=Answer("", 80)).session)


def test_what_passes_is_summed_and_told_once_a_megabyte() -> None:
    there = scripted()
    with there.session.step("check", "Send it") as step:
        meter = Meter(step, 20 * MB)
        for _ in range(5):
            meter.add(b"x" * (MB // 2))
    told = [event.text for event in there.events if isinstance(event, StepProgress)]
    assert told == ["1.0 MB of 20 MB", "2.0 MB of 20 MB"]
    assert meter.sum() == (hashlib.sha256(b"x" * (5 * MB // 2)).hexdigest(), 5 * MB // 2)
