"""The line in the history of what has no last look."""

from __future__ import annotations

import json

from behindy_ops.deploy.steps.record import Record
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import answer, state_of


def test_how_it_ended_and_why_is_written() -> None:
    line = json.loads(Record("refused", "it exited").command(state_of()).stdin)
    assert (line["outcome"], line["reason"], line["release"]) == ("refused", "it exited", "r2")


def test_a_release_that_stands_from_now_on_is_verified_as_well() -> None:
    assert Record("live", "", stands=True).command(state_of()).argv[3] == "deploy/verify"


def test_a_history_that_cannot_be_written_is_reported() -> None:
    read = Record("refused", "").read(state_of(), answer(code=1))
    assert (read.error, [type(event) for event in read.events]) == (None, [Warning_])
    assert Record("refused", "").read(state_of(), answer()).events == ()
