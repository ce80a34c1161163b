"""What the summary of a job says of the time a release was live, watched and drained."""

from __future__ import annotations

import pytest

from behindy_ops.report.events import DeployFinished, DeployStarted
from behindy_ops.report.summary import Links, Story, render


@pytest.mark.parametrize(
    ("fact", "value", "row"),
    [
        ("live_and_proven", "after 4.9 s", "live and proven"),
        ("watched_after_that", "5.1 s", "watched after that"),
        ("before", "exit code 0 after 3.0 s", "x-deploy.before"),
        ("after", "exit code 4", "x-deploy.after"),
        ("draining", "2 open connections", "previous release drains"),
        ("drain", "idle after 2.3 s", "previous release drained"),
    ],
)
def test_each_figure_has_its_row_and_what_is_not_known_has_none(fact: str, value: str, row: str) -> None:
    def rows(facts: dict[str, str]) -> list[str]:
        story = Story(DeployStarted("web", "v2", "b.me"), DeployFinished("web", "live", 9.0, facts))
        return [line for line in render(story, Links()).splitlines() if line.startswith(f"| {row} |")]

    assert rows({fact: value}) == [f"| {row} | {value} |"]
    assert rows({}) == []
