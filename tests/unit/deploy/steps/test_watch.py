"""Watching the new release."""

from __future__ import annotations

import pytest

from behindy_ops.deploy.steps.watch import Watch
from tests.unit.deploy.states import answer, described, state_of


@pytest.mark.parametrize(
    ("said", "relapse"),
    [
        (f"state {described()}", ""),
        ("state none", "its container has disappeared"),
        (f"state {described(oom=True)}", "it was OOM-killed"),
        (f"state {described(restarts=1)}", "it restarted once"),
        (f"state {described(restarts=3)}", "it restarted 3 times"),
        (f"state {described(running=False, exit=3)}", "it exited with code 3"),
    ],
)
def test_what_happens_to_it_takes_it_back(said: str, relapse: str) -> None:
    read = Watch().read(state_of(), answer(said))
    assert (read.relapse, read.failed) == (relapse, relapse)


def test_it_ends_so_many_seconds_after_the_switch() -> None:
    assert Watch().command(state_of(switched=1000)).argv[4:6] == ("new", "11000")
