"""``ops.exec``: the command is what stands behind ``--``, and there has to be one before anything is connected."""

from __future__ import annotations

import pytest

from behindy_ops.errors import Kind
from behindy_ops.views.exec import words_after
from tests.kinds import raises


def test_the_command_is_everything_behind_the_first_dashes_word_by_word() -> None:
    argv = ["inv", "ops.exec", "backend", "--", "sh", "-c", "echo $HOME", "--", ""]
    assert words_after(argv) == ("sh", "-c", "echo $HOME", "--", "")


@pytest.mark.parametrize("argv", [["inv", "ops.exec", "backend"], ["inv", "ops.exec", "backend", "--"]])
def test_no_command_is_wrong_usage_with_an_example(argv: list[str]) -> None:
    with raises(Kind.USAGE, match="No command") as error:
        words_after(argv)
    assert "inv ops.exec backend -- env" in error.value.remedy


def test_each_task_is_told_by_its_own_name() -> None:
    with raises(Kind.USAGE) as error:
        words_after(["inv", "ops.run", "backend"])
    assert "inv ops.run backend -- env" in error.value.remedy
