"""What runs once in a release: what is sent, and what its end means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.once import AwaitAfter, AwaitBefore, StartAfter, StartBefore, StartBeforehand
from behindy_ops.deploy.steps.start import Start
from behindy_ops.errors import Kind
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.services import Once
from behindy_ops.report.events import Logs, Warning_
from tests.unit.deploy.states import answer, described, state_of

ONCE = Once(("manage", "migrate"), 30.0)


def over(seconds: int = 5, **changes: Any) -> str:
    """A container that has ended, so many seconds after its start."""
    times = {"started": "2026-01-31T00:00:00Z", "finished": f"2026-01-31T00:00:{seconds:02d}Z"}
    return described(running=False, status="exited", **{**times, **changes})


def test_it_is_told_what_a_candidate_is_told_and_its_words_last() -> None:
    command = StartBefore(ONCE).command(state_of())
    assert command.argv[4:] == (
        *("behindy-ops", "web", "r2", "behindy-ops_internal", "", "behindy-ops", "nginx"),
        *("before", "30", "10", "manage", "migrate"),
    )
    assert command.stdin == Start().command(state_of()).stdin
    assert command.changes
    assert StartAfter(ONCE).command(state_of()).argv[11] == "after"
    starts = (StartBefore(ONCE), StartBeforehand(ONCE), StartAfter(ONCE))
    assert [start.enters for start in starts] == [Phase.PREPARED, Phase.BEGUN, None]


def test_a_long_command_is_cut_in_the_title() -> None:
    title = StartBefore(Once(("sh", "-c", "echo a; " * 30))).title(state_of())
    assert title.startswith("Start sh -c 'echo a;")
    assert len(title) < 80


def test_it_is_waited_for_by_its_id_and_needs_no_lock() -> None:
    step, state = StartBefore(ONCE), state_of()
    started = step.read(state, answer("started abc\nunkept /srv/key\n"))
    assert ["/srv/key" in str(event) for event in started.events] == [True]
    command = AwaitBefore(ONCE).command(started.state)
    assert (command.argv[4], command.argv[-1], command.changes, command.timeout) == ("abc", "", False, 130.0)
    assert AwaitBefore(ONCE).command(state).argv[4] == "<before>"
    assert AwaitAfter(ONCE).command(state).argv[-1] == "always"


def test_its_output_is_shown_as_it_comes_and_at_the_end() -> None:
    step = AwaitBefore(ONCE)
    assert (step.progress("log 3 of 4"), step.progress("state none")) == ("3 of 4", "")
    read = step.read(state_of(), answer(f"log one\nlog two\nstate {over()}\n"))
    assert (read.error, read.detail, dict(read.facts)) == (
        None,
        "exit code 0 after 5.0 s",
        {"before": "exit code 0 after 5.0 s"},
    )
    assert read.events == (Logs("Last 2 lines of web-before", ("one", "two")),)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (over(exit=3), "exit code 3"),
        (over(30, exit=137), "it took longer than its 30 s and was stopped"),
        (over(31), "it took longer than its 30 s and was stopped"),
        (
            over(exit=137, oom=True, memory=400 * 2**20),
            "it was OOM-killed: it needs more memory than its limit of 400 MB",
        ),
        (described(), "it has not ended"),
        ("none", "its container has disappeared"),
        ("unknown", "Docker does not answer"),
    ],
)
def test_what_did_not_end_well_refuses_the_release_or_leaves_it_live(state: str, why: str) -> None:
    said = answer("".join(f"log {number}\n" for number in range(12)) + f"state {state}\n")
    error = AwaitBefore(ONCE).read(state_of(), said).error
    assert error is not None
    assert (error.kind, error.what) == (Kind.RELEASE_REFUSED, f"x-deploy.before of web failed: {why}.")
    assert error.lines == tuple(map(str, range(2, 12)))
    read = AwaitAfter(ONCE).read(state_of(), said)
    assert (read.error, read.failed, read.state.unfinished) == (None, why, f"x-deploy.after of web failed: {why}.")
    assert isinstance(read.events[-1], Warning_)


def test_one_that_cannot_be_started_is_told_with_what_was_said() -> None:
    failed = answer(code=1, err="no such service")
    error = StartBefore(ONCE).read(state_of(), failed).error
    assert error is not None
    assert (error.kind, error.lines) == (Kind.RELEASE_REFUSED, ("no such service",))
    other = replace(answer(code=Code.OTHER_VOLUME), command=StartBefore(ONCE).command(state_of()))
    error = StartBefore(ONCE).read(state_of(), other).error
    assert error is not None
    assert "docker volume create" in error.remedy
    read = StartAfter(ONCE).read(state_of(), failed)
    assert (read.error, read.failed) == (None, "it could not be started: exit code 1")
    assert AwaitAfter(ONCE).needless(read.state)
    assert AwaitAfter(ONCE).read(read.state, answer()).failed == "it was not started"
