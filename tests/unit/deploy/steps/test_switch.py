"""The renames, there and back, and an nginx that has to be reloaded after them."""

from __future__ import annotations

import pytest

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.step import Step
from behindy_ops.deploy.steps.switch import Follow, FollowBack, GiveName, PutAside, PutNamesBack, Switch
from behindy_ops.errors import Kind, RemoteCommandFailed
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import answer, state_of


def test_both_names_change_in_one_command_which_gives_the_restart_policy_too() -> None:
    assert Switch().command(state_of()).argv[4:] == (
        *("old", "web-blue", "web", "new", "web", "always"),
        *("nginx", "web"),
    )
    assert Switch().command(state_of(live=None)).argv[7:] == ("new", "web", "always", "nginx", "web")


def test_a_recreated_service_has_nobody_to_take_the_name_from() -> None:
    assert Switch().command(state_of(Goal(recreate=True))).argv[4:7] == ("", "", "")


def test_the_moment_of_the_switch_is_the_hosts() -> None:
    read = Switch().read(state_of(), answer("switched 1234\n"))
    assert (read.state.switched, read.state.phase) == (1234, Phase.SWITCHED)


@pytest.mark.parametrize(
    ("said", "phase", "state"),
    [("undone", Phase.UNCHANGED, "The names are as before."), ("stuck", Phase.TORN, "The live name may be missing.")],
)
def test_a_switch_that_failed_says_whether_it_was_undone(said: str, phase: Phase, state: str) -> None:
    read = Switch().read(state_of(), answer(f"{said}\n", code=2))
    assert read.error is not None
    assert (read.error.kind, read.error.state) == (Kind.SWITCH_FAILED, state)
    assert read.state.phase is phase


def test_names_go_back_the_way_they_came() -> None:
    state = state_of(phase=Phase.SWITCHED)
    assert PutNamesBack().command(state).argv[4:9] == ("new", "web-green", "web", "old", "web")
    assert PutNamesBack().command(state_of(live=None)).argv[4:9] == ("", "", "", "new", "web-green")
    assert PutNamesBack().read(state, answer("switched 7\n")).state.switched == 7
    alone = PutNamesBack().read(state_of(live=None), answer("switched 7\n"))
    assert alone.state.serving == "There was no previous release, so nothing serves it now."


@pytest.mark.parametrize("step", [PutNamesBack(), PutAside(), GiveName("old", "Give it")])
def test_renames_that_fail_are_errors_with_what_was_said(step: Step) -> None:
    error = step.read(state_of(), answer(code=3, err="stuck")).error
    assert isinstance(error, RemoteCommandFailed)
    assert error.lines == ("stuck",)


def test_the_live_container_is_put_aside_under_the_previous_ones_name() -> None:
    assert PutAside().command(state_of()).argv[4:9] == ("", "", "", "old", "web-blue")
    assert PutAside().read(state_of(), answer("switched 7\n")).error is None


def test_a_name_is_given_with_a_policy_where_one_is_due() -> None:
    step = GiveName("x", "Give it", policy="always")
    assert step.command(state_of()).argv[7:] == ("x", "web", "always", "nginx", "web")
    assert step.title(state_of()) == "Give it"


def test_users_meet_the_new_release_once_nginx_was_reloaded() -> None:
    step, state = Follow(), state_of(phase=Phase.NAMED, switched=1)
    assert step.command(state).argv[-2:] == ("web", "new")
    read = step.read(state, answer("switched 9\n"))
    assert (read.state.switched, read.state.phase) == (9, Phase.SWITCHED)


def test_a_reload_that_fails_takes_the_new_release_back() -> None:
    read = Follow().read(state_of(phase=Phase.NAMED), answer(code=65, err="host not found"))
    assert read.relapse == "nginx could not be reloaded: exit code 65 host not found"


def test_on_the_way_back_a_reload_that_fails_is_reported() -> None:
    step, state = FollowBack("old"), state_of(phase=Phase.SWITCHED, switched=1)
    assert step.command(state).argv[-1] == "old"
    assert step.read(state, answer("switched 9\n")).state.switched == 9
    read = step.read(state, answer(code=65, err="host not found"))
    assert not read.relapse
    assert isinstance(read.events[0], Warning_)
