"""An nginx that has to be reloaded after the renames."""

from __future__ import annotations

from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.reload import Follow, FollowBack
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import answer, state_of


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
