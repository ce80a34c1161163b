"""Which word behind a task is a file."""

from __future__ import annotations

import pytest

from behindy_ops.tasks.options import file_behind


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("env.push host.env", True),
        ("env.push .env.host", True),
        ("env.push ../other", True),
        ("env.push --yes", False),
        ("env.push", False),
        ("env.push env.check", False),
        ("env.push tasks.py", True),
    ],
)
def test_a_file_may_be_named_right_behind_a_task_that_needs_none(words: str, named: bool) -> None:
    assert file_behind("push", words.split()) is named
