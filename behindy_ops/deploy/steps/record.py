"""Write one line to the host's history: how something ended that has no last look."""

from __future__ import annotations

import math
from dataclasses import dataclass

from behindy_ops.deploy import history
from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.deploy.steps.verify import verify
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Warning_


@dataclass(frozen=True, slots=True)
class Record(Step):
    """How it ended.

    Attributes:
        outcome: ``refused``, ``switched back``, ``interrupted``, ``live``, ...
        reason: why.
        stands: the live release stands from now on.
    """

    outcome: str
    reason: str
    stands: bool = False
    name = "record"
    said = "Record how it ended"
    shield = math.inf

    def command(self, state: State) -> Command:
        line = history.ended(state, self.outcome, self.reason)
        if self.stands:
            return verify(state, line)
        argv = script("deploy/record", state.paths.history, str(history.ROTATED_AT))
        stdin = line.encode("utf-8") + b"\n"
        return Command(argv, title="write the history", timeout=30, stdin=stdin, changes=True)

    def read(self, state: State, result: Result) -> Read:
        if result.ok:
            return Read(state)
        return Read(state, events=(Warning_(f"The host's history could not be written: {result.how()}."),))
