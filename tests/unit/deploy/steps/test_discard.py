"""A failed release is shown, then removed."""

from __future__ import annotations

from behindy_ops.deploy.steps.discard import Discard
from behindy_ops.report.events import Logs
from tests.unit.deploy.states import answer, described, state_of


def test_its_state_and_last_words_are_shown_and_only_the_names_of_its_environment() -> None:
    read = Discard().read(state_of(), answer(f"state {described(exit=3)}\nlog one\nlog two\n"))
    state, logs = read.events
    assert isinstance(state, Logs)
    assert isinstance(logs, Logs)
    assert state.lines == (
        "running, exit code 3, OOM-killed: no, restarts: 0",
        "environment names: PATH, SECRET",
    )
    assert (logs.title, logs.lines) == ("Last 2 log lines of web-green", ("one", "two"))


def test_one_that_is_gone_already_logged_nothing() -> None:
    (logs,) = Discard().read(state_of(), answer("state none\n")).events
    assert isinstance(logs, Logs)
    assert logs.title == "web-green logged nothing"


def test_it_is_known_by_its_name_until_it_was_started() -> None:
    assert Discard().command(state_of(green=None)).argv[4] == "web-green"
    assert Discard().command(state_of()).argv[4] == "new"
    assert Discard().command(state_of()).argv[-1] == "behindy-ops/state/releases/web/r2"


def test_a_removal_that_fails_says_that_it_gets_no_traffic() -> None:
    error = Discard().read(state_of(), answer("state none\n", code=1)).error
    assert error is not None
    assert error.state == "The candidate may still be there; it gets no traffic."
