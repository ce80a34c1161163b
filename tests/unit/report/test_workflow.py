"""GitHub's workflow commands as text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.report import workflow
from tests.github_runner import read_log


@given(st.text(), st.text())
def test_a_command_says_what_it_was_given(title: str, message: str) -> None:
    (found,) = read_log(workflow.command("error", message, title=title)).obeyed
    assert found[0] == "error"
    assert found[2] == message
    assert found[1] == (f"title={title}" if title else "")
