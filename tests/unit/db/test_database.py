"""A look at the database, and what it is an error of."""

from __future__ import annotations

import pytest

from behindy_ops.db.database import look
from behindy_ops.errors import Kind
from tests.kinds import raises
from tests.scripted import Answer, scripted


def test_a_database_is_found() -> None:
    there = scripted(db__look=Answer("state running\navail 5000\ndatabase 150004 1000 3 2 behindy\n"))
    assert look(there.session).name == "behindy"


@pytest.mark.parametrize(("stdout", "said"), [("state none\n", "no container"), ("state exited\n", "is exited")])
def test_a_postgres_that_is_not_there_is_an_error_of_its_own(stdout: str, said: str) -> None:
    with raises(Kind.DATABASE_NOT_READY, match=said):
        look(scripted(db__look=Answer(stdout, 1)).session)


def test_a_missing_host_directory_is_told_before_anything_about_postgres() -> None:
    with raises(Kind.FILES_MISSING, match="BEHINDY_HOST_DIR"):
        look(scripted(db__look=Answer("", 80)).session)
